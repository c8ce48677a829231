# SPDX-License-Identifier: Apache-2.0
"""The story: from two clouds that know nothing of each other to two VPNs, and back.

Prologue  networks and servers of both tenants, with the same addresses
VPNs      the operator's and the tenants' commands
Traffic   who reaches whom, and who answers at the same address
Evidence  labelled packets on the core link, routes at the reflector
Undone    a network dissociated: traffic, routes, flows, ports and labels gone; then again
Everywhere  a network over both clouds, by one request (everywhere.py)
One stack  such a network with a server in each cloud, by one request to Heat (one_stack.py)
"""

from __future__ import annotations

import time
from functools import partial

from lab.demo import command, everywhere, evidence, guest, one_stack, tenants, traffic
from lab.demo.stage import Stage, side_by_side
from lab.demo.tenants import Server, Tenant
from lab.demo.terminal import Failed, StoryEnds, Teller
from lab.topology import Site, Topology
from lab.waiting import wait_until

_CONVERGENCE_S = 30


def tell(topology: Topology) -> bool:
    """Tell the story.

    Returns:
        Whether everything in it went well.
    """
    start = time.monotonic()
    teller = Teller()
    stage = Stage(topology, tenants.load(topology))
    story = _Story(teller, stage)
    try:
        story.prologue()
        story.vpns()
        story.traffic()
        story.shown()
        story.undone()
        everywhere.tell(teller, stage)
        one_stack.tell(teller, stage)
    except StoryEnds:
        pass
    story.epilogue(time.monotonic() - start)
    return not teller.failures


class _Story:
    def __init__(self, teller: Teller, stage: Stage) -> None:
        self._teller = teller
        self._stage = stage
        self._plan = stage.plan

    # -- prologue -------------------------------------------------------------------------------

    def prologue(self) -> None:
        stage, step = self._stage, self._teller.step
        self._teller.chapter("Two tenants in two clouds, with the same addresses")
        with step("VPNs of an earlier telling removed", essential=True) as told:
            everywhere.remove(stage)
            told.result = str(stage.remove_vpns())
        prefixes = ", ".join(f"{prefix} in {site}" for site, prefix in self._plan.prefixes.items())
        with step(f"networks of {self._names()}, each {prefixes}", essential=True):
            stage.ensure_zones()
            stage.ensure_networks()
        with step("servers asked for", essential=True) as told:
            told.result = f"{stage.start_servers()} new"
        pairs = [(t, server) for t in self._plan.tenants for server in t.servers]
        side_by_side(lambda pair: self._boot(*pair), pairs)
        if self._teller.failures:
            raise StoryEnds

    def _boot(self, tenant: Tenant, server: Server) -> None:
        with self._teller.step(f"{server.name} runs on {server.host} and is {server.address}"):
            self._stage.wait_for_server(tenant, server)

    def _names(self) -> str:
        return " and ".join(tenant.name for tenant in self._plan.tenants)

    # -- VPNs -----------------------------------------------------------------------------------

    def vpns(self) -> None:
        self._teller.chapter("The operator creates one VPN per tenant and region")
        for site, tenant in self._stage.homes:
            words = f"bgpvpn create --name {tenant.name} --project {tenant.name}"
            self._type(f"{site.name}-admin", f"{words} --route-target {tenant.route_target}")
        self._teller.chapter("The tenants associate their networks")
        for site, tenant in self._stage.homes:
            self._associate(site, tenant)
        for site, tenant in self._stage.homes:
            self._wait_active(site, tenant)

    def _type(self, cloud: str, words: str) -> None:
        with self._teller.step(f"$ {command.typed(cloud, words)}", essential=True):
            command.run(cloud, words)

    def _associate(self, site: Site, tenant: Tenant) -> None:
        words = f"bgpvpn network association create {tenant.name} {tenant.name}"
        self._type(f"{site.name}-{tenant.name}", words)

    def _wait_active(self, site: Site, tenant: Tenant) -> None:
        with self._teller.step(f"VPN {tenant.name} in {site.name} is ACTIVE", essential=True):
            self._stage.cloud(site.name, tenant.name).wait_for_vpn(tenant.name)

    # -- traffic --------------------------------------------------------------------------------

    def traffic(self) -> None:
        self._teller.chapter("VM to VM, from region to region")
        for tenant in self._plan.tenants:
            for near, far in tenant.pairs_across():
                self._reach(near, far)
        self._teller.chapter("The same address, and who answers there")
        self._same_addresses()
        self._nobody()

    def _reach(self, near: Server, far: Server) -> None:
        traffic.ping(self._teller.step, near, far, _CONVERGENCE_S)
        with self._teller.step(f"http {near.name} → {far.name} ({far.address})") as told:
            told.result = f"“{self._expect_page(near, far)}”"

    def _expect_page(self, near: Server, far: Server) -> str:
        text = guest.page(near, far.address)
        if far.name not in text:
            raise Failed(f"the page says {text!r}, not {far.name}")
        return text

    def _same_addresses(self) -> None:
        for near in self._plan.servers:
            tenant = next(t for t in self._plan.tenants if near in t.servers)
            for far in tenant.servers:
                others = [s for s in self._plan.servers if s.address == far.address and s != far]
                if far.site == near.site or not others:
                    continue
                names = " or ".join(server.name for server in others)
                with self._teller.step(
                    f"{near.name} asks {far.address}: {far.name} answers, not {names}"
                ):
                    self._expect_page(near, far)

    def _nobody(self) -> None:
        """Addresses only one tenant has: nobody answers the others there."""
        for far in self._plan.servers:
            for tenant in self._plan.tenants:
                addresses = {server.address for server in tenant.servers}
                away = [server for server in tenant.servers if server.site != far.site]
                if far.address in addresses or not away:
                    continue
                with self._teller.step(
                    f"{away[0].name} asks {far.address}, which only {far.name} has: nobody answers"
                ):
                    text = guest.page(away[0], far.address, patience_s=3)
                    pinged = guest.ping(away[0], far.address, 3, "-i 0.2 -W 1")
                    if text or pinged.received:
                        raise Failed(f"somebody did: {text!r}, {pinged}")

    # -- evidence -------------------------------------------------------------------------------

    def shown(self) -> None:
        stage, step = self._stage, self._teller.step
        self._teller.chapter("Labelled packets as captured on the core links")
        for tenant in self._plan.tenants:
            near, far = tenant.pairs_across()[0]
            with step(
                f"{near.name} → {far.name} and back: two labels to P, its own at the end"
            ) as told:
                told.lines = evidence.labelled_packets(stage.topology, near, far)
        self._teller.chapter("VPN-IPv4 routes as the FRR reflector shows them")
        with step("every VM is a /32 with its tenant's route target") as told:
            told.lines = evidence.routes_at_reflector(stage.topology, self._plan)

    # -- undone ---------------------------------------------------------------------------------

    def undone(self) -> None:
        site, tenant = self._stage.homes[0]
        pairs = [(near, far) for near, far in tenant.pairs_across() if near.site == site.name]
        self._teller.chapter(f"{tenant.name} dissociates its network in {site.name}")
        traces = self._dissociate(site, tenant)
        for near, far in pairs:
            with self._teller.step(f"{near.name} → {far.name}: traffic has stopped"):
                wait_until(partial(_is_silent, near, far), _CONVERGENCE_S, "the end of traffic")
        for what, is_gone in traces.checks():
            with self._teller.step(f"gone: {what}"):
                wait_until(is_gone, _CONVERGENCE_S, "its end")
        witness = next(other for other in self._plan.tenants if other is not tenant)
        near, far = witness.pairs_across()[0]
        with self._teller.step(f"{near.name} → {far.name}: not disturbed"):
            self._expect_page(near, far)
        self._teller.chapter("and associates it again")
        self._associate(site, tenant)
        self._wait_active(site, tenant)
        for near, far in pairs:
            self._reach(near, far)

    def _dissociate(self, site: Site, tenant: Tenant) -> evidence.Traces:
        cloud = self._stage.cloud(site.name, tenant.name)
        with self._teller.step("its traces now", essential=True) as told:
            traces = evidence.Traces.find(self._stage, site, tenant)
            labels = ", ".join(f"{r.label} at {r.next_hop}" for r in traces.routes)
            told.result = f"labels {labels}; attachment port {traces.port}"
            association = cloud.associations(cloud.vpn(tenant.name)["id"])[0]["id"]
        words = f"bgpvpn network association delete {association} {tenant.name}"
        self._type(cloud.name, words)
        return traces

    # -- epilogue -------------------------------------------------------------------------------

    def epilogue(self, seconds: float) -> None:
        failures = self._teller.failures
        mark = "✗" if failures else "✓"
        self._teller.chapter(
            f"{mark} {len(failures)} of the steps above failed ({seconds:.0f} s)"
            if failures
            else f"{mark} Two clouds, two tenants, one backbone ({seconds:.0f} s)"
        )
        self._teller.say(evidence.how_to_look_around(self._stage))


def _is_silent(near: Server, far: Server) -> bool:
    return not guest.ping(near, far.address, 2, "-i 0.2 -W 1").received
