# SPDX-License-Identifier: Apache-2.0
"""VPNs that were given a route distinguisher.

Revision ID: c81d4f6a2e95
Revises: a94c5d27e830
"""

import sqlalchemy as sa
from alembic import op

revision = "c81d4f6a2e95"
down_revision = "a94c5d27e830"


def upgrade() -> None:
    """Add a column, which has a default for the release before, and look RDs up by value."""
    op.add_column(
        "isthmus_vpns",
        sa.Column(
            "allocates_route_distinguisher", sa.Boolean, nullable=False, server_default=sa.false()
        ),
    )
    op.create_index(
        "ix_isthmus_route_distinguishers_value", "isthmus_route_distinguishers", ["value"]
    )
