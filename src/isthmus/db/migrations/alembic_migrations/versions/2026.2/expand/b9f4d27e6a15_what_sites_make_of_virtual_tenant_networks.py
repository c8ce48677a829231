# SPDX-License-Identifier: Apache-2.0
"""What this site made of virtual tenant networks.

Revision ID: b9f4d27e6a15
Revises: e5b7a1c93d40
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision = "b9f4d27e6a15"
down_revision = "e5b7a1c93d40"

FREE_TEXT = sa.String(255).with_variant(mysql.VARCHAR(255, charset="utf8mb4"), "mysql", "mariadb")
UUID = sa.String(36)


def upgrade() -> None:
    """Add two tables, and to a VPN the VTN it was made for."""
    op.create_table(
        "isthmus_vtn_realisations",
        sa.Column("vtn_id", UUID, primary_key=True),
        sa.Column("network_id", UUID, nullable=False, unique=True),
        sa.Column("bgpvpn_id", UUID, nullable=False, unique=True),
        sa.Column("network_name", FREE_TEXT, nullable=True),
        sa.Column("is_joined", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("claimed_at", sa.DateTime, nullable=False),
    )
    op.create_table(
        "isthmus_vtn_realised_subnets",
        sa.Column(
            "vtn_id",
            UUID,
            sa.ForeignKey("isthmus_vtn_realisations.vtn_id", ondelete="CASCADE"),
            primary_key=True,
        ),
        sa.Column("prefix", sa.String(43), primary_key=True),
        sa.Column("subnet_id", UUID, nullable=False, unique=True),
        sa.Column("is_made", sa.Boolean, nullable=False, server_default=sa.false()),
    )
    op.add_column("isthmus_vpns", sa.Column("vtn_id", UUID, nullable=True))
    op.create_index("ix_isthmus_vpns_vtn_id", "isthmus_vpns", ["vtn_id"])
