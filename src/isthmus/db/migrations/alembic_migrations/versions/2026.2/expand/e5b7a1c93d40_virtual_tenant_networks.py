# SPDX-License-Identifier: Apache-2.0
"""Virtual tenant networks, their documents and sites.

Revision ID: e5b7a1c93d40
Revises: c81d4f6a2e95
"""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "e5b7a1c93d40"
down_revision = "c81d4f6a2e95"

FREE_TEXT = sa.String(255).with_variant(mysql.VARCHAR(255, charset="utf8mb4"), "mysql", "mariadb")
LONG_TEXT = sa.Text().with_variant(mysql.MEDIUMTEXT(charset="utf8mb4"), "mysql", "mariadb")
TEXT = sa.Text().with_variant(mysql.TEXT(charset="utf8mb4"), "mysql", "mariadb")
SEQUENCE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
UUID, SITE_NAME = sa.String(36), sa.String(63)
EMPTY = sa.text("('')")


def upgrade() -> None:
    """Add tables alone."""
    _documents()
    _vtns()
    _events()
    _sites()


def _column(name: str, kind: Any, **options: Any) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=False, **options)


def _text(name: str) -> sa.Column[Any]:
    return _column(name, TEXT, server_default=EMPTY)


def _flag(name: str, *, is_set: bool) -> sa.Column[Any]:
    return _column(name, sa.Boolean, server_default=sa.true() if is_set else sa.false())


def _sequence() -> sa.Column[Any]:
    return sa.Column("id", SEQUENCE, primary_key=True, autoincrement=True)


def _child_of(name: str, kind: Any, target: str) -> sa.Column[Any]:
    return sa.Column(name, kind, sa.ForeignKey(target, ondelete="CASCADE"), primary_key=True)


def _standard_attributes() -> sa.Column[Any]:
    return sa.Column(
        "standard_attr_id",
        SEQUENCE,
        sa.ForeignKey("standardattributes.id", ondelete="CASCADE"),
        nullable=True,
        unique=True,
    )


def _documents() -> None:
    op.create_table(
        "isthmus_documents",
        sa.Column("site", SITE_NAME, primary_key=True),
        sa.Column("kind", sa.String(16), primary_key=True),
        sa.Column("name", sa.String(128), primary_key=True),
        sa.Column("vtn_id", UUID, nullable=True, index=True),
        _column("body", LONG_TEXT),
        _column("revision", sa.BigInteger),
        _column("heard_at", sa.DateTime),
    )
    op.create_table(
        "isthmus_outbox",
        _sequence(),
        _column("kind", sa.String(16)),
        _column("name", sa.String(128)),
    )


def _vtns() -> None:
    op.create_table(
        "isthmus_vtns",
        sa.Column("id", UUID, primary_key=True),
        _column("project_id", FREE_TEXT, index=True),
        _column("name", FREE_TEXT),
        _column("type", sa.String(8)),
        _column("owner_site", SITE_NAME, index=True),
        _column("epoch", sa.BigInteger),
        _column("generation", sa.BigInteger),
        _flag("admin_state_up", is_set=True),
        _flag("is_deleted", is_set=False),
        sa.Column("class_of_service", sa.String(64), nullable=True),
        sa.Column("rate_kbps", sa.BigInteger, nullable=True),
        _column("requests_pending", sa.Integer, server_default="0"),
        _text("refusal"),
        _text("refusal_for_tenant"),
        _text("notice"),
        _standard_attributes(),
    )
    op.create_table(
        "isthmus_vtn_prefixes",
        _child_of("vtn_id", UUID, "isthmus_vtns.id"),
        sa.Column("prefix", sa.String(43), primary_key=True, index=True),
        _column("position", sa.Integer),
    )
    op.create_table(
        "isthmus_vtn_members",
        _child_of("vtn_id", UUID, "isthmus_vtns.id"),
        sa.Column("site", SITE_NAME, primary_key=True, index=True),
        sa.Column("project_id", FREE_TEXT, nullable=True),
        _text("prefixes"),
        _column("acceptance", sa.String(16)),
        _column("status", sa.String(16)),
        _text("reason"),
        _column("epoch", sa.BigInteger),
        _column("generation", sa.BigInteger),
        sa.Column("network_id", UUID, nullable=True, index=True),
        _text("subnet_ids"),
        sa.Column("bgpvpn_id", UUID, nullable=True, index=True),
        sa.Column("class_of_service", sa.String(64), nullable=True),
        sa.Column("rate_kbps", sa.BigInteger, nullable=True),
        _flag("is_leaving", is_set=False),
        _text("drift"),
        sa.Column("heard_at", sa.DateTime, nullable=True),
    )
    op.create_table(
        "isthmus_vtn_targets",
        sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
        _column("value", sa.String(21), index=True),
        _column("vtn_id", UUID, index=True),
    )


def _events() -> None:
    op.create_table(
        "isthmus_vtn_journal",
        _sequence(),
        _column("vtn_id", UUID, index=True),
        _column("created_at", sa.DateTime),
    )
    op.create_table(
        "isthmus_vtn_events",
        _sequence(),
        _column("at", sa.DateTime),
        _column("site", SITE_NAME, index=True),
        sa.Column("vtn_id", UUID, nullable=True, index=True),
        _column("text", TEXT),
    )


def _sites() -> None:
    op.create_table(
        "isthmus_sites",
        sa.Column("name", SITE_NAME, primary_key=True),
        _column("id", UUID, unique=True),
        _column("state", sa.String(16)),
        _text("endpoints"),
        _text("peering_endpoint"),
        sa.Column("as_number", sa.BigInteger, nullable=True),
        *(_text(name) for name in ("ca", "certificate", "private_key")),
        sa.Column("certificate_expires_at", sa.DateTime, nullable=True),
        _text("exchange"),
        _flag("shares_identity", is_set=True),
        _column("incarnation", sa.String(64), server_default=""),
        _column("beat", sa.BigInteger, server_default="0"),
        _column("watched_cluster", sa.String(32), server_default=""),
        _column("watched_revision", sa.BigInteger, server_default="0"),
        sa.Column("heard_at", sa.DateTime, nullable=True),
        _column("liveness", sa.String(16), server_default="DOWN"),
        sa.Column("liveness_since", sa.DateTime, nullable=True),
        _text("reason"),
        _column("asked", sa.String(16), server_default=""),
        sa.Column("asked_at", sa.DateTime, nullable=True),
        _standard_attributes(),
    )
    op.create_table(
        "isthmus_site_projects",
        _child_of("site", SITE_NAME, "isthmus_sites.name"),
        sa.Column("their_project", FREE_TEXT, primary_key=True),
        _column("our_project", FREE_TEXT, index=True),
    )
    op.create_table(
        "isthmus_invitations",
        sa.Column("id", UUID, primary_key=True),
        _column("site", SITE_NAME, index=True),
        _column("token_hash", sa.String(64), unique=True),
        _column("created_at", sa.DateTime),
        _column("expires_at", sa.DateTime),
        sa.Column("used_at", sa.DateTime, nullable=True),
        _column("used_by", sa.String(255), server_default=""),
    )
