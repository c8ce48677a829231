# SPDX-License-Identifier: Apache-2.0
"""Nothing gets from one VPN into another, and nothing that is not ours gets in at all."""

from __future__ import annotations

import re
from contextlib import ExitStack

import pytest

from isthmus.pe_agent.compile.pipeline import DropCookie
from lab import control
from lab.demo import guest, provider_edge
from lab.demo.capture import Capture
from lab.demo.evidence import attachment_ports
from lab.demo.stage import Stage
from lab.demo.tenants import Server, Tenant
from lab.machine import Machine
from lab.topology import Host
from lab.waiting import wait_until
from tests.scenario import figures
from tests.scenario.frames import (
    MPLS,
    echo_request,
    ethernet,
    label_stack,
    send,
)
from tests.scenario.probe import Probe, Probes

SCANNED = 4096
#: Open vSwitch takes the counts of flows from its datapath about once a second.
COUNTED_S = 15
#: Sizes of pings nobody else sends, to know a tenant's packets by.
IP_HEADER = 20
SIZES = {"red": 301, "blue": 402}


def dropped(host: str, reason: DropCookie) -> int:
    """How many packets a host's PE bridge has dropped for one reason."""
    return sum(flow.packets for flow in provider_edge.flows(host) if flow.cookie == reason)


def wait_for_count(host: str, reason: DropCookie, wanted: int) -> None:
    """Return once the drop flow has counted that many."""
    wait_until(
        lambda: dropped(host, reason) >= wanted,
        COUNTED_S,
        f"{wanted} packets counted by {reason.name} on {host}",
    )
    assert dropped(host, reason) == wanted


def tap(stage: Stage, tenant: Tenant, server: Server) -> Capture:
    """Everything that goes to and from a VM."""
    port = stage.cloud(server.site, tenant.name).port_of(server)
    return Capture(server.host, f"tap{port.id[:11]}", "icmp")


def test_none_of_a_tenants_packets_reach_another_tenants_vms_or_ports(stage: Stage) -> None:
    """Both send 100 packets a second between the same addresses; every VM's tap is watched."""
    owners = {s.name: t for t in stage.plan.tenants for s in t.servers}
    streams = {}
    with ExitStack() as stack:
        taps = {
            server.name: stack.enter_context(tap(stage, owners[server.name], server))
            for server in stage.plan.servers
        }
        for tenant in stage.plan.tenants:
            near, far = tenant.at("west")[0], tenant.at("east")[0]
            streams[tenant.name] = guest.Stream(near, far.address, 10, SIZES[tenant.name])
            streams[tenant.name].start()
        for stream in streams.values():
            wait_until(stream.is_over, 60, "the end of the streams", every_s=0.5)
        seen = {name: capture.stop() for name, capture in taps.items()}
    for tenant in stage.plan.tenants:
        result = streams[tenant.name].result()
        assert (result.sent, result.lost) == (1000, 0)
        foreign = 0
        for name, lines in seen.items():
            count = sum(line.endswith(f"length {SIZES[tenant.name] + 8}") for line in lines)
            if owners[name] is not tenant:
                foreign += count
            elif name in (tenant.at("west")[0].name, tenant.at("east")[0].name):
                assert count == 2000, f"{name} saw {count} of its own 2000 packets"
        figures.add(f"{tenant.name}: {result}; seen by others: {foreign}")
        assert foreign == 0


def circuit_counters(host: str, port_id: str) -> int:
    """Packets that went out of br-pe to a circuit."""
    name = f"ppe{port_id[:9]}"
    text = control.run_in(host, ["ovs-ofctl", "-O", "OpenFlow15", "dump-ports", "br-pe", name])
    found = re.search(r"tx pkts=(\d+)", text.stdout)
    assert found, text.stdout
    return int(found[1])


def test_a_tenants_stream_adds_nothing_to_another_tenants_circuits(stage: Stage) -> None:
    """Open vSwitch's own counters of blue's attachment circuits stand still meanwhile."""
    red, blue = stage.plan.tenant("red"), stage.plan.tenant("blue")
    circuits = [(server.host, attachment(stage, blue, server.site)) for server in blue.servers]
    before = [circuit_counters(*circuit) for circuit in circuits]
    near, far = red.at("west")[0], red.at("east")[0]
    stream = guest.Stream(near, far.address, 5)
    stream.start()
    wait_until(stream.is_over, 30, "the end of the stream", every_s=0.5)
    assert stream.result().lost == 0
    assert [circuit_counters(*circuit) for circuit in circuits] == before


def attachment(stage: Stage, tenant: Tenant, site: str) -> str:
    """The port by which a tenant's network meets the provider edges of a region."""
    where = next(s for s in stage.topology.sites if s.name == site)
    (port,) = attachment_ports(stage, where, tenant)
    return port


def test_mpls_frames_sent_by_a_vm_are_dropped_and_counted(stage: Stage, probes: Probes) -> None:
    """Even those with labels that lead into the other tenant's VRF."""
    red, host = stage.plan.tenant("red"), stage.topology.hosts[0].name
    victim = stage.plan.server("blue-east-1")
    probe = probes.plug(red, host, is_trusted=True)
    far = next(h for h in stage.topology.hosts if h.name == victim.host)
    gateway_mac = _resolve(probe)
    labels = sorted(provider_edge.vpn_labels(victim.host) | provider_edge.vpn_labels(host))
    packet = echo_request(probe.address, victim.address, b"leak" * 8)
    frames = [
        ethernet(gateway_mac, probe.mac, MPLS, label_stack(*stack) + packet)
        for label in labels
        for stack in ((label,), (far.transport_label, label))
    ] * 10
    before = dropped(host, DropCookie.MPLS_FROM_ATTACHMENT)
    with tap(stage, stage.plan.tenant("blue"), victim) as watched:
        send(probe.endpoint.run, "eth0", frames)
        wait_for_count(host, DropCookie.MPLS_FROM_ATTACHMENT, before + len(frames))
        assert [line for line in watched.stop() if str(probe.address) in line] == []
    figures.add(f"{len(frames)} MPLS frames sent by a VM, all dropped and counted")


def _resolve(probe: Probe) -> str:
    """What a VM takes the gateway's MAC address to be."""
    run, gateway = probe.endpoint.run, str(probe.gateway)

    def asked() -> str:
        run(["ping", "-c", "1", "-W", "1", gateway], check=False)
        found = re.search(r"lladdr ([0-9a-f:]{17})", run(["ip", "neigh", "show", gateway]).stdout)
        return found[1] if found else ""

    wait_until(asked, 20, "the gateway's MAC address")
    return asked()


@pytest.mark.parametrize("popped", [True, False], ids=["P popped", "P did not pop"])
def test_labels_never_advertised_are_dropped_and_counted(stage: Stage, *, popped: bool) -> None:
    """A scan of 4,096 labels towards a PE from its link to P: none of them reaches a VM."""
    host = _host(stage, has_transport_label=not popped)
    server = next(s for s in stage.plan.servers if s.host == host.name)
    tenant = next(t for t in stage.plan.tenants if server in t.servers)
    far = next(s for s in tenant.servers if s.site != server.site)
    packet = echo_request(far.address, server.address, b"scan" * 8)
    advertised = provider_edge.vpn_labels(host.name)
    labels = never_advertised(advertised)
    outer = () if host.swapped_label is None else (host.swapped_label,)
    frames = [
        ethernet(host.core_mac, host.p_mac, MPLS, label_stack(*outer, label) + packet)
        for label in labels
    ]
    before = dropped(host.name, DropCookie.LABEL_NEVER_ADVERTISED)
    with tap(stage, tenant, server) as watched:
        p_router = Machine(stage.topology.core.p_router)
        send(p_router.run, f"to-{host.name}", frames)
        wait_for_count(host.name, DropCookie.LABEL_NEVER_ADVERTISED, before + len(frames))
        end = f"length {len(packet) - IP_HEADER}"
        assert [line for line in watched.stop() if line.endswith(end)] == []
    figures.add(
        f"{host.name}: {len(frames)} labels from {labels[0]} to {labels[-1]}, all dropped and "
        f"counted; {len(advertised)} among them are its own and left out"
    )


def never_advertised(advertised: set[int]) -> list[int]:
    """Labels on both sides of those a PE has advertised, so those it may give out next as well."""
    labels = range(min(advertised) - SCANNED // 2, min(advertised) + SCANNED)
    return [label for label in labels if label not in advertised][:SCANNED]


def _host(stage: Stage, *, has_transport_label: bool) -> Host:
    return next(
        h for h in stage.topology.hosts if (h.swapped_label is not None) == has_transport_label
    )


def test_an_advertised_label_does_reach_the_vm(stage: Stage) -> None:
    """The same frame with a label that was advertised arrives, so the scan means something."""
    host = _host(stage, has_transport_label=False)
    labels = provider_edge.vpn_labels(host.name)
    server = next(s for s in stage.plan.servers if s.host == host.name)
    tenant = next(t for t in stage.plan.tenants if server in t.servers)
    far = next(s for s in tenant.servers if s.site != server.site)
    packet = echo_request(far.address, server.address, b"scan" * 8)
    frames = [
        ethernet(host.core_mac, host.p_mac, MPLS, label_stack(label) + packet) for label in labels
    ]
    with tap(stage, tenant, server) as watched:
        send(Machine(stage.topology.core.p_router).run, f"to-{host.name}", frames)
        end = f"length {len(packet) - IP_HEADER}"
        wait_until(
            lambda: any(line.endswith(end) for line in watched.lines), 10, "the packet at the VM"
        )
