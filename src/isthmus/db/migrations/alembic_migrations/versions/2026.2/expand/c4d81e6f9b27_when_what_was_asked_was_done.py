# SPDX-License-Identifier: Apache-2.0
"""When what an operator asked of a site was done.

Revision ID: c4d81e6f9b27
Revises: b9f4d27e6a15
"""

import sqlalchemy as sa
from alembic import op

revision = "c4d81e6f9b27"
down_revision = "b9f4d27e6a15"


def upgrade() -> None:
    """Add a column to the sites."""
    op.add_column("isthmus_sites", sa.Column("done_at", sa.DateTime, nullable=True))
