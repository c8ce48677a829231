# SPDX-License-Identifier: Apache-2.0
"""Router and port associations, transit networks, sharing, pools, administrative state.

Every new column of an older table has a default, so that servers of the release before go on
writing while this one is rolled out.

Revision ID: f3a81c04d9e6
Revises: 8d03b5e7c21f
"""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "f3a81c04d9e6"
down_revision = "8d03b5e7c21f"

FREE_TEXT = sa.String(255).with_variant(mysql.VARCHAR(255, charset="utf8mb4"), "mysql", "mariadb")
SEQUENCE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
UUID = sa.String(36)
EMPTY = sa.text("('')")


def upgrade() -> None:
    """Add columns to the tables there are, then the tables there are not."""
    _change_vpns()
    _change_reports()
    _associations()
    _transit_networks()
    _sharing_and_pools()


def _add(table: str, *columns: sa.Column[Any]) -> None:
    for column in columns:
        op.add_column(table, column)


def _admin_state_up() -> sa.Column[bool]:
    return sa.Column("admin_state_up", sa.Boolean, nullable=False, server_default=sa.true())


def _add_standard_attributes(table: str) -> None:
    _add(table, sa.Column("standard_attr_id", SEQUENCE, nullable=True))
    op.create_unique_constraint(f"uniq_{table}_standard_attr", table, ["standard_attr_id"])
    op.create_foreign_key(
        f"fk_{table}_standard_attr",
        table,
        "standardattributes",
        ["standard_attr_id"],
        ["id"],
        ondelete="CASCADE",
    )


def _change_vpns() -> None:
    allocates = sa.Column(
        "allocates_route_target", sa.Boolean, nullable=False, server_default=sa.false()
    )
    local_pref = sa.Column("local_pref", sa.BigInteger, nullable=True)
    _add("isthmus_vpns", local_pref, _admin_state_up(), allocates)
    _add("isthmus_network_associations", _admin_state_up())
    op.create_index("ix_isthmus_route_targets_value", "isthmus_route_targets", ["value"])
    for table in ("isthmus_vpns", "isthmus_network_associations"):
        _add_standard_attributes(table)


def _change_reports() -> None:
    _add(
        "isthmus_provider_edges",
        sa.Column("core_payload", sa.Integer, nullable=True),
        sa.Column("last_error", sa.Text, nullable=False, server_default=EMPTY),
    )
    _add(
        "isthmus_pe_reports",
        sa.Column("labels", sa.Text, nullable=False, server_default=EMPTY),
        sa.Column("routes_sent", sa.Integer, nullable=False, server_default="0"),
        sa.Column("routes_received", sa.Integer, nullable=False, server_default="0"),
    )


def _reference(name: str, target: str, *, nullable: bool = False) -> sa.Column[str]:
    return sa.Column(name, UUID, sa.ForeignKey(target, ondelete="CASCADE"), nullable=nullable)


def _associations() -> None:
    for kind, flag in (("router", "advertise_extra_routes"), ("port", "advertise_fixed_ips")):
        table = f"isthmus_{kind}_associations"
        op.create_table(
            table,
            sa.Column("id", UUID, primary_key=True),
            sa.Column("project_id", FREE_TEXT, nullable=False, index=True),
            _reference("vpn_id", "isthmus_vpns.id"),
            _reference(f"{kind}_id", f"{kind}s.id"),
            sa.Column(flag, sa.Boolean, nullable=False),
            _admin_state_up(),
            sa.Column(
                "standard_attr_id",
                SEQUENCE,
                sa.ForeignKey("standardattributes.id", ondelete="CASCADE"),
                nullable=True,
                unique=True,
            ),
            sa.UniqueConstraint("vpn_id", f"{kind}_id", name=f"uniq_{table}"),
        )
    op.create_table(
        "isthmus_port_association_routes",
        sa.Column(
            "association_id",
            UUID,
            sa.ForeignKey("isthmus_port_associations.id", ondelete="CASCADE"),
            primary_key=True,
        ),
        sa.Column("position", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("type", sa.String(16), nullable=False),
        sa.Column("prefix", sa.String(64), nullable=True),
        _reference("bgpvpn_id", "isthmus_vpns.id", nullable=True),
        sa.Column("local_pref", sa.BigInteger, nullable=True),
    )


def _transit_networks() -> None:
    op.create_table(
        "isthmus_transit_networks",
        sa.Column(
            "router_id", UUID, sa.ForeignKey("routers.id", ondelete="CASCADE"), primary_key=True
        ),
        sa.Column("network_id", UUID, nullable=False, unique=True),
        sa.Column("router_port_id", UUID, nullable=False, unique=True),
        sa.Column("ipv4_prefix", sa.String(18), nullable=False, unique=True),
        sa.Column("claimed_at", sa.DateTime, nullable=False),
    )


def _sharing_and_pools() -> None:
    op.create_table(
        "isthmus_vpn_rbacs",
        sa.Column("id", UUID, primary_key=True),
        sa.Column("project_id", sa.String(255), nullable=True, index=True),
        sa.Column("target_project", sa.String(255), nullable=False, index=True),
        sa.Column("action", sa.String(255), nullable=False, index=True),
        _reference("object_id", "isthmus_vpns.id"),
        sa.UniqueConstraint("target_project", "object_id", "action"),
    )
    op.create_table(
        "isthmus_allocations",
        sa.Column("pool", sa.String(16), primary_key=True),
        sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
        _reference("vpn_id", "isthmus_vpns.id"),
    )
