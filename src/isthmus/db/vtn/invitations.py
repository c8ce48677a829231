# SPDX-License-Identifier: Apache-2.0
"""Invitations this site made. Used once, until they expire; their secret is nowhere."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from neutron_lib.context import Context
from oslo_utils import timeutils

from isthmus.db.vtn import tables

_TABLE: Any = tables.Invitation.__table__


@dataclass(frozen=True, slots=True)
class InvitationRecord:
    """An invitation.

    Attributes:
        site: the one that is invited, under that name alone.
        token_hash: hexadecimal SHA-256 of its secret.
        used_by: where it was used from.
    """

    id: str
    site: str
    token_hash: str
    created_at: datetime
    expires_at: datetime
    used_at: datetime | None = None
    used_by: str = ""


def create(context: Context, record: InvitationRecord) -> None:
    """Add an invitation; older ones of the same site are worth nothing any more."""
    context.session.execute(
        sa.delete(_TABLE).where(_TABLE.c.site == record.site, _TABLE.c.used_at.is_(None))
    )
    context.session.execute(sa.insert(_TABLE).values(**asdict(record)))


def read_by_hash(context: Context, token_hash: str) -> InvitationRecord | None:
    """Return the invitation with a secret of this digest, locked, or None."""
    query: Any = sa.select(_TABLE).where(_TABLE.c.token_hash == token_hash).with_for_update()
    row = context.session.execute(query).mappings().first()
    return InvitationRecord(**row) if row is not None else None


def use(context: Context, invitation_id: str, used_by: str) -> bool:
    """Use an invitation up; False if it was, or has expired."""
    now = timeutils.utcnow()
    query: Any = (
        sa.update(_TABLE)
        .where(_TABLE.c.id == invitation_id, _TABLE.c.used_at.is_(None), _TABLE.c.expires_at > now)
        .values(used_at=now, used_by=used_by[:255])
    )
    return bool(context.session.execute(query).rowcount)


def remove(context: Context, site: str) -> None:
    """Take back what was made for a site."""
    context.session.execute(sa.delete(_TABLE).where(_TABLE.c.site == site))
