# SPDX-License-Identifier: Apache-2.0
"""Move in: one transaction, so that either all of it is here afterwards or nothing."""

from __future__ import annotations

import sqlalchemy as sa

# Neutron's models refer to each other by name: all have to be known.
from neutron.db.migration.models import head as neutron_models  # noqa: F401
from neutron_lib import context as neutron_context
from neutron_lib.db import api as db_api
from oslo_db import exception as db_exc

from isthmus.db import models
from isthmus.moving_in import source
from isthmus.moving_in.report import Report
from isthmus.moving_in.take_over import TakeOver


class NotReady(RuntimeError):
    """The database can't be used yet; the text says what to do."""


class _Rehearsed(Exception):
    """Undoes a transaction that was a rehearsal."""


def move_in(*, is_rehearsal: bool, is_overwriting: bool) -> Report:
    """Take over everything of networking-bgpvpn's that can be.

    Args:
        is_rehearsal: undo it in the end.
        is_overwriting: make what is here already as it is there.

    Raises:
        NotTheirs: networking-bgpvpn's tables are not there.
        NotReady: our tables are not there, or the database does not answer.
    """
    try:
        report: Report = _move_in(is_rehearsal=is_rehearsal, is_overwriting=is_overwriting)
    except (db_exc.DBError, sa.exc.SQLAlchemyError) as error:
        # oslo.db wraps what it knows, the drivers' own text is the last of the chain.
        reason = str(getattr(error, "inner_exception", None) or error).splitlines()[0]
        raise NotReady(
            f"Neutron's database could not be used; nothing was written: {reason}"
        ) from (error)
    return report


@db_api.retry_db_errors
def _move_in(*, is_rehearsal: bool, is_overwriting: bool) -> Report:
    context = neutron_context.get_admin_context()
    take_over = TakeOver(context, is_overwriting=is_overwriting)
    try:
        with db_api.CONTEXT_WRITER.using(context):
            _check_our_tables(context)
            source.check(context)
            report = take_over.run(source.read_vpns(context), source.read_associations(context))
            if is_rehearsal:
                raise _Rehearsed
    except _Rehearsed:
        pass
    return report


def _check_our_tables(context: neutron_context.Context) -> None:
    inspector = sa.inspect(context.session.connection())
    existing = set(inspector.get_table_names())
    for table in (models.Vpn, models.PortAssociation):
        if table.__tablename__ not in existing:
            raise NotReady(
                f"There is no table '{table.__tablename__}': bring Isthmus's tables up first "
                "(neutron-db-manage --subproject isthmus upgrade heads)."
            )
