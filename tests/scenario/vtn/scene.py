# SPDX-License-Identifier: Apache-2.0
"""One tenant at all sites, whose virtual tenant networks are all gone afterwards."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial

from lab.demo.stage import Stage
from lab.waiting import wait_until
from tests.scenario.vtn.agreement import ENDING
from tests.scenario.vtn.client import VTNS, Client
from tests.scenario.vtn.observed import observe
from tests.scenario.vtn.writers import MARK

SOON_S = 90
MOST_VTNS = 100


@contextmanager
def tenant_everywhere(stage: Stage) -> Iterator[list[Client]]:
    """The first tenant's clients, one a site, in the order of the lab's sites."""
    tenant = stage.plan.tenants[0].name
    clients = []
    for site in stage.topology.sites:
        cloud = stage.cloud(site.name, tenant)
        body = {"quota": {"mpls_vtn": MOST_VTNS}}
        stage.cloud(site.name).call("PUT", f"/quotas/{cloud.project_id}", body)
        token = str(cloud.connection.auth_token)
        clients.append(Client(site.name, f"http://{site.api}:9696/v2.0", token))
    remove(clients)
    try:
        yield clients
    finally:
        remove(clients)
        for site in stage.topology.sites:
            project = stage.cloud(site.name, tenant).project_id
            stage.cloud(site.name).call("DELETE", f"/quotas/{project}")


def afresh(clients: Sequence[Client]) -> list[Client]:
    """The same clients, with nothing counted yet."""
    return [Client(each.site, each.url, each.token) for each in clients]


def remove(clients: Sequence[Client], *names: str) -> None:
    """Remove everywhere what writers made, ports first, and the networks of these names."""
    for client in clients:
        for port in observe(client).ports:
            client.write("delete port", "DELETE", f"/ports/{port}")
    for client in clients:
        deleted = partial(_are_deleted, client, names)
        wait_until(deleted, SOON_S, f"deletions at {client.site}", every_s=1)
    for client in clients:
        has_none = partial(_has_none, client, names)
        wait_until(has_none, SOON_S, f"their end at {client.site}", every_s=1)


def _are_deleted(client: Client, names: Sequence[str]) -> bool:
    """Whether all that belongs to a site is deleted; asks for it."""
    mine = [each for each in _ours(client, names) if each["owner_site"] == client.site]
    for each in mine:
        if each["status"] != ENDING:
            client.write("delete", "DELETE", f"{VTNS}/{each['id']}")
    return all(each["status"] == ENDING for each in mine)


def _has_none(client: Client, names: Sequence[str]) -> bool:
    return not _ours(client, names) and not observe(client).networks


def _ours(client: Client, names: Sequence[str]) -> list[dict[str, str]]:
    found = client.list(VTNS)
    return [each for each in found if each["name"].startswith(MARK) or each["name"] in names]
