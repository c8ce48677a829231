# SPDX-License-Identifier: Apache-2.0
"""Rows that come before what they stand for in Neutron, and go after it.

So nothing that is ours in Neutron is ever unknown: its id is chosen with the row. Whoever makes
or removes the thing holds the claim meanwhile, so two workers never make two, and none removes
what another has just made again. Released when the work is done; a dead worker's runs out.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from neutron_lib.context import Context
from oslo_utils import timeutils, uuidutils

# A worker that set out to make or remove something and has not after this time is taken for dead.
CLAIM_TIME = timedelta(seconds=30)
LONG_AGO = datetime(1970, 1, 1)


def claim(context: Context, table: Any, chosen: str, **key: str) -> str | None:
    """Claim the making of something; None while another worker has the claim.

    Args:
        context: of the caller's transaction.
        table: has ``claimed_at`` beside the columns named here.
        chosen: the column that holds the id the thing is to have.
        key: the row's primary key.

    Returns:
        That id.
    """
    now, column = timeutils.utcnow(), getattr(table, chosen)
    query: Any = sa.select(column, table.claimed_at).filter_by(**key).with_for_update()
    row = context.session.execute(query).first()
    if row is None:
        new: str = uuidutils.generate_uuid()
        context.session.add(table(**key, **{chosen: new}, claimed_at=now))
        context.session.flush()
        return new
    if row.claimed_at + CLAIM_TIME > now:
        return None
    context.session.execute(sa.update(table).filter_by(**key).values(claimed_at=now))
    return str(row[0])


def claim_removal(
    context: Context, table: Any, is_unused: Callable[[], bool] = lambda: True, **key: str
) -> bool:
    """Claim the removal of something that nothing needs.

    Args:
        context: of the caller's transaction.
        table: has ``claimed_at`` beside the columns named here.
        is_unused: asked once the row is locked; it may be needed again by then.
        key: the row's primary key.

    Returns:
        Whether it is this caller's to remove: it is there, unused, and in no other hands.
    """
    now = timeutils.utcnow()
    query: Any = sa.select(table.claimed_at).filter_by(**key).with_for_update()
    claimed_at = context.session.execute(query).scalar_one_or_none()
    if claimed_at is None or claimed_at + CLAIM_TIME > now or not is_unused():
        return False
    context.session.execute(sa.update(table).filter_by(**key).values(claimed_at=now))
    return True


def release(context: Context, table: Any, **key: str) -> None:
    """Give up the claim: the thing is made, or the next worker may try at once."""
    context.session.execute(sa.update(table).filter_by(**key).values(claimed_at=LONG_AGO))


def forget(context: Context, table: Any, **key: str) -> None:
    """Remove the row of something that is gone.

    ``key`` names the thing's own id: whoever is late must not forget what was made since.
    """
    context.session.execute(sa.delete(table).filter_by(**key))


def is_fresh(claimed_at: datetime) -> bool:
    """Whether whoever has the claim may still be at it."""
    return bool(claimed_at + CLAIM_TIME > timeutils.utcnow())
