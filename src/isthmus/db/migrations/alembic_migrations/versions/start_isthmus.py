# SPDX-License-Identifier: Apache-2.0
"""Where both branches begin: nothing yet.

Revision ID: start_isthmus
Revises: None
"""

revision = "start_isthmus"
down_revision = None


def upgrade() -> None:
    """Change nothing."""
