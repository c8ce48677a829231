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
    from isthmus.db.vtn import tables as vtn_tables
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
    expected = (models.Vpn, models.PeReport, vtn_tables.Vtn, vtn_tables.Site)
    assert {model.__tablename__ for model in expected} <= set(tables)


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


def test_rows_of_the_first_release_survive(mariadb: MariaDb, migrated: str, tmp_path: Path) -> None:
    """With the new columns at what they meant before, and writers of that release go on."""
    del migrated
    url = mariadb.create("old")
    configuration = tmp_path / "neutron.conf"
    configuration.write_text(f"[database]\nconnection = {url}\n")
    manage(configuration, "--subproject", "neutron", "upgrade", "heads")
    manage(configuration, "--subproject", "isthmus", "upgrade", "8d03b5e7c21f")
    old_rows = (
        "INSERT INTO old.networks (id, project_id, mtu, standard_attr_id) VALUES ('net', 'red', "
        "1500, 4711)",
        "INSERT INTO old.isthmus_vpns (id, project_id, name, type, generation, refusal, "
        "refusal_for_tenant) VALUES ('{n}', 'red', 'Zürich', 'l3', 7, '', '')",
        "INSERT INTO old.isthmus_route_targets VALUES ('{n}', 'both', '64500:1')",
        "INSERT INTO old.isthmus_network_associations (id, project_id, vpn_id, network_id) "
        "VALUES ('{n}', 'red', '{n}', 'net')",
        "INSERT INTO old.isthmus_provider_edges (name, address, heard_at, neighbors, "
        "neighbors_established) VALUES ('pe-{n}', '192.0.2.11', NOW(), 2, 2)",
        "INSERT INTO old.isthmus_pe_reports (pe, vpn_id, generation, is_in_force, reason) "
        "VALUES ('pe-{n}', '{n}', 7, 1, '')",
    )
    mariadb.run(
        "INSERT INTO old.standardattributes (id, resource_type, revision_number) "
        "VALUES (4711, 'networks', 1)"
    )
    for row in old_rows:
        mariadb.run(row.format(n="before"))
    manage(configuration, "--subproject", "isthmus", "upgrade", "heads")
    for row in old_rows[1:]:
        mariadb.run(row.format(n="meanwhile"))
    vpns = mariadb.run(
        "SELECT v.id, v.name, v.generation, v.local_pref, v.admin_state_up, v.standard_attr_id, "
        "v.allocates_route_target, a.network_id, a.admin_state_up, a.standard_attr_id, t.value "
        "FROM old.isthmus_vpns v JOIN old.isthmus_network_associations a ON a.vpn_id = v.id "
        "JOIN old.isthmus_route_targets t ON t.vpn_id = v.id ORDER BY v.id"
    )
    kept = "Zürich 7 NULL 1 NULL 0 net 1 NULL 64500:1"
    assert [line.split("\t") for line in vpns.splitlines()] == [
        [when, *kept.split()] for when in ("before", "meanwhile")
    ]
    reports = mariadb.run(
        "SELECT r.generation, r.labels, r.routes_sent, r.routes_received, p.core_payload, "
        "p.last_error FROM old.isthmus_pe_reports r JOIN old.isthmus_provider_edges p "
        "ON p.name = r.pe"
    )
    assert reports.splitlines() == ["7\t\t0\t0\tNULL\t"] * 2
