# SPDX-License-Identifier: Apache-2.0
"""What a site has in its databases, its etcd and Keystone: the same after as before, or it leaked.

Not read from what made it, but counted table by table: what nobody thought of is found too.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence

from lab import database, interconnect, topology
from lab.demo.cloud import ADMIN, Cloud
from lab.machine import Machine
from lab.topology import Site

Counts = Mapping[str, int]
_EVERY_S = 2.0

#: What happened, and what agents say again and again: kept, or changed, by whoever does anything.
_HISTORY = {
    "neutron": {
        *("isthmus_vtn_events", "isthmus_pe_reports", "ovn_hash_ring"),
        *("quotas", "quotausages"),
    },
    # What a stack was: kept for `heat-manage purge_deleted`.
    "heat": {"event", "raw_template", "raw_template_files", "resource_properties_data", "service"},
}
_STATEMENTS = {
    "servers": "SELECT COUNT(*) FROM nova.instances WHERE deleted = 0",
    "tunnel ids": "SELECT COUNT(*) FROM neutron.ml2_geneve_allocations WHERE allocated",
}
_KEYSTONE = {
    "trusts": "SELECT COUNT(*) FROM keystone.trust WHERE deleted_at IS NULL",
    "users": "SELECT COUNT(*) FROM keystone.user",
    "projects": "SELECT COUNT(*) FROM keystone.project",
}
_COUNT = "SELECT '{table}', COUNT(*) FROM {schema}.{table} WHERE {kept}"
_TABLES = """
SELECT t.table_name, SUM(c.column_name = 'deleted_at') FROM information_schema.tables t
JOIN information_schema.columns c USING (table_schema, table_name)
WHERE t.table_schema = '{schema}' AND t.table_type = 'BASE TABLE' GROUP BY t.table_name
"""


def count(site: Site) -> Counts:
    """Count all there is of a site, by what it is."""
    own = database.of_site(site)
    keystone = database.of_keystone(topology.load().keystone_of(site))
    found = {
        f"{schema}.{table}": number
        for schema in _HISTORY
        for table, number in _rows(own, schema)
        if table not in _HISTORY[schema]
    }
    for server, statements in ((own, _STATEMENTS), (keystone, _KEYSTONE)):
        for name, statement in statements.items():
            found[name] = int(server.execute(statement))
    keys = interconnect.etcdctl(site, "get", "--prefix", "/isthmus/", "--keys-only")
    found["etcd"] = len(Machine(site.interconnect_machine).run(keys).stdout.split())
    return found


def prepare(sites: Iterable[Site]) -> None:
    """Have what Neutron makes for a project when it is first asked, and keeps.

    Of services, too, which ask for their users.
    """
    for operator in (Cloud(site.name, ADMIN) for site in sites):
        for project in operator.connection.identity.projects(domain_id="default"):
            list(operator.network.security_groups(project_id=project.id))


def left(sites: Sequence[Site], before: Sequence[Counts], seconds: float) -> list[str]:
    """Say what there is more of than before, once nothing is or so many seconds are over."""
    end = time.monotonic() + seconds
    while found := [
        f"{site.name}: {each}"
        for site, counts in zip(sites, before, strict=True)
        for each in more(counts, count(site))
    ]:
        if time.monotonic() > end:
            break
        time.sleep(_EVERY_S)
    return found


def more(before: Counts, after: Counts) -> list[str]:
    """Say what there is more of than before; nothing if nothing leaked."""
    return [
        f"{after[what] - number} more of {what}"
        for what, number in before.items()
        if after[what] > number
    ]


def _rows(server: database.Server, schema: str) -> Iterator[tuple[str, int]]:
    tables = [line.split() for line in server.execute(_TABLES.format(schema=schema)).splitlines()]
    selects = [
        _COUNT.format(
            table=table, schema=schema, kept="deleted_at IS NULL" if int(is_kept) else "1"
        )
        for table, is_kept in tables
    ]
    for line in server.execute(" UNION ALL ".join(selects)).splitlines():
        table, number = line.split()
        yield table, int(number)
