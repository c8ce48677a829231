# SPDX-License-Identifier: Apache-2.0
"""The schema that migrations make is the one that the models describe."""

from __future__ import annotations

from pathlib import Path

from tests.functional.db.mariadb import MariaDb, manage


def test_from_empty_to_what_the_models_say(migrated: str) -> None:
    """Table for table, column for column, key for key."""
    import sqlalchemy as sa
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext
    from neutron_lib.db import model_base

    from isthmus.db import models
    from tests import cloud  # noqa: F401  imports Neutron's tables, which ours refer to

    def is_ours(thing: object, name: str | None, kind: str, *rest: object) -> bool:
        del thing, rest
        return kind != "table" or str(name).startswith("isthmus_")

    engine = sa.create_engine(migrated)
    with engine.connect() as connection:
        options = {"include_object": is_ours, "compare_type": True}
        context = MigrationContext.configure(connection, opts=options)
        differences = compare_metadata(context, model_base.BASEV2.metadata)
        tables = sa.inspect(connection).get_table_names()
    engine.dispose()
    # Alembic's own table is in no model.
    ours = [s for s in differences if "isthmus_" in repr(s) and "alembic" not in repr(s)]
    assert ours == []
    assert {models.Vpn.__tablename__, models.PeReport.__tablename__} <= set(tables)


def test_the_branches_have_one_head_each(mariadb: MariaDb, migrated: str, tmp_path: Path) -> None:
    """And the HEAD files say so; going up again changes nothing."""
    configuration = tmp_path / "neutron.conf"
    configuration.write_text(f"[database]\nconnection = {migrated}\n")
    manage(configuration, "--subproject", "isthmus", "check_migration")
    heads = manage(configuration, "--subproject", "isthmus", "heads")
    assert heads.count("(head)") == 2
    manage(configuration, "--subproject", "isthmus", "upgrade", "heads")
    recorded = mariadb.run("SELECT version_num FROM neutron.isthmus_alembic_version")
    assert len(recorded.split()) == 2


def test_names_are_kept_whatever_the_databases_character_set(
    mariadb: MariaDb, migrated: str
) -> None:
    """The columns that hold free text have their own."""
    del migrated
    charset = mariadb.run(
        "SELECT DISTINCT character_set_name FROM information_schema.columns WHERE "
        "table_schema = 'neutron' AND table_name LIKE 'isthmus_%' "
        "AND column_name IN ('name', 'project_id') AND column_type = 'varchar(255)'"
    )
    assert "utf8mb4" in charset.split()
