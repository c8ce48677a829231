# SPDX-License-Identifier: Apache-2.0
"""Start of the contract branch.

Revision ID: 4f2c61d09ab7
Revises: start_isthmus
"""

revision = "4f2c61d09ab7"
down_revision = "start_isthmus"
branch_labels = ("contract",)


def upgrade() -> None:
    """Change nothing."""
