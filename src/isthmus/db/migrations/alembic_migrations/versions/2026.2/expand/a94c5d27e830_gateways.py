# SPDX-License-Identifier: Apache-2.0
"""Gateway mode: PEs that may be gateways, and their ports on networks.

Revision ID: a94c5d27e830
Revises: f3a81c04d9e6
"""

import sqlalchemy as sa
from alembic import op

revision = "a94c5d27e830"
down_revision = "f3a81c04d9e6"

UUID = sa.String(36)


def upgrade() -> None:
    """Add columns, which have defaults for the release before, and a table."""
    op.add_column(
        "isthmus_provider_edges",
        sa.Column("is_gateway", sa.Boolean, nullable=False, server_default=sa.false()),
    )
    op.add_column(
        "isthmus_attachments",
        sa.Column("mode", sa.String(16), nullable=False, server_default="distributed"),
    )
    op.add_column(
        "isthmus_network_associations", sa.Column("attachment_mode", sa.String(16), nullable=True)
    )
    op.create_table(
        "isthmus_gateway_ports",
        sa.Column(
            "network_id", UUID, sa.ForeignKey("networks.id", ondelete="CASCADE"), primary_key=True
        ),
        sa.Column("pe", sa.String(255), primary_key=True),
        sa.Column("port_id", UUID, nullable=False, unique=True),
        sa.Column("claimed_at", sa.DateTime, nullable=False),
    )
