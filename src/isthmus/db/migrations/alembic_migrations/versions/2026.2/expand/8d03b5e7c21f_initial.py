# SPDX-License-Identifier: Apache-2.0
"""VPNs, associations, attachments, journal, provider edges.

Revision ID: 8d03b5e7c21f
Revises: start_isthmus
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "8d03b5e7c21f"
down_revision = "start_isthmus"
branch_labels = ("expand",)

FREE_TEXT = sa.String(255).with_variant(mysql.VARCHAR(255, charset="utf8mb4"), "mysql", "mariadb")
UUID = sa.String(36)


def upgrade() -> None:
    """Create every table."""
    _intent()
    _attachments_and_journal()
    _reports()


def _intent() -> None:
    op.create_table(
        "isthmus_vpns",
        sa.Column("id", UUID, primary_key=True),
        sa.Column("project_id", FREE_TEXT, nullable=False, index=True),
        sa.Column("name", FREE_TEXT, nullable=False),
        sa.Column("type", sa.String(2), nullable=False),
        sa.Column("vni", sa.Integer, nullable=True),
        sa.Column("generation", sa.BigInteger, nullable=False),
        sa.Column("dispatched_digest", sa.String(64), nullable=True),
        sa.Column("dispatched_at", sa.DateTime, nullable=True),
        sa.Column("refusal", sa.Text, nullable=False),
        sa.Column("refusal_for_tenant", sa.Text, nullable=False),
    )
    op.create_table(
        "isthmus_route_targets",
        sa.Column(
            "vpn_id", UUID, sa.ForeignKey("isthmus_vpns.id", ondelete="CASCADE"), primary_key=True
        ),
        sa.Column("direction", sa.String(6), primary_key=True),
        sa.Column("value", sa.String(21), primary_key=True),
    )
    op.create_table(
        "isthmus_route_distinguishers",
        sa.Column(
            "vpn_id", UUID, sa.ForeignKey("isthmus_vpns.id", ondelete="CASCADE"), primary_key=True
        ),
        sa.Column("value", sa.String(21), primary_key=True),
        sa.Column("position", sa.Integer, nullable=False),
    )
    op.create_table(
        "isthmus_network_associations",
        sa.Column("id", UUID, primary_key=True),
        sa.Column("project_id", FREE_TEXT, nullable=False, index=True),
        sa.Column(
            "vpn_id", UUID, sa.ForeignKey("isthmus_vpns.id", ondelete="CASCADE"), nullable=False
        ),
        sa.Column(
            "network_id", UUID, sa.ForeignKey("networks.id", ondelete="CASCADE"), nullable=False
        ),
        sa.UniqueConstraint("vpn_id", "network_id", name="uniq_isthmus_network_associations"),
    )


def _attachments_and_journal() -> None:
    op.create_table(
        "isthmus_attachments",
        sa.Column(
            "network_id", UUID, sa.ForeignKey("networks.id", ondelete="CASCADE"), primary_key=True
        ),
        sa.Column("port_id", UUID, nullable=False, unique=True),
        sa.Column("claimed_at", sa.DateTime, nullable=False),
    )
    op.create_table(
        "isthmus_journal",
        sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=True),
        sa.Column("vpn_id", UUID, nullable=False, index=True),
        sa.Column("created_at", sa.DateTime, nullable=False),
    )


def _reports() -> None:
    op.create_table(
        "isthmus_provider_edges",
        sa.Column("name", sa.String(255), primary_key=True),
        sa.Column("address", sa.String(45), nullable=False),
        sa.Column("heard_at", sa.DateTime, nullable=False),
        sa.Column("neighbors", sa.Integer, nullable=False),
        sa.Column("neighbors_established", sa.Integer, nullable=False),
    )
    op.create_table(
        "isthmus_pe_reports",
        sa.Column(
            "pe",
            sa.String(255),
            sa.ForeignKey("isthmus_provider_edges.name", ondelete="CASCADE"),
            primary_key=True,
        ),
        sa.Column("vpn_id", UUID, primary_key=True, index=True),
        sa.Column("generation", sa.BigInteger, nullable=False),
        sa.Column("is_in_force", sa.Boolean, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
    )
