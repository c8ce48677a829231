# SPDX-License-Identifier: Apache-2.0
"""One packet on its way through flow tables, with its registers, as Open vSwitch does it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from hashlib import blake2b
from ipaddress import IPv4Address, IPv6Address, ip_network
from typing import Protocol

from isthmus.model.flow import (
    Action,
    CheckPacketLarger,
    DecTtl,
    Drop,
    Flow,
    ForgetInPort,
    Goto,
    Move,
    Multipath,
    Output,
    OutputToInPort,
    PopMpls,
    PushMpls,
    Resubmit,
    SetField,
    ToAgent,
)
from isthmus.pe_agent.compile.pipeline import ATTACHMENT
from tests.fakes.packet import (
    ICMP,
    ICMPV6,
    IPV4,
    IPV6,
    MPLS,
    ArpPacket,
    Ipv4Packet,
    Ipv6Packet,
    LabelStackEntry,
    Packet,
)

LOCAL = 0xFFFE
_DEPTH = 64
_NXM = {
    "NXM_OF_ETH_SRC": "eth_src",
    "NXM_OF_ETH_DST": "eth_dst",
    "NXM_NX_ARP_SHA": "arp_sha",
    "NXM_NX_ARP_THA": "arp_tha",
    "NXM_OF_ARP_SPA": "arp_spa",
    "NXM_OF_ARP_TPA": "arp_tpa",
    "NXM_OF_IP_SRC": "ip_src",
    "NXM_OF_IP_DST": "ip_dst",
    "NXM_NX_IPV6_SRC": "ipv6_src",
    "NXM_NX_IPV6_DST": "ipv6_dst",
    "NXM_NX_ND_TLL": "nd_tll",
    "NXM_NX_REG1": "reg1",
    "NXM_NX_REG2": "reg2",
    "NXM_NX_REG4": "reg4",
    "OXM_OF_MPLS_LABEL": "mpls_label",
}


@dataclass(frozen=True, slots=True)
class Sent:
    """A packet that left by ``port``."""

    port: int
    packet: Packet


@dataclass(frozen=True, slots=True)
class Punted:
    """A packet handed to the agent, with what the packet-in says about it."""

    reason: str
    table: int
    metadata: int
    packet: Packet
    octets: int
    in_port: int = 0


@dataclass(slots=True)
class Outcome:
    """Everything one packet caused; nothing means it was dropped."""

    sent: list[Sent] = field(default_factory=list)
    punted: list[Punted] = field(default_factory=list)

    @property
    def is_dropped(self) -> bool:
        """Nobody got it."""
        return not (self.sent or self.punted)


class Tables(Protocol):
    """The flow tables a packet goes through.

    Attributes:
        chosen: the link every multipath action takes, if it has as many; None for a hash.
    """

    chosen: int | None

    def best(self, table: int, packet: Journey) -> Flow | None:
        """Return the flow of ``table`` with the highest priority that matches, and count it."""


class Journey:
    """One packet on its way through the tables, with its registers."""

    def __init__(self, tables: Tables, in_port: int, packet: Packet) -> None:
        self.outcome = Outcome()
        self._tables = tables
        self._packet = packet
        self._is_over = False
        self._registers = dict.fromkeys(("metadata", "reg0", "reg1", "reg2", "reg3", "reg4"), 0)
        self._registers["in_port"] = in_port

    @property
    def metadata(self) -> int:
        """The VRF the packet is in; 0 for none."""
        return self._registers["metadata"]

    def look_up(self, table: int, depth: int) -> None:
        """Execute the best flow of ``table``; a miss drops."""
        assert depth < _DEPTH, "the pipeline loops"
        flow = self._tables.best(table, self)
        for action in flow.actions if flow is not None else ():
            if self._is_over:
                return
            self._execute(action, table, depth)

    def matches(self, name: str, wanted: str) -> bool:
        """Tell whether a field has the value a flow wants; a field the packet lacks never does."""
        value = self._get(name)
        if value is None:
            return False
        if name in _ADDRESSES:
            return value in ip_network(wanted)
        if isinstance(value, str):
            return value == wanted
        text, _, mask_text = wanted.partition("/")
        mask = int(mask_text, 0) if mask_text else -1
        return _number(value) & mask == _number(text) & mask

    def _execute(self, action: Action, table: int, depth: int) -> None:
        match action:
            case Goto(target) | Resubmit(target):
                self.look_up(target, depth + 1)
            case SetField(name, value):
                self._set(name, value)
            case Move(source, target):
                self._set(_field(target), str(self._read(source)))
            case PushMpls() | PopMpls() | DecTtl():
                self._rewrite(action, table)
            case CheckPacketLarger(octets, register):
                assert register == "NXM_NX_REG0"
                self._registers["reg0"] = int(self._packet.octets > octets)
            case Multipath(links, register):
                self._registers[_field(register)] = self._choose(links)
            case Output() | OutputToInPort() | ForgetInPort():
                self._send(action)
            case ToAgent(octets):
                reason = "ttl_expired" if action.is_ttl_expired else "too_big"
                self._punt("asked" if table == ATTACHMENT else reason, table, octets)
            case Drop():
                self._is_over = True

    def _rewrite(self, action: PushMpls | PopMpls | DecTtl, table: int) -> None:
        if isinstance(action, PushMpls):
            labels = (LabelStackEntry(0), *self._packet.labels)
            self._packet = replace(self._packet, labels=labels)
        elif isinstance(action, PopMpls):
            self._pop(action.ethertype)
        else:
            packet = self._ip()
            if packet.ttl <= 1:
                self._punt("ttl_expired", table, 0xFFFF)
                self._is_over = True
            else:
                self._packet = replace(self._packet, payload=replace(packet, ttl=packet.ttl - 1))

    def _pop(self, ethertype: int) -> None:
        assert self._packet.eth_type == MPLS, "pop_mpls without MPLS"
        labels = self._packet.labels[1:]
        assert bool(labels) == (ethertype == MPLS), "pop_mpls says the wrong ethertype"
        carried = {IPV4: Ipv4Packet, IPV6: Ipv6Packet, MPLS: object}[ethertype]
        if not labels and not isinstance(self._packet.payload, carried):
            # The far PE took a label of the other family: what is below is read as what it is not.
            self._is_over = True
            return
        self._packet = replace(self._packet, labels=labels)

    def _send(self, action: Output | OutputToInPort | ForgetInPort) -> None:
        in_port = self._registers["in_port"]
        if isinstance(action, ForgetInPort):
            self._registers["in_port"] = 0
        elif isinstance(action, OutputToInPort):
            self.outcome.sent.append(Sent(in_port, self._packet))
        elif action.port != in_port:
            # OpenFlow never sends a packet back by the port it came in on, unless told to.
            self.outcome.sent.append(Sent(action.port, self._packet))

    def _punt(self, reason: str, table: int, octets: int) -> None:
        metadata = self._registers["metadata"]
        in_port = self._registers["in_port"]
        self.outcome.punted.append(Punted(reason, table, metadata, self._packet, octets, in_port))

    def _choose(self, links: int) -> int:
        """Choose by highest random weight (RFC 2992 §2.2), both directions alike."""
        if self._tables.chosen is not None:
            return self._tables.chosen % links
        ip = self._ip()
        ends = sorted(((str(ip.src), ip.ports[0]), (str(ip.dst), ip.ports[1])))
        key = (ends, ip.proto)
        return max(range(links), key=lambda link: blake2b(f"{link} {key}".encode()).digest())

    def _ip(self) -> Ipv4Packet | Ipv6Packet:
        packet = self._packet.payload
        assert self._packet.eth_type in (IPV4, IPV6), "an IP action on what is not IP"
        assert isinstance(packet, Ipv4Packet | Ipv6Packet)
        return packet

    def _read(self, source: str) -> object:
        value = self._required(_field(source))
        # The one part of a register that is ever read: a label.
        return value % 2**20 if source.endswith("[0..19]") and isinstance(value, int) else value

    def _required(self, name: str) -> object:
        value = self._get(name)
        assert value is not None, f"{name} of a packet that has none"
        return value

    def _get(self, name: str) -> int | str | IPv4Address | IPv6Address | None:
        if name in self._registers:
            return self._registers[name]
        packet = self._packet
        if name in ("eth_src", "eth_dst", "eth_type", "vlan_vid", "tun_dst"):
            return getattr(packet, name)  # type: ignore[no-any-return]  # one of five known fields
        if name.startswith("mpls_"):
            return self._label_field(name)
        if name.startswith("arp_"):
            arp = packet.payload
            if packet.labels or not isinstance(arp, ArpPacket):
                return None
            return getattr(arp, _ARP_ATTRIBUTES[name])  # type: ignore[no-any-return]
        return self._ip_field(name)

    def _label_field(self, name: str) -> int | None:
        if not self._packet.labels:
            return None
        if name == "mpls_bos":
            return int(len(self._packet.labels) == 1)
        return int(getattr(self._packet.labels[0], name.removeprefix("mpls_")))

    def _ip_field(self, name: str) -> int | str | IPv4Address | IPv6Address | None:
        ip = self._packet.payload
        if self._packet.eth_type == IPV4 and isinstance(ip, Ipv4Packet):
            if name.startswith("icmp_") and ip.proto != ICMP:
                return None
            return getattr(ip, _IP_ATTRIBUTES[name], None) if name in _IP_ATTRIBUTES else None
        if self._packet.eth_type == IPV6 and isinstance(ip, Ipv6Packet):
            if name.startswith(("icmpv6_", "nd_")) and ip.proto != ICMPV6:
                return None
            return self._nd_field(ip, name) if name.startswith("nd_") else _ipv6_field(ip, name)
        return None

    def _nd_field(self, ip: Ipv6Packet, name: str) -> int | str | IPv6Address | None:
        """Read a field of neighbor discovery; those of an advertisement only where it is one."""
        if name in ("nd_target", "nd_reserved"):
            return ip.nd_target if name == "nd_target" else ip.nd_reserved
        assert ip.icmp_type == 136, f"{name} of what is no neighbor advertisement"
        if ip.nd_option is None:
            return ""
        return ip.nd_option[0] if name == "nd_options_type" else ip.nd_option[1]

    def _set(self, name: str, value: str) -> None:
        if name in self._registers:
            self._registers[name] = int(value, 0)
        elif name == "eth_src":
            self._packet = replace(self._packet, eth_src=value)
        elif name == "eth_dst":
            self._packet = replace(self._packet, eth_dst=value)
        elif name == "tun_dst":
            self._packet = replace(self._packet, tun_dst=IPv4Address(value))
        elif name.startswith("mpls_"):
            self._required(name)
            top, *rest = self._packet.labels
            top = replace(top, **{name.removeprefix("mpls_"): int(value, 0)})
            self._packet = replace(self._packet, labels=(top, *rest))
        else:
            self._set_payload(name, value)

    def _set_nd(self, name: str, value: str) -> None:
        """Set a field of a neighbor advertisement; an option that is not there stays away."""
        ip = self._packet.payload
        self._required(name)
        assert isinstance(ip, Ipv6Packet)
        if name == "nd_reserved":
            ip = replace(ip, nd_reserved=int(value, 0))
        elif ip.nd_option is not None:
            kind, mac = ip.nd_option
            option = (int(value, 0), mac) if name == "nd_options_type" else (kind, value)
            ip = replace(ip, nd_option=option)
        self._packet = replace(self._packet, payload=ip)

    def _set_payload(self, name: str, value: str) -> None:
        if name.startswith("nd_"):
            self._set_nd(name, value)
            return
        payload = self._packet.payload
        old = self._required(name)
        attribute = (_ARP_ATTRIBUTES | _IP_ATTRIBUTES | _IPV6_ATTRIBUTES)[name]
        new = type(old)(value) if not isinstance(old, int) else int(value, 0)  # type: ignore[call-arg]
        assert payload is not None
        changed = replace(payload, **{attribute: new})  # type: ignore[arg-type]
        self._packet = replace(self._packet, payload=changed)


_ARP_ATTRIBUTES = {
    "arp_op": "op",
    "arp_sha": "sender_mac",
    "arp_spa": "sender",
    "arp_tha": "target_mac",
    "arp_tpa": "target",
}
_IP_ATTRIBUTES = {
    "ip_src": "src",
    "ip_dst": "dst",
    "ip_proto": "proto",
    "nw_ttl": "ttl",
    "icmp_type": "icmp_type",
    "icmp_code": "icmp_code",
}

_IPV6_ATTRIBUTES = {
    "ipv6_src": "src",
    "ipv6_dst": "dst",
    "ip_proto": "proto",
    "nw_ttl": "ttl",
    "icmpv6_type": "icmp_type",
    "icmpv6_code": "icmp_code",
}
_ADDRESSES = {"ip_dst", "ip_src", "arp_tpa", "arp_spa", "ipv6_dst", "ipv6_src", "nd_target"}


def _ipv6_field(ip: Ipv6Packet, name: str) -> int | IPv6Address | None:
    attribute = _IPV6_ATTRIBUTES.get(name)
    return None if attribute is None else getattr(ip, attribute)


def _field(nxm: str) -> str:
    return _NXM[nxm.partition("[")[0]]


def _number(value: object) -> int:
    return LOCAL if value == "LOCAL" else int(str(value), 0)
