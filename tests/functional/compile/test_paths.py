# SPDX-License-Identifier: Apache-2.0
"""Open vSwitch spreads connections over equal paths, and a change moves no more than it has to."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path

import pytest

from isthmus.model.intent import AttachmentCircuit
from isthmus.model.route import VpnRoute
from isthmus.pe_agent.compile.inputs import Compiled
from tests.actors import CORE_PORT, PE2, PE3, RED_PORT, VPN_RED, compiled, intent, mac_of, route
from tests.actors import behind as put_behind
from tests.fakes.dual_stack import RED_WEST
from tests.fakes.packet import Ipv4Packet, Ipv6Packet, Packet, decode, encode
from tests.functional.compile.dummy_switch import SCHEMA, DummySwitch

pytestmark = pytest.mark.functional

PREFIX, PREFIX6 = "198.51.100.0/24", "2001:db8:f::/48"
CONNECTIONS = 120


@pytest.fixture
def switch() -> Iterator[DummySwitch]:
    """A switch with the core and one attachment; its sockets' paths have to be short."""
    if not (SCHEMA.exists() and shutil.which("ovs-vswitchd")):
        pytest.skip("needs openvswitch-switch")
    with tempfile.TemporaryDirectory(prefix="ovs") as folder:
        made = DummySwitch(Path(folder), [CORE_PORT, RED_PORT])
        try:
            made.start()
            yield made
        finally:
            made.stop()


def red(*routes: VpnRoute, network: AttachmentCircuit = RED_WEST) -> Compiled:
    """Compile red's network with routes from others."""
    plugged = frozenset({"ce-red-1", "ce-red-2", "ce-red-3"})
    return compiled(intent(VPN_RED, network), routes=frozenset(routes), plugged=plugged)


def connection(number: int, version: int) -> Packet:
    """Make a packet of one of many connections to the prefix."""
    ports = (40000 + number, 443)
    payload: Ipv4Packet | Ipv6Packet
    if version == 4:
        payload = Ipv4Packet(IPv4Address("10.1.0.5"), IPv4Address("198.51.100.9"), ports=ports)
    else:
        payload = Ipv6Packet(
            IPv6Address("2001:db8:1::5"), IPv6Address("2001:db8:f::9"), ports=ports
        )
    return Packet(mac_of("ce-red-1"), mac_of("pe-red-west"), payload)


def ways_of(switch: DummySwitch, port: int, version: int = 4) -> dict[int, str]:
    """Send a packet of each connection; return which way each takes: its VPN label, or a MAC."""
    before = len(switch.sent()[port])
    for number in range(CONNECTIONS):
        switch.receive(RED_PORT, encode(connection(number, version)))
    until = time.monotonic() + 10
    while len(frames := switch.sent()[port][before:]) < CONNECTIONS:
        assert time.monotonic() < until, f"{len(frames)} of {CONNECTIONS} came out"
        time.sleep(0.05)
    found = {}
    for packet in map(decode, frames):
        assert isinstance(packet.payload, Ipv4Packet | Ipv6Packet)
        way = str(packet.labels[-1].label) if packet.labels else packet.eth_dst
        found[packet.payload.ports[0] - 40000] = way
    return found


@pytest.mark.parametrize(("version", "prefix"), [(4, PREFIX), (6, PREFIX6)])
def test_connections_are_spread_and_stay_on_their_path(
    switch: DummySwitch, version: int, prefix: str
) -> None:
    """Neither way gets less than a third of them; packets of one never change their way."""
    two = [route(prefix, PE2, 500), route(prefix, PE3, 501)]
    switch.replace_flows(red(*two).flows)
    first = ways_of(switch, CORE_PORT, version)
    assert min(Counter(first.values()).values()) > CONNECTIONS / 3
    assert ways_of(switch, CORE_PORT, version) == first
    third = route(prefix, PE3, 502)
    switch.replace_flows(red(*two, third).flows)
    second = ways_of(switch, CORE_PORT, version)
    moved = {number for number in first if first[number] != second[number]}
    assert {second[number] for number in moved} == {"502"}
    assert CONNECTIONS / 5 < len(moved) < CONNECTIONS / 2
    switch.replace_flows(red(*two).flows)
    assert ways_of(switch, CORE_PORT, version) == first


def test_two_ports_with_one_prefix_share_it(switch: DummySwitch) -> None:
    """Each connection goes to one of them."""
    network = RED_WEST
    for name in ("ce-red-2", "ce-red-3"):
        network = put_behind(network, PREFIX, name)
    switch.replace_flows(red(network=network).flows)
    found = Counter(ways_of(switch, RED_PORT).values())
    assert found.keys() == {mac_of("ce-red-2"), mac_of("ce-red-3")}
    assert min(found.values()) > CONNECTIONS / 3


def test_flows_of_other_prefixes_are_not_touched(switch: DummySwitch) -> None:
    """What has been counted by them is still there: they have not been written anew."""
    routes = [route(PREFIX, PE2, 500), route(PREFIX, PE3, 501), route("10.2.0.7/32", PE3, 600)]
    outcome = red(*routes)
    switch.replace_flows(outcome.flows)
    payload = Ipv4Packet(IPv4Address("10.1.0.5"), IPv4Address("10.2.0.7"))
    for _ in range(10):
        switch.receive(RED_PORT, encode(replace(connection(0, 4), payload=payload)))
    before = switch.counters()
    switch.replace_flows(red(*routes, route(PREFIX, PE2, 502)).flows)
    after = switch.counters()
    assert before[20, 1] == after[20, 1] == 10
