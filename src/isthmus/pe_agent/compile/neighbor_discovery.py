# SPDX-License-Identifier: Apache-2.0
"""What an IPv6 router says on a link (RFC 4861): router and neighbor advertisements, as octets.

Hosts learn their default router, and whether to make addresses of their own or to ask a DHCPv6
server for them, from router advertisements alone. Most neighbor solicitations are answered in
flows; those that carry no option which an answer could be made of come here.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from ipaddress import IPv6Address

from isthmus.model.intent import AttachedSubnet, AttachmentCircuit, RouterAdvertisement
from isthmus.pe_agent.compile.checksum import icmpv6_checksum

ICMPV6 = 58
ROUTER_SOLICITATION, ROUTER_ADVERTISEMENT = 133, 134
NEIGHBOR_SOLICITATION, NEIGHBOR_ADVERTISEMENT = 135, 136
REDIRECT = 137
ALL_NODES = IPv6Address("ff02::1")
ALL_NODES_MAC = "33:33:00:00:00:01"
HOP_LIMIT = 255
"""Of every packet of the protocol: whoever is not on the link can't have sent it (§3.1)."""

ADVERTISE_EVERY_S = 200.0
"""How often each link's hosts hear of their router without asking (§6.2.1)."""

_ETHERNET_OCTETS, _IPV6_OCTETS = 14, 40
# The longest there is (§6.2.1): forwarding goes on without the agent, so hosts should too.
_ROUTER_LIFETIME_S = 9000
_HOSTS_HOP_LIMIT = 64
_VALID_S, _PREFERRED_S = 2_592_000, 604_800
_MANAGED, _OTHER = 0x80, 0x40
_ON_LINK, _AUTONOMOUS = 0x80, 0x40
_ROUTER_AND_OVERRIDE = 0xA0000000
_SOURCE_LINK_LAYER, _TARGET_LINK_LAYER, _PREFIX, _MTU = 1, 2, 3, 5


@dataclass(frozen=True, slots=True)
class Link:
    """One attached network as its IPv6 router knows it.

    Attributes:
        mac: the router's.
        mtu: largest packet the network carries, in octets.
        subnets: the IPv6 ones, in order.
    """

    mac: str
    mtu: int
    subnets: tuple[AttachedSubnet, ...]

    @classmethod
    def of(cls, circuit: AttachmentCircuit) -> Link:
        """Return the link behind an attachment circuit."""
        subnets = tuple(sorted(each for each in circuit.subnets if each.prefix.version == 6))
        return cls(circuit.mac, circuit.mtu, subnets)

    @property
    def advertised(self) -> tuple[AttachedSubnet, ...]:
        """The subnets hosts are told of."""
        return tuple(
            subnet
            for subnet in self.subnets
            if subnet.advertisement is not RouterAdvertisement.NONE
        )

    @property
    def router(self) -> IPv6Address:
        """The address advertisements come from, which has to be a link-local one (§4.2)."""
        given = (address for address in self._gateways() if address.is_link_local)
        return next(given, link_local_address(self.mac))

    def addresses(self) -> list[IPv6Address]:
        """Return every address the router answers for."""
        return sorted({*self._gateways(), self.router})

    def _gateways(self) -> list[IPv6Address]:
        return [each.gateway for each in self.subnets if isinstance(each.gateway, IPv6Address)]


def link_local_address(mac: str) -> IPv6Address:
    """Return the link-local address made of a MAC (RFC 4291 §2.5.1 and §2.5.6).

    >>> link_local_address("fa:16:3e:00:00:01")
    IPv6Address('fe80::f816:3eff:fe00:1')
    """
    octets = _mac(mac)
    identifier = bytes((octets[0] ^ 2,)) + octets[1:3] + b"\xff\xfe" + octets[3:]
    return IPv6Address(b"\xfe\x80" + bytes(6) + identifier)


def advertise(link: Link, to: IPv6Address = ALL_NODES, mac: str = ALL_NODES_MAC) -> bytes | None:
    """Make a router advertisement (§4.2), to all hosts of the link or to one.

    None if there is nothing to tell: hosts are then configured by hand.
    """
    if not link.advertised:
        return None
    modes = {subnet.advertisement for subnet in link.advertised}
    flags = 0
    if RouterAdvertisement.DHCPV6_STATEFUL in modes:
        flags |= _MANAGED | _OTHER
    if RouterAdvertisement.DHCPV6_STATELESS in modes:
        flags |= _OTHER
    message = _advertisement(link, flags, _ROUTER_LIFETIME_S)
    message += struct.pack("!BBHI", _MTU, 1, 0, link.mtu)
    for subnet in link.advertised:
        message += _encode_prefix(subnet)
    return _encode(link.mac, mac, link.router, to, message)


def announce(link: Link) -> tuple[bytes, ...]:
    """Tell all hosts of the link that each of the router's addresses is here now (§7.2.6)."""
    if not link.subnets:
        return ()
    return tuple(_claim(address, link) for address in link.addresses())


def take_leave(link: Link) -> bytes | None:
    """Make the advertisement of a router that is none any more (§6.2.5), to all hosts of the link.

    Their addresses stay: the link goes on without it. None if hosts were never told of it.
    """
    if not link.advertised:
        return None
    message = _advertisement(link, 0, 0)
    return _encode(link.mac, ALL_NODES_MAC, link.router, ALL_NODES, message)


def _advertisement(link: Link, flags: int, lifetime_s: int) -> bytes:
    """Make the part that all advertisements have, with the router's MAC as its option."""
    head = struct.pack(
        "!BBHBBHII", ROUTER_ADVERTISEMENT, 0, 0, _HOSTS_HOP_LIMIT, flags, lifetime_s, 0, 0
    )
    return head + bytes((_SOURCE_LINK_LAYER, 1)) + _mac(link.mac)


def answer(frame: bytes, link: Link) -> bytes | None:
    """Answer a solicitation that flows can't answer.

    Args:
        frame: a router solicitation, or a neighbor solicitation for one of the router's addresses
            by a host that has none yet and checks whether one is free (RFC 4862 §5.4).
        link: where it was received.

    Returns:
        A frame for that link; None if the solicitation is not valid (§6.1.1, §7.1.1) or not for
        this router.
    """
    packet = frame[_ETHERNET_OCTETS:]
    if frame[12:14] != b"\x86\xdd" or len(packet) < _IPV6_OCTETS + 8 or packet[0] >> 4 != 6:
        return None
    octets = int.from_bytes(packet[4:6], "big")
    message = packet[_IPV6_OCTETS : _IPV6_OCTETS + octets]
    if packet[6] != ICMPV6 or packet[7] != HOP_LIMIT or not 8 <= octets == len(message):
        return None
    if icmpv6_checksum(packet[8:40], message) != b"\x00\x00" or message[1] != 0:
        return None
    source = IPv6Address(packet[8:24])
    if message[0] == ROUTER_SOLICITATION:
        if source.is_link_local:
            return advertise(link, source, frame[6:12].hex(":"))
        return advertise(link)
    if message[0] == NEIGHBOR_SOLICITATION and source.is_unspecified and octets >= 24:
        target = IPv6Address(message[8:24])
        return _claim(target, link) if target in link.addresses() else None
    return None


def _claim(target: IPv6Address, link: Link) -> bytes:
    """Tell all hosts that an address is the router's (§7.2.4)."""
    message = struct.pack("!BBHI", NEIGHBOR_ADVERTISEMENT, 0, 0, _ROUTER_AND_OVERRIDE)
    message += target.packed + bytes((_TARGET_LINK_LAYER, 1)) + _mac(link.mac)
    return _encode(link.mac, ALL_NODES_MAC, target, ALL_NODES, message)


def _encode_prefix(subnet: AttachedSubnet) -> bytes:
    """Encode a prefix information option (§4.6.2)."""
    flags = _ON_LINK
    if subnet.advertisement is not RouterAdvertisement.DHCPV6_STATEFUL:
        flags |= _AUTONOMOUS
    head = struct.pack(
        "!BBBBIII", _PREFIX, 4, subnet.prefix.prefixlen, flags, _VALID_S, _PREFERRED_S, 0
    )
    return head + subnet.prefix.network_address.packed


def _encode(
    src_mac: str, dst_mac: str, src: IPv6Address, dst: IPv6Address, message: bytes
) -> bytes:
    addresses = src.packed + dst.packed
    message = message[:2] + icmpv6_checksum(addresses, message) + message[4:]
    header = struct.pack("!IHBB", 6 << 28, len(message), ICMPV6, HOP_LIMIT)
    return _mac(dst_mac) + _mac(src_mac) + b"\x86\xdd" + header + addresses + message


def _mac(text: str) -> bytes:
    return bytes.fromhex(text.replace(":", ""))
