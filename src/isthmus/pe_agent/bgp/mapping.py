# SPDX-License-Identifier: Apache-2.0
"""Translate between the model's routes and GoBGP's messages. Pure.

What is encoded here has passed, or is to pass, `validate`. What is decoded came from neighbors and
may be anything: it becomes a route this PE can use, or InvalidValue with the reason.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum
from ipaddress import AddressValueError, IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Any

from isthmus.config.bgp import BgpConfig
from isthmus.model.errors import InvalidValue
from isthmus.model.ids import Label, RouteDistinguisher, RouteTarget
from isthmus.model.ip import AddressFamily, IpPrefix
from isthmus.model.route import VpnRoute
from isthmus.pe_agent.bgp.gobgp_api import (
    attribute_pb2,
    common_pb2,
    extcom_pb2,
    gobgp_pb2,
    nlri_pb2,
)
from isthmus.pe_agent.bgp.validate import ROUTE_TARGET_SUBTYPE, check_prefix

RouteKey = tuple[RouteDistinguisher, IpPrefix]
"""What makes a VPN route one of its own: a second one replaces the first (RFC 4364 §4.1)."""

IPV4_UNICAST = common_pb2.Family(afi=common_pb2.Family.AFI_IP, safi=common_pb2.Family.SAFI_UNICAST)
IPV6_UNICAST = common_pb2.Family(afi=common_pb2.Family.AFI_IP6, safi=common_pb2.Family.SAFI_UNICAST)
VPN_IPV4 = common_pb2.Family(afi=common_pb2.Family.AFI_IP, safi=common_pb2.Family.SAFI_MPLS_VPN)
VPN_IPV6 = common_pb2.Family(afi=common_pb2.Family.AFI_IP6, safi=common_pb2.Family.SAFI_MPLS_VPN)
LABELLED_IPV4 = common_pb2.Family(
    afi=common_pb2.Family.AFI_IP, safi=common_pb2.Family.SAFI_MPLS_LABEL
)
MEMBERSHIPS = common_pb2.Family(
    afi=common_pb2.Family.AFI_IP, safi=common_pb2.Family.SAFI_ROUTE_TARGET_CONSTRAINTS
)
FAMILIES = {AddressFamily.IPV4: VPN_IPV4, AddressFamily.IPV6: VPN_IPV6}
"""Families offered on every session; a neighbor that lacks one still gets the others."""


class Labelled(Enum):
    """Families of labelled unicast (RFC 8277), on sessions of their own."""

    IPV4 = "labelled ipv4"

    def __str__(self) -> str:
        return self.value


SpokenFamily = AddressFamily | Labelled
"""Families whose routes a neighbor ends with an end-of-RIB that this PE waits for."""

_IPV4_MAPPED = "::ffff:"
_KEEPALIVES_PER_HOLD_TIME = 3
_CONNECT_RETRY_S = 2
_BFD_INTERVAL_US = 100_000
_BFD_MULTIPLIER = 3
_IDLE_AFTER_RESET_S = 1


def key_of(route: VpnRoute) -> RouteKey:
    """Return what a later route must share to replace this one."""
    return (route.rd, route.prefix)


def vpn_family(path: gobgp_pb2.Path) -> AddressFamily | None:
    """Return the address family of a VPN route, or None if the path is of another kind."""
    found = (ours for ours, family in FAMILIES.items() if path.family == family)
    return next(found, None)


def is_learnt(path: gobgp_pb2.Path) -> bool:
    """Whether a neighbor sent the path; the daemon may spell "nobody" as an address."""
    return path.neighbor_ip not in ("", "<nil>", "invalid IP")


def spoken_family(path: gobgp_pb2.Path) -> SpokenFamily | None:
    """Return which of the families that are waited for a path is of; None if of none."""
    return Labelled.IPV4 if path.family == LABELLED_IPV4 else vpn_family(path)


def encode_route(route: VpnRoute) -> gobgp_pb2.Path:
    """Encode a route this PE originates.

    The next hop of a VPN-IPv6 route is this PE's IPv4 address as an IPv4-mapped one, as its tunnels
    are IPv4's (RFC 4659 §3.2.1.2).
    """
    family = FAMILIES[route.family]
    next_hop = str(route.next_hop)
    if route.family is AddressFamily.IPV6:
        next_hop = f"{_IPV4_MAPPED}{next_hop}"
    nlri = nlri_pb2.NLRI(
        labeled_vpn_ip_prefix=nlri_pb2.LabeledVPNIPAddressPrefix(
            labels=[route.label.value],
            rd=_encode_rd(route.rd),
            prefix_len=route.prefix.prefixlen,
            prefix=str(route.prefix.network_address),
        )
    )
    path = encode_path(family, nlri, next_hop, route.local_pref)
    communities = [encode_route_target(target) for target in sorted(route.route_targets)]
    path.pattrs.append(
        attribute_pb2.Attribute(
            extended_communities=attribute_pb2.ExtendedCommunitiesAttribute(communities=communities)
        )
    )
    return path


def encode_path(
    family: common_pb2.Family, nlri: nlri_pb2.NLRI, next_hop: str, local_pref: int = 100
) -> gobgp_pb2.Path:
    """Encode what every path has that this PE originates."""
    reach = attribute_pb2.MpReachNLRIAttribute(family=family, next_hops=[next_hop], nlris=[nlri])
    return gobgp_pb2.Path(
        nlri=nlri,
        family=family,
        pattrs=[
            attribute_pb2.Attribute(origin=attribute_pb2.OriginAttribute(origin=0)),
            attribute_pb2.Attribute(
                local_pref=attribute_pb2.LocalPrefAttribute(local_pref=local_pref)
            ),
            attribute_pb2.Attribute(mp_reach=reach),
        ],
    )


def encode_withdrawal(route: VpnRoute) -> gobgp_pb2.Path:
    """Encode that this PE no longer originates a route."""
    path = encode_route(route)
    path.is_withdraw = True
    return path


def decode_key(path: gobgp_pb2.Path) -> RouteKey:
    """Read which route a path is about; enough to withdraw it.

    Raises:
        InvalidValue: it is not a VPN route.
    """
    family = vpn_family(path)
    if path.nlri.WhichOneof("nlri") != "labeled_vpn_ip_prefix" or family is None:
        raise InvalidValue(
            f"A path of family {path.family.afi}/{path.family.safi} is not a VPN route."
        )
    nlri = path.nlri.labeled_vpn_ip_prefix
    network = IPv4Network if family is AddressFamily.IPV4 else IPv6Network
    try:
        prefix = network((nlri.prefix, nlri.prefix_len))
    except ValueError as error:
        raise InvalidValue(f"{error}: not an {family} prefix.") from None
    return (_decode_rd(nlri.rd), prefix)


def decode_route(path: gobgp_pb2.Path) -> VpnRoute:
    """Read a route as this PE can forward by.

    Raises:
        InvalidValue: no VPN route, no usable label, next hop or route target, or a prefix that is
            never routed.
    """
    rd, prefix = decode_key(path)
    check_prefix(prefix)
    labels = path.nlri.labeled_vpn_ip_prefix.labels
    if len(labels) != 1:
        raise InvalidValue(f"{len(labels)} VPN labels; exactly one can be pushed.")
    attributes = decode_attributes(path)
    if "mp_reach" not in attributes or len(attributes["mp_reach"].next_hops) != 1:
        raise InvalidValue("There is not exactly one next hop.")
    local_pref = attributes["local_pref"].local_pref if "local_pref" in attributes else 100
    return VpnRoute(
        rd=rd,
        prefix=prefix,
        next_hop=decode_next_hop(attributes["mp_reach"].next_hops[0]),
        label=Label(labels[0]),
        route_targets=frozenset(decode_route_targets(attributes.get("extended_communities"))),
        local_pref=local_pref,
    )


def encode_global(config: BgpConfig) -> gobgp_pb2.Global:
    """Encode what the daemon as a whole is told."""
    return gobgp_pb2.Global(
        asn=config.as_number,
        router_id=str(config.router_id),
        listen_port=config.listen_port,
        listen_addresses=sorted({str(config.router_id), str(config.core_address)}),
    )


def is_same_global(running: gobgp_pb2.Global, wanted: gobgp_pb2.Global) -> bool:
    """Whether a daemon that runs needs no restart to be what is wanted."""
    return (running.asn, running.router_id, running.listen_port) == (
        wanted.asn,
        wanted.router_id,
        wanted.listen_port,
    )


def encode_neighbor(
    config: BgpConfig, address: IPv4Address, *, is_restart: bool = False
) -> gobgp_pb2.Peer:
    """Encode a neighbor: session, families, graceful restart (RFC 4724, RFC 9494).

    Args:
        config: this PE's.
        address: the neighbor.
        is_restart: tell it that routes sent earlier have been forwarded by all the while (R and F
            bits, RFC 4724 §3), so that it keeps them until all are sent again.
    """
    peer = gobgp_pb2.Peer(
        conf=gobgp_pb2.PeerConf(
            neighbor_address=str(address),
            peer_asn=config.as_number_of(address),
            auth_password=config.password,
        ),
        timers=gobgp_pb2.Timers(
            config=gobgp_pb2.TimersConfig(
                connect_retry=_CONNECT_RETRY_S,
                hold_time=config.hold_time_s,
                keepalive_interval=max(1, config.hold_time_s // _KEEPALIVES_PER_HOLD_TIME),
                idle_hold_time_after_reset=_IDLE_AFTER_RESET_S,
            )
        ),
        transport=gobgp_pb2.Transport(local_address=str(_local_address(config, address))),
        graceful_restart=gobgp_pb2.GracefulRestart(
            enabled=True,
            restart_time=config.graceful_restart_time_s,
            notification_enabled=True,
            longlived_enabled=config.long_lived_stale_time_s > 0,
            deferral_time=config.deferral_time_s,
            local_restarting=is_restart,
        ),
        afi_safis=[_encode_family(config, family) for family in _families_with(config, address)],
    )
    if address in config.gateway_neighbors:
        _watch_closely(peer, is_only_gateway=address not in config.neighbors)
    if config.ttl_security_hops:
        peer.ttl_security.enabled = True
        peer.ttl_security.ttl_min = 256 - config.ttl_security_hops
    return peer


def _watch_closely(peer: gobgp_pb2.Peer, *, is_only_gateway: bool) -> None:
    """Have a neighbor missed at once by BFD; with one that is told no routes nothing is kept."""
    # Where both open the session, each time one of the two has to go, and both start anew.
    peer.transport.passive_mode = IPv4Address(peer.transport.local_address) > IPv4Address(
        peer.conf.neighbor_address
    )
    peer.bfd.enabled = True
    peer.bfd.desired_minimum_tx_interval = _BFD_INTERVAL_US
    peer.bfd.required_minimum_receive = _BFD_INTERVAL_US
    peer.bfd.detection_multiplier = _BFD_MULTIPLIER
    if is_only_gateway:
        peer.graceful_restart.Clear()
        del peer.afi_safis[:]
        # A session has to be for something (RFC 4760); here nobody ever has such a route.
        config = gobgp_pb2.AfiSafiConfig(family=IPV6_UNICAST, enabled=True)
        peer.afi_safis.append(gobgp_pb2.AfiSafi(config=config))


def has_same_settings(known: gobgp_pb2.Peer, wanted: gobgp_pb2.Peer) -> bool:
    """Whether a neighbor the daemon has needs no change, which would reset its session."""
    return _settings(known) == _settings(wanted)


def decode_families(neighbor: gobgp_pb2.PeerState) -> frozenset[SpokenFamily]:
    """Read which of our families a neighbor has said it speaks, too (RFC 4760 §8)."""
    offered = _offered(neighbor)
    ours: dict[SpokenFamily, common_pb2.Family] = {Labelled.IPV4: LABELLED_IPV4}
    ours.update(FAMILIES.items())
    return frozenset(one for one, family in ours.items() if family in offered)


def asks_for_memberships(neighbor: gobgp_pb2.PeerState) -> bool:
    """Whether a neighbor has said that it sends only what it is asked for (RFC 4684 §6)."""
    return MEMBERSHIPS in _offered(neighbor)


def _offered(neighbor: gobgp_pb2.PeerState) -> list[common_pb2.Family]:
    return [
        capability.multi_protocol.family
        for capability in neighbor.remote_cap
        if capability.WhichOneof("cap") == "multi_protocol"
    ]


def _families_with(config: BgpConfig, neighbor: IPv4Address) -> list[common_pb2.Family]:
    if neighbor in config.labelled_neighbors:
        return [LABELLED_IPV4]
    return [*FAMILIES.values(), *([MEMBERSHIPS] if config.constrains_routes else [])]


def _local_address(config: BgpConfig, neighbor: IPv4Address) -> IPv4Address:
    return config.core_address if neighbor in config.labelled_neighbors else config.router_id


def _encode_family(config: BgpConfig, family: common_pb2.Family) -> gobgp_pb2.AfiSafi:
    encoded = gobgp_pb2.AfiSafi(config=gobgp_pb2.AfiSafiConfig(family=family, enabled=True))
    encoded.mp_graceful_restart.config.enabled = True
    if config.long_lived_stale_time_s:
        encoded.long_lived_graceful_restart.config.enabled = True
        encoded.long_lived_graceful_restart.config.restart_time = config.long_lived_stale_time_s
    if family == MEMBERSHIPS:
        # Routes, and the end-of-RIB after them, wait for the neighbor to have said what it wants.
        encoded.route_target_membership.config.deferral_time = config.deferral_time_s
    return encoded


def _settings(peer: gobgp_pb2.Peer) -> tuple[object, ...]:
    long_lived = {
        (one.config.family.afi, one.config.family.safi): (
            one.long_lived_graceful_restart.config.restart_time
        )
        for one in peer.afi_safis
    }
    return (
        peer.conf.peer_asn,
        peer.conf.auth_password,
        peer.timers.config.hold_time,
        peer.transport.local_address,
        peer.graceful_restart.restart_time,
        peer.ttl_security.ttl_min,
        peer.bfd.enabled,
        long_lived,
    )


def _encode_rd(rd: RouteDistinguisher) -> common_pb2.RouteDistinguisher:
    if rd.kind == 1:
        return common_pb2.RouteDistinguisher(
            ip_address=common_pb2.RouteDistinguisherIPAddress(
                admin=str(IPv4Address(rd.administrator)), assigned=rd.number
            )
        )
    if rd.kind == 0:
        return common_pb2.RouteDistinguisher(
            two_octet_asn=common_pb2.RouteDistinguisherTwoOctetASN(
                admin=rd.administrator, assigned=rd.number
            )
        )
    return common_pb2.RouteDistinguisher(
        four_octet_asn=common_pb2.RouteDistinguisherFourOctetASN(
            admin=rd.administrator, assigned=rd.number
        )
    )


def _decode_rd(rd: common_pb2.RouteDistinguisher) -> RouteDistinguisher:
    kind = rd.WhichOneof("rd")
    if kind == "ip_address":
        return RouteDistinguisher(1, int(decode_ipv4(rd.ip_address.admin)), rd.ip_address.assigned)
    if kind == "two_octet_asn":
        return RouteDistinguisher(0, rd.two_octet_asn.admin, rd.two_octet_asn.assigned)
    if kind == "four_octet_asn":
        return RouteDistinguisher(2, rd.four_octet_asn.admin, rd.four_octet_asn.assigned)
    raise InvalidValue("The route distinguisher is of an unknown type.")


def encode_route_target(target: RouteTarget) -> extcom_pb2.ExtendedCommunity:
    """Encode a route target as the extended community it is (RFC 4360 §4)."""
    fields: dict[str, Any] = {
        "is_transitive": True,
        "sub_type": ROUTE_TARGET_SUBTYPE,
        "local_admin": target.number,
    }
    if target.kind == 1:
        address = str(IPv4Address(target.administrator))
        return extcom_pb2.ExtendedCommunity(
            ipv4_address_specific=extcom_pb2.IPv4AddressSpecificExtended(address=address, **fields)
        )
    if target.kind == 0:
        return extcom_pb2.ExtendedCommunity(
            two_octet_as_specific=extcom_pb2.TwoOctetAsSpecificExtended(
                asn=target.administrator, **fields
            )
        )
    return extcom_pb2.ExtendedCommunity(
        four_octet_as_specific=extcom_pb2.FourOctetAsSpecificExtended(
            asn=target.administrator, **fields
        )
    )


def decode_route_targets(attribute: Any) -> Iterator[RouteTarget]:
    """Read the route targets among a path's extended communities; None has none."""
    kinds = {"two_octet_as_specific": 0, "ipv4_address_specific": 1, "four_octet_as_specific": 2}
    for community in attribute.communities if attribute is not None else ():
        name = community.WhichOneof("extcom")
        if name not in kinds:
            continue
        value = getattr(community, name)
        if value.sub_type != ROUTE_TARGET_SUBTYPE or not value.is_transitive:
            continue
        administrator = int(decode_ipv4(value.address)) if kinds[name] == 1 else value.asn
        yield RouteTarget(kinds[name], administrator, value.local_admin)


def decode_attributes(path: gobgp_pb2.Path) -> dict[str, Any]:
    """Return a path's attributes by the names GoBGP gives them; of two the last."""
    return {
        kind: getattr(attribute, kind)
        for attribute in path.pattrs
        if (kind := attribute.WhichOneof("attr"))
    }


def decode_next_hop(text: str) -> IPv4Address:
    """Read an IPv4 address, or an IPv6 address that stands for one (RFC 4659 §3.2.1.2)."""
    try:
        mapped = IPv6Address(text).ipv4_mapped
    except AddressValueError:
        return decode_ipv4(text)
    if mapped is None:
        raise InvalidValue(f"No tunnel can lead to the IPv6 address {text}.")
    return mapped


def decode_ipv4(text: str) -> IPv4Address:
    """Read an IPv4 address.

    Raises:
        InvalidValue: it is none.
    """
    try:
        return IPv4Address(text)
    except AddressValueError:
        raise InvalidValue(f"'{text}' is not an IPv4 address.") from None
