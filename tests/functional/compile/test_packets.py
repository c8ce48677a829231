# SPDX-License-Identifier: Apache-2.0
"""Compiled flows do in Open vSwitch what they do in the fake switch that all other tests trust."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from ipaddress import IPv4Address
from pathlib import Path

import pytest

from isthmus.model.provider_edge import Encapsulation
from tests.actors import core_mac_of, mac_of
from tests.cases.case import Case, all_cases
from tests.fakes.packet import (
    ICMP,
    ArpPacket,
    Ipv4Packet,
    LabelStackEntry,
    Packet,
    decode,
    encode,
)
from tests.fakes.switch import FakeSwitch
from tests.functional.compile.dummy_switch import SCHEMA, DummySwitch

pytestmark = pytest.mark.functional

CE_MAC = mac_of("any")
NATIVE = [case for case in all_cases() if case.pe.encapsulation is Encapsulation.MPLS]


def _name(case: Case) -> str:
    return case.folder.name


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder with a short path, for sockets."""
    if not (SCHEMA.exists() and shutil.which("ovs-vswitchd")):
        pytest.skip("needs openvswitch-switch")
    with tempfile.TemporaryDirectory(prefix="ovs") as path:
        yield Path(path)


@pytest.mark.parametrize("case", all_cases(), ids=_name)
def test_ovs_ofctl_takes_every_flow(case: Case, tmp_path: Path) -> None:
    """Fields, values and prerequisites, as OpenFlow 1.5."""
    flows = tmp_path / "flows"
    flows.write_text("".join(f"{flow}\n" for flow in case.compile().flows))
    argv = ["ovs-ofctl", "-OOpenFlow15", "parse-flows", str(flows)]
    done = subprocess.run(argv, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("case", NATIVE, ids=_name)
def test_open_vswitch_and_the_fake_switch_agree_on_every_packet(case: Case, folder: Path) -> None:
    """Who gets what, and what is counted as dropped."""
    outcome = case.compile()
    assert case.inputs.core_port is not None
    ports = [case.inputs.core_port, *case.inputs.circuit_ports.values()]
    fake, real = FakeSwitch(), DummySwitch(folder, ports)
    try:
        real.start()
        fake.apply(outcome.flows)
        real.replace_flows(outcome.flows)
        expected: Counter[tuple[int, Packet]] = Counter()
        for port, packet in _probes(case):
            real.receive(port, encode(packet))
            expected.update((each.port, each.packet) for each in fake.receive(port, packet).sent)
        found = _settled(real, expected.total())
        assert Counter({str(each): n for each, n in found.items()}) == Counter(
            {str(each): n for each, n in expected.items()}
        )
        # Shared flows have cookie 0. Open vSwitch counts both outcomes of check_pkt_larger there.
        cookies = {flow.cookie for flow in outcome.flows} - {0}
        counted = real.counters()
        assert {cookie: counted[cookie] for cookie in cookies} == {
            cookie: fake.count(cookie) for cookie in cookies
        }
    finally:
        real.stop()


def _settled(real: DummySwitch, expected: int) -> Counter[tuple[int, Packet]]:
    """Return what has been sent, once it is as much as expected or nothing more comes."""
    until = time.monotonic() + 5
    while True:
        found = Counter(
            (port, replace(decode(frame), mark=""))
            for port, frames in real.sent().items()
            for frame in frames
        )
        if found.total() >= expected or time.monotonic() > until:
            return found
        time.sleep(0.05)


def _probes(case: Case) -> list[tuple[int, Packet]]:
    """Make packets of every kind, into every port."""
    inputs = case.inputs
    circuits = {
        inputs.circuit_ports[circuit.port_id]: circuit
        for intent in inputs.intents.values()
        for circuit in intent.circuits
        if circuit.port_id in inputs.circuit_ports
    }
    addresses = {address for c in circuits.values() for h in c.hosts for address in h.addresses}
    addresses |= {subnet.gateway for circuit in circuits.values() for subnet in circuit.subnets}
    addresses |= {route.prefix.network_address for route in inputs.routes}
    addresses |= {IPv4Address("198.51.100.9"), IPv4Address("224.0.0.5")}
    found: list[tuple[int, Packet]] = []
    for port, circuit in circuits.items():
        source = circuit.hosts[0].addresses[0]
        for packet in _ip_packets(source, sorted(addresses)):
            frame = Packet(CE_MAC, circuit.mac, packet)
            found.append((port, frame))
        found += [
            (port, replace(frame, eth_dst="ff:ff:ff:ff:ff:ff")),
            (port, replace(frame, vlan_vid=0x1005)),
            (port, replace(frame, labels=(LabelStackEntry(1000),))),
        ]
        for target in (circuit.subnets[0].gateway, source):
            arp = ArpPacket(1, CE_MAC, source, "00:00:00:00:00:00", target)
            found.append((port, Packet(CE_MAC, "ff:ff:ff:ff:ff:ff", arp)))
    assert inputs.core_port is not None
    return found + [(inputs.core_port, frame) for frame in _from_core(case, sorted(addresses))]


def _ip_packets(source: IPv4Address, addresses: list[IPv4Address]) -> Iterator[Ipv4Packet]:
    for address in addresses:
        yield Ipv4Packet(source, address)
        yield Ipv4Packet(source, address, ttl=1)
        yield Ipv4Packet(source, address, octets=1470)
        yield Ipv4Packet(source, address, proto=ICMP, icmp_type=8)


def _from_core(case: Case, addresses: list[IPv4Address]) -> Iterator[Packet]:
    mac = core_mac_of(case.pe.address)
    transport = case.pe.transport_label
    for label in (999, 1000, 1001, 1002):
        stacks = [(label,), (16, label)] + ([(transport.value, label)] if transport else [])
        for stack in stacks:
            entries = tuple(LabelStackEntry(each) for each in stack)
            for packet in _ip_packets(IPv4Address("10.2.0.7"), addresses):
                yield Packet("02:00:00:00:00:f1", mac, packet, entries)
    yield replace(Packet("02:00:00:00:00:f1", mac, packet, entries), eth_dst=CE_MAC)
    yield Packet("02:00:00:00:00:f1", mac, packet)
