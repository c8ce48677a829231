# SPDX-License-Identifier: Apache-2.0
"""Revisions of the isthmus_* tables: one expand and one contract branch."""

VERSION_TABLE = "isthmus_alembic_version"
