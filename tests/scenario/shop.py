# SPDX-License-Identifier: Apache-2.0
"""The example of a shop in two regions, from its beginning to its end, whoever makes its stack."""

from __future__ import annotations

import time
from functools import partial
from ipaddress import IPv4Address
from typing import Any, Protocol
from uuid import uuid4

from lab import control, places, topology
from lab.demo import guest
from lab.demo.cloud import ADMIN, Cloud
from lab.demo.tenants import Server
from lab.waiting import wait_until
from tests.scenario import figures, orchestra
from tests.scenario.streams import no_packet_lost

EXAMPLES = places.CHECKOUT / "examples"
PREFIX, SOLD, READ_S, GONE_S = "10.94.0.0/16", "in stock: 3 teapots", 120, 60


class Stacks(Protocol):
    """Who makes stacks; each returns when it is done, with the outputs that are shown."""

    def create(self, name: str, template: str, /, **parameters: Any) -> dict[str, Any]:
        """Make one."""

    def update(self, name: str, template: str, /, **parameters: Any) -> dict[str, Any]:
        """Change one."""

    def delete(self, name: str) -> None:
        """Delete one."""


def live(stacks: Stacks, template: str, clouds: list[Cloud]) -> None:
    """Make the shop, have it sell, change it without a packet lost, delete it.

    Args:
        stacks: in the first of the clouds.
        template: the text of the example; parameters and outputs are named as in the HOT form.
        clouds: of one tenant, at two sites.
    """
    near, far = clouds
    lab, name = topology.load(), f"{orchestra.PREFIX}{uuid4().hex[:8]}"
    given: dict[str, Any] = {"image": lab.image, "flavor": lab.flavor.name, "prefix": PREFIX}
    given |= {"web_site": near.site, "database_site": far.site}

    began = time.monotonic()
    made = stacks.create(name, template, **given)
    figures.add(f"a shop in two regions made in {time.monotonic() - began:.0f} s")
    web = _server(near, f"{name}-web", made["web_address"])
    database = _server(far, f"{name}-database", made["database_address"])
    began = time.monotonic()
    wait_until(partial(_sells, database, made["page"]), READ_S, "the page", every_s=0.5)
    figures.add(f"its page read from the database {time.monotonic() - began:.0f} s later")

    with no_packet_lost((web, database), 300):
        began = time.monotonic()
        more = {"more_web_servers": 1, "motto": "one more"}
        changed = stacks.update(name, template, **given, **more)
        figures.add(f"one more server, and other words: {time.monotonic() - began:.0f} s")
    kept = ("network", "web", "database", "web_address", "database_address")
    assert [changed[each] for each in kept] == [made[each] for each in kept]
    shop = near.call("GET", f"/vtn/virtual_tenant_networks/{made['network']}")
    assert shop["virtual_tenant_network"]["description"] == more["motto"]
    address = _address_of_the_third(near, name, made["web"])
    reached = partial(guest.reaches, database, address)
    wait_until(reached, READ_S, "the third server")

    began = time.monotonic()
    stacks.delete(name)
    for cloud in clouds:
        wait_until(partial(is_gone, cloud, name), GONE_S, f"nothing in {cloud.site}")
    figures.add(f"nothing left in either: {time.monotonic() - began:.0f} s")


def is_gone(cloud: Cloud, name: str) -> bool:
    """Whether a site has nothing of a shop any more."""
    lists = (
        cloud.connection.compute.servers(),
        cloud.network.security_groups(),
        cloud.connection.orchestration.stacks(),
    )
    of_it = [each.name for found in lists for each in found if each.name.startswith(name)]
    return not of_it and orchestra.has_nothing(cloud, name)


def _server(cloud: Cloud, name: str, address: str) -> Server:
    """Return a server as the lab's console knows it."""
    operator = Cloud(cloud.site, ADMIN).connection.compute
    (found,) = operator.servers(name=f"^{name}$", all_projects=True)
    return Server(name, cloud.site, found.hypervisor_hostname, IPv4Address(address))


def _sells(customer: Server, page: str) -> bool:
    """Whether a server gets the page, for which the web server asks the database."""
    shown = control.guest_run(customer.name, f"timeout 10 wget -q -O - {page}", timeout_s=40)
    return SOLD in shown.stdout


def _address_of_the_third(cloud: Cloud, name: str, first: str) -> IPv4Address:
    listed = cloud.connection.compute.servers()
    (third,) = [e for e in listed if e.name.startswith(name) and e.id != first]
    return IPv4Address(next(iter(third.addresses.values()))[0]["addr"])
