# SPDX-License-Identifier: Apache-2.0
"""Compiled flows do in Open vSwitch what they do in the fake switch that all other tests trust."""

from __future__ import annotations

import shutil
import struct
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path

import pytest

from isthmus.model.intent import AttachmentCircuit
from isthmus.model.ip import AddressFamily, IpAddress, ip_order
from isthmus.model.provider_edge import Encapsulation
from isthmus.pe_agent.compile.membership import group_circuits
from isthmus.pe_agent.compile.neighbor_discovery import link_local_address
from isthmus.pe_agent.compile.pipeline import LIMITS
from isthmus.pe_agent.compile.rib import MOST_PATHS
from tests.actors import PE3, core_mac_of, mac_of
from tests.cases.case import Case, all_cases
from tests.fakes.packet import (
    ICMP,
    ICMPV6,
    ArpPacket,
    Ipv4Packet,
    Ipv6Packet,
    LabelStackEntry,
    Packet,
    decode,
    encode,
    ip_packet,
)
from tests.fakes.switch import FakeSwitch
from tests.functional.compile.dummy_switch import REMOTE_MAC, SCHEMA, UNDERLAY_MAC, DummySwitch

pytestmark = pytest.mark.functional

GRE = 47
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
        spread = []
        for port, packet in _probes(case):
            outcomes = _possible(fake, port, packet)
            if len(outcomes) > 1:
                spread.append((port, packet, outcomes))
                continue
            real.receive(port, encode(packet))
            expected.update(outcomes.pop())
        found = _settled(real, expected.total())
        assert Counter({str(each): n for each, n in found.items()}) == Counter(
            {str(each): n for each, n in expected.items()}
        )
        for port, packet, outcomes in spread:
            real.receive(port, encode(packet))
            now = _settled(real, found.total() + 1)
            assert tuple((now - found).elements()) in outcomes
            found = now
        # Open vSwitch counts both outcomes of check_pkt_larger: what follows it is left out.
        matched: Counter[tuple[int, int]] = Counter()
        for flow in outcome.flows:
            if flow.cookie and flow.table != LIMITS:
                matched[flow.table, flow.cookie] += fake.packets[flow]
        counted = real.counters()
        assert {each: counted[each] for each in matched} == dict(matched)
    finally:
        real.stop()


@pytest.mark.parametrize(
    ("name", "west", "east", "label"),
    [
        ("mpls-in-gre", "10.1.0.5", "10.2.0.7", "003e81ff"),
        ("ipv6-only-in-gre", "2001:db8:1::5", "2001:db8:2::7", "003e91ff"),
    ],
)
def test_mpls_in_gre_leaves_and_arrives(
    folder: Path, name: str, west: str, east: str, label: str
) -> None:
    """RFC 4023: GRE of protocol 0x8847 with the VPN label alone, to the remote PE's address."""
    case = next(each for each in all_cases() if each.folder.name == name)
    attachment, gre, nic = 2, 1, 7
    here, there = str(case.pe.address), "192.0.2.21"
    switch = DummySwitch(folder, [attachment])
    there_and_back = ip_packet(ip_address(west), ip_address(east))
    hop_limit_at = 8 if there_and_back.src.version == 4 else 7
    try:
        switch.start()
        switch.add_gre(gre, nic, here, there)
        switch.replace_flows(case.compile().flows)
        switch.receive(attachment, encode(Packet(CE_MAC, "fa:16:3e:00:00:01", there_and_back)))
        (outer,) = {frame for frame in _wait_for_frames(switch, nic) if frame[23] == GRE}
        assert (IPv4Address(outer[26:30]), IPv4Address(outer[30:34])) == (case.pe.address, PE3)
        assert outer[34:42].hex() == f"00008847{label}"
        assert outer[42 + hop_limit_at] == 63
        returned = ip_packet(there_and_back.dst, there_and_back.src)
        back = bytes.fromhex("00008847003e81ff") + encode(Packet(CE_MAC, CE_MAC, returned))[14:]
        switch.receive(nic, _in_ipv4(back, PE3, case.pe.address))
        (arrived,) = _wait_for_frames(switch, attachment)
        assert decode(arrived) == Packet(
            "fa:16:3e:00:00:01", "fa:16:3e:00:00:11", replace(returned, ttl=63)
        )
    finally:
        switch.stop()


def _possible(fake: FakeSwitch, port: int, packet: Packet) -> set[tuple[tuple[int, Packet], ...]]:
    """Return what may become of a packet, whichever of several paths it takes; it counts once."""
    counted = fake.packets.copy()
    outcomes = set()
    for fake.chosen in range(MOST_PATHS):
        fake.packets = counted.copy()
        sent = fake.receive(port, packet).sent
        outcomes.add(tuple((each.port, each.packet) for each in sent))
    return outcomes


def _wait_for_frames(switch: DummySwitch, port: int) -> list[bytes]:
    until = time.monotonic() + 5
    while not (found := switch.sent()[port]) and time.monotonic() < until:
        time.sleep(0.02)
    return found


def _in_ipv4(payload: bytes, src: IPv4Address, dst: IPv4Address) -> bytes:
    """Wrap GRE the way the underlay delivers it, with the checksum tunnels insist on."""
    fields = (0x4500, 20 + len(payload), 0, 0x4000, 64 << 8 | GRE, 0)
    header = struct.pack("!6H", *fields) + src.packed + dst.packed
    total: int = sum(struct.unpack("!10H", header))
    checksum = 0xFFFF - (total % 0xFFFF)
    header = header[:10] + checksum.to_bytes(2, "big") + header[12:]
    ethernet = bytes.fromhex(f"{UNDERLAY_MAC}{REMOTE_MAC}".replace(":", "")) + b"\x08\x00"
    return ethernet + header + payload


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
    circuits = [
        (inputs.circuit_ports[share.circuit.port_id], share.circuit)
        for shares in group_circuits(inputs.intents).values()
        for share in shares
        if share.circuit.port_id in inputs.circuit_ports
    ]
    addresses = {address for _, c in circuits for host in c.hosts for address in host.addresses}
    addresses |= {subnet.gateway for _, circuit in circuits for subnet in circuit.subnets}
    addresses |= {behind.prefix[9] for _, circuit in circuits for behind in circuit.prefixes}
    addresses |= {route.prefix.network_address for route in inputs.routes}
    addresses |= {IPv4Address("198.51.100.9"), IPv4Address("224.0.0.5")}
    addresses |= {ip_address(text) for text in ("2001:db8:99::9", "fe80::9", "ff02::1", "::1")}
    found: list[tuple[int, Packet]] = []
    for port, mac, source, circuit in _senders(circuits):
        for packet in _ip_packets(source, addresses):
            frame = Packet(mac, circuit.mac, packet)
            found.append((port, frame))
        found += [
            (port, replace(frame, eth_dst="ff:ff:ff:ff:ff:ff")),
            (port, replace(frame, vlan_vid=0x1005)),
            (port, replace(frame, labels=(LabelStackEntry(1000),))),
        ]
        targets = {subnet.gateway for subnet in circuit.subnets} | {source}
        targets.add(link_local_address(circuit.mac))
        for target in sorted(targets, key=ip_order):
            found += [(port, replace(each, eth_src=mac)) for each in _resolution(source, target)]
    assert inputs.core_port is not None
    return found + [(inputs.core_port, frame) for frame in _from_core(case, addresses)]


def _senders(
    circuits: Iterable[tuple[int, AttachmentCircuit]],
) -> Iterator[tuple[int, str, IpAddress, AttachmentCircuit]]:
    """A CE of each VRF on each port, as itself and as somebody whom nobody has named."""
    for port, circuit in circuits:
        first = circuit.hosts[0]
        for mac in (first.mac, CE_MAC):
            for source in (*first.addresses, IPv6Address("fe80::5")):
                yield port, mac, source, circuit


def _resolution(source: IpAddress, target: IpAddress) -> Iterator[Packet]:
    """Ask for a target's MAC, as the version of both addresses does it."""
    if isinstance(source, IPv4Address) and isinstance(target, IPv4Address):
        arp = ArpPacket(1, CE_MAC, source, "00:00:00:00:00:00", target)
        yield Packet(CE_MAC, "ff:ff:ff:ff:ff:ff", arp)
    if isinstance(source, IPv6Address) and isinstance(target, IPv6Address):
        group = IPv6Address(int(IPv6Address("ff02::1:ff00:0")) | int(target) & 0xFFFFFF)
        asked = Ipv6Packet(source, group, 255, ICMPV6, 135, 0, 72, target, 0, (1, CE_MAC))
        group_mac = f"33:33:{group.packed[12:].hex(':')}"
        yield Packet(CE_MAC, group_mac, asked)
        yield Packet(CE_MAC, group_mac, replace(asked, ttl=254))
        yield Packet(CE_MAC, group_mac, replace(asked, src=IPv6Address(0)))
        yield Packet(CE_MAC, group_mac, replace(asked, nd_option=None, octets=64))
        yield Packet(CE_MAC, group_mac, Ipv6Packet(source, group, 255, ICMPV6, 133))


def _ip_packets(source: IpAddress, addresses: set[IpAddress]) -> Iterator[Ipv4Packet | Ipv6Packet]:
    for address in sorted(addresses, key=ip_order):
        if address.version != source.version:
            continue
        yield ip_packet(source, address)
        yield ip_packet(source, address, ttl=1)
        yield ip_packet(source, address, octets=1470)
        icmp, kinds = (ICMP, (8,)) if address.version == 4 else (ICMPV6, (128, 134, 137))
        for kind in kinds:
            yield ip_packet(source, address, proto=icmp, icmp_type=kind)


def _from_core(case: Case, addresses: set[IpAddress]) -> Iterator[Packet]:
    mac = core_mac_of(case.pe.address)
    transport = case.pe.transport_label
    labels = case.compile().numbers.labels
    sources: dict[int, IpAddress] = {
        4: IPv4Address("10.2.0.7"),
        6: IPv6Address("2001:db8:2::7"),
    }
    for label in (999, 1000, 1001, 1002):
        stacks = [(label,), (16, label)] + ([(transport.value, label)] if transport else [])
        # What a label of one family carries is never of the other, unless the far PE is broken.
        families = {family for (_, family), given in labels.items() if given == label}
        versions = {4 if family is AddressFamily.IPV4 else 6 for family in families} or {4, 6}
        for stack in stacks:
            entries = tuple(LabelStackEntry(each) for each in stack)
            for version in sorted(versions):
                for packet in _ip_packets(sources[version], addresses):
                    yield Packet("02:00:00:00:00:f1", mac, packet, entries)
    yield replace(Packet("02:00:00:00:00:f1", mac, packet, entries), eth_dst=CE_MAC)
    yield Packet("02:00:00:00:00:f1", mac, packet)
