# SPDX-License-Identifier: Apache-2.0
"""How alembic reaches the database: Neutron's, with a version table of our own."""

from typing import Any

import sqlalchemy as sa
from alembic import context
from neutron.db.migration.connection import DBConnection
from neutron.db.migration.models import head as neutron_models  # noqa: F401  networks for the keys
from neutron_lib.db import model_base

from isthmus.db import models  # noqa: F401  fills the metadata
from isthmus.db.migrations.alembic_migrations import VERSION_TABLE
from isthmus.db.vtn import tables  # noqa: F401  likewise

config = context.config
neutron_config = config.neutron_config  # type: ignore[attr-defined]  set by neutron-db-manage


def include_object(
    schema_object: Any,
    name: str | None,
    kind: str,
    reflected: bool,  # noqa: FBT001  alembic's signature
    compare_to: Any,
) -> bool:
    """Leave every table that is not ours alone."""
    del schema_object, reflected, compare_to
    return kind != "table" or bool(name and name.startswith("isthmus_"))


def run_offline() -> None:
    """Print the statements instead of running them."""
    options: dict[str, Any] = {"version_table": VERSION_TABLE, "include_object": include_object}
    if neutron_config.database.connection:
        options["url"] = neutron_config.database.connection
    else:
        options["dialect_name"] = neutron_config.database.engine
    context.configure(**options)
    with context.begin_transaction():
        context.run_migrations()


def run_online() -> None:
    """Run against the database of Neutron's configuration."""
    connection = config.attributes.get("connection")
    with DBConnection(neutron_config.database.connection, connection) as connected:
        context.configure(
            connection=connected,
            target_metadata=model_base.BASEV2.metadata,
            version_table=VERSION_TABLE,
            include_object=include_object,
        )
        with context.begin_transaction():
            context.run_migrations()


@sa.event.listens_for(sa.Table, "after_parent_attach")
def set_storage_engine(target: sa.Table, parent: Any) -> None:
    """Foreign keys and transactions need InnoDB, whatever the server's default is."""
    del parent
    target.kwargs["mysql_engine"] = "InnoDB"


if context.is_offline_mode():
    run_offline()
else:
    run_online()
