# SPDX-License-Identifier: Apache-2.0
"""One stack over both clouds: made, changed and deleted by one request each, through Heat.

Made     a network over both clouds and a server in each, which reach each other
Changed  one server more and other words, in place: no packet between the first two is lost
Deleted  nothing is in either cloud that was not there before
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from ipaddress import IPv4Address
from typing import Any

from lab import control
from lab.demo import command, guest, tenants, traffic
from lab.demo.cloud import Cloud
from lab.demo.stage import Stage
from lab.demo.tenants import Server
from lab.demo.terminal import Failed, StoryEnds, Teller
from lab.topology import Topology
from lab.waiting import wait_until

TEMPLATE, NAME = "examples/two-region-shop.yaml", "shop"
MOTTO = "two regions, three servers"
_PATIENCE_S, _STREAM_S = 300, 900
#: An emulated guest of a busy machine does not keep the pace; one that hardly sends shows nothing.
_LEAST_RATE = guest.RATE / 4
_KINDS = (
    *("networks", "subnets", "ports", "security-groups"),
    *("bgpvpn/bgpvpns", "vtn/virtual_tenant_networks"),
)


def tell_alone(topology: Topology) -> bool:
    """Tell this part alone.

    Returns:
        Whether everything in it went well.
    """
    start = time.monotonic()
    teller = Teller()
    with suppress(StoryEnds):
        tell(teller, Stage(topology, tenants.load(topology)))
    failures, seconds = teller.failures, time.monotonic() - start
    teller.chapter(
        f"✗ {len(failures)} of the steps above failed ({seconds:.0f} s)"
        if failures
        else f"✓ One stack, two clouds ({seconds:.0f} s)"
    )
    return not failures


def tell(teller: Teller, stage: Stage) -> None:
    """Tell it, for the first tenant."""
    _OneStack(teller, stage).tell()


class _OneStack:
    def __init__(self, teller: Teller, stage: Stage) -> None:
        self._step = teller.step
        self._chapter = teller.chapter
        self._stage = stage
        self._tenant = stage.plan.tenants[0].name
        self._sites = [site.name for site in stage.topology.sites]
        self._home = stage.cloud(self._sites[0], self._tenant)

    def tell(self) -> None:
        """Tell it from the beginning to the end."""
        with self._step(f"a stack {NAME} of an earlier telling removed", essential=True):
            self._remove()
        before = {site: self._all_at(site) for site in self._sites}
        self._chapter(
            f"{self._tenant} asks in {self._home.site}, once, for a network over "
            f"{', '.join(self._sites)} and a server in each"
        )
        web, database = self._made()
        for near, far in ((web, database), (database, web)):
            traffic.ping(self._step, near, far, _PATIENCE_S)
        self._page(web, database)
        self._chapter("One server more, and other words, while those two talk")
        self._changed(web, database)
        self._chapter("One request, and nothing is left")
        self._type(f"stack delete --yes --wait {NAME}")
        for site in self._sites:
            self._nothing_left(site, before[site])

    # -- made -----------------------------------------------------------------------------------

    def _made(self) -> list[Server]:
        size = self._stage.topology.flavor.name, self._stage.topology.image
        given = f"--parameter flavor={size[0]} --parameter image={size[1]}"
        self._type(f"stack create --wait -t {TEMPLATE} {given} {NAME}")
        outputs = self._outputs()
        return [
            self._boot(f"{NAME}-{what}", site, outputs[what], outputs[f"{what}_address"])
            for what, site in zip(("web", "database"), self._sites, strict=True)
        ]

    def _boot(self, name: str, site: str, server_id: str, address: str) -> Server:
        operator = self._stage.cloud(site).connection.compute
        host = operator.get_server(server_id).hypervisor_hostname
        server = Server(name, site, host, IPv4Address(address))
        with self._step(f"{name} runs in {site} on {host} and is {address}", essential=True):
            wait_until(partial(guest.has_address, server), _PATIENCE_S, "its address", every_s=0.5)
        return server

    def _page(self, web: Server, asking: Server) -> None:
        """The page of the one, which reads it from the other; asked for by the other."""
        with self._step(f"{web.name}'s page, which it reads from the database") as told:
            ask = f"timeout 10 wget -q -O - http://{web.address}:8080/cgi-bin/stock 2>/dev/null"

            def has_come() -> bool:
                told.result = control.guest_run(asking.name, ask, timeout_s=60).stdout.strip()
                return "3 teapots" in told.result

            wait_until(has_come, _PATIENCE_S, "the page", every_s=1)

    # -- changed --------------------------------------------------------------------------------

    def _changed(self, web: Server, database: Server) -> None:
        first = self._outputs()
        with self._no_packet_lost(web, database):
            words = f"--parameter more_web_servers=1 --parameter 'motto={MOTTO}'"
            self._type(f"stack update --wait --existing {words} {NAME}")
            then = self._outputs()
            with self._step("the network and both servers are the same") as told:
                told.result = ", ".join(str(first[what])[:8] for what in ("network", "web"))
                changed = [
                    what for what in ("network", "web", "database") if first[what] != then[what]
                ]
                if changed:
                    raise Failed(f"made anew: {', '.join(changed)}")
            for site in self._sites:
                with self._step(f"the network's description in {site}") as told:
                    wait_until(partial(self._is_described, site), _PATIENCE_S, "the new one")
                    told.result = f"“{MOTTO}”"
            third = IPv4Address(then["more_web_addresses"]["0"])
            with self._step(f"{database.name} reaches the third server ({third})"):
                wait_until(partial(guest.reaches, database, third), _PATIENCE_S, "an answer")

    @contextmanager
    def _no_packet_lost(self, near: Server, far: Server) -> Iterator[None]:
        stream = guest.Stream(near, far.address, _STREAM_S)
        with self._step(f"{near.name} → {far.name}, {guest.RATE} packets a second", essential=True):
            stream.start()
            wait_until(stream.is_under_way, 30, "the beginning of the stream")
        began = time.monotonic()
        try:
            yield
        finally:
            took_s = time.monotonic() - began
            stream.end()
        with self._step(f"{near.name} → {far.name} meanwhile, {took_s:.0f} s") as told:
            wait_until(stream.is_over, 60, "the end of the stream", every_s=0.5)
            result = stream.result()
            told.result = str(result)
            if result.lost:
                raise Failed(f"{result.lost} lost")
            if result.sent < took_s * _LEAST_RATE:
                raise Failed("too few were sent to show anything")

    def _is_described(self, site: str) -> bool:
        cloud = self._stage.cloud(site, self._tenant)
        found = cloud.call("GET", f"/vtn/virtual_tenant_networks?name={NAME}")
        return [each["description"] for each in found["virtual_tenant_networks"]] == [MOTTO]

    # -- deleted --------------------------------------------------------------------------------

    def _nothing_left(self, site: str, before: Mapping[str, set[str]]) -> None:
        kinds = ", ".join(kind.rpartition("/")[2].replace("_", " ") for kind in before)
        with self._step(f"nothing in {site} that was not there before") as told:
            told.lines = [f"looked at: {kinds}"]
            is_gone = partial(lambda: not self._left(site, before))
            wait_until(is_gone, _PATIENCE_S, "the end of all", every_s=0.5)

    def _left(self, site: str, before: Mapping[str, set[str]]) -> list[str]:
        now = self._all_at(site)
        return [f"{kind} {name}" for kind in now for name in now[kind] - before[kind]]

    def _all_at(self, site: str) -> dict[str, set[str]]:
        """The ids of everything of the tenant's at a site, by kind."""
        cloud = self._stage.cloud(site, self._tenant)
        found = {kind: self._ids(cloud, kind) for kind in _KINDS}
        found["servers"] = {each.id for each in cloud.connection.compute.servers()}
        found["stacks"] = {each.id for each in cloud.connection.orchestration.stacks()}
        return found

    def _ids(self, cloud: Cloud, kind: str) -> set[str]:
        (found,) = cloud.call("GET", f"/{kind}?fields=id").values()
        return {each["id"] for each in found}

    def _remove(self) -> None:
        heat = self._home.connection.orchestration
        if stack := heat.find_stack(NAME, resolve_outputs=False):
            heat.delete_stack(stack)
        find = partial(heat.find_stack, NAME, resolve_outputs=False)
        wait_until(lambda: find() is None, _PATIENCE_S, "its end", every_s=0.5)

    def _outputs(self) -> dict[str, Any]:
        stack = self._home.connection.orchestration.get_stack(NAME)
        return {each["output_key"]: each["output_value"] for each in stack.outputs}

    def _type(self, words: str) -> None:
        with self._step(f"$ {command.typed(self._home.name, words)}", essential=True):
            command.run(self._home.name, words, patience_s=_PATIENCE_S)
