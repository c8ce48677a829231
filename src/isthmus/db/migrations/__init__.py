# SPDX-License-Identifier: Apache-2.0
"""Schema migrations, run by ``neutron-db-manage --subproject isthmus upgrade heads``."""

from isthmus.db.migrations import alembic_migrations

__all__ = ["alembic_migrations"]
