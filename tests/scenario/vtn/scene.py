# SPDX-License-Identifier: Apache-2.0
"""One tenant at all sites, whose virtual tenant networks are all gone afterwards."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial

from lab import endpoint
from lab.demo.stage import Stage
from lab.machine import Machine
from lab.waiting import wait_until
from tests.scenario.rig import OWNER, Host, Rig
from tests.scenario.tally import Tally
from tests.scenario.vtn.agreement import ENDING
from tests.scenario.vtn.client import VTNS, Client
from tests.scenario.vtn.observed import observe
from tests.scenario.vtn.writers import MARK

SOON_S = 90
MOST_VTNS = 100


@dataclass(frozen=True)
class Scene:
    """Clients at all sites, and two hosts on a network over all of them.

    Attributes:
        clients: in the order of the lab's sites.
        vtn: the network, made at the first site.
        near: at the first site.
        far: at the second.
    """

    clients: list[Client]
    vtn: str
    near: Host
    far: Host


@contextmanager
def tenant_everywhere(stage: Stage) -> Iterator[list[Client]]:
    """The first tenant's clients, one a site, in the order of the lab's sites."""
    tenant = stage.plan.tenants[0].name
    clients = []
    for site in stage.topology.sites:
        cloud = stage.cloud(site.name, tenant)
        body = {"quota": {"mpls_vtn": MOST_VTNS}}
        stage.cloud(site.name).call("PUT", f"/quotas/{cloud.project_id}", body)
        own, operators = (
            str(each.connection.auth_token) for each in (cloud, stage.cloud(site.name))
        )
        clients.append(Client(site.name, f"http://{site.api}:9696/v2.0", own, operators))
    remove(clients)
    try:
        yield clients
    finally:
        remove(clients)
        for site in stage.topology.sites:
            project = stage.cloud(site.name, tenant).project_id
            stage.cloud(site.name).call("DELETE", f"/quotas/{project}")


@contextmanager
def two_hosts(stage: Stage, name: str, prefix: str) -> Iterator[Scene]:
    """The first tenant everywhere, and a network of this name with hosts that reach each other."""
    rigs = [Rig(stage, site, name) for site in stage.topology.sites]
    with tenant_everywhere(stage) as clients:
        _remove_hosts(clients, rigs)
        try:
            yield _make_hosts(clients, rigs, prefix)
        finally:
            _remove_hosts(clients, rigs)


def _make_hosts(clients: list[Client], rigs: list[Rig], prefix: str) -> Scene:
    name = rigs[0].name
    body = {"name": name, "prefixes": [prefix], "members": [one.site for one in clients]}
    _, made = clients[0].write("make", "POST", VTNS, {"virtual_tenant_network": body})
    hosts = []
    for client, rig in zip(clients, rigs, strict=True):
        is_active = partial(is_active_at, client, made["id"])
        wait_until(is_active, SOON_S, f"{name} in {client.site}")
        found = client.list(VTNS, id=made["id"])
        hosts.append(rig.make_host(found[0]["network_id"], 0))
    hosts[0].must_reach(hosts[1].address)
    return Scene(clients, made["id"], hosts[0], hosts[1])


def is_active_at(client: Client, vtn: str) -> bool:
    """Whether a site shows its own part of a network as ACTIVE."""
    members = client.list(f"{VTNS}/{vtn}/members", site=client.site)
    return [member["status"] for member in members] == ["ACTIVE"]


def _remove_hosts(clients: list[Client], rigs: list[Rig]) -> None:
    for rig in rigs:
        for port in list(rig.network.ports(name=rig.name)):
            if port.device_owner == OWNER:
                endpoint.unplug(Machine(port.binding_host_id), port.id)
                rig.network.delete_port(port.id)
    remove(clients, *(rig.name for rig in rigs))
    for rig in rigs:
        rig.remove()


def afresh(clients: Sequence[Client]) -> list[Client]:
    """The same clients, with nothing counted yet."""
    return [replace(each, tally=Tally()) for each in clients]


def remove(clients: Sequence[Client], *names: str) -> None:
    """Remove everywhere what writers made, ports first, and networks whose names begin so."""
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
    return [each for each in found if each["name"].startswith((MARK, *names))]
