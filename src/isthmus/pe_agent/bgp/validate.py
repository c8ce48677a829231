# SPDX-License-Identifier: Apache-2.0
"""Refuse what must never reach a BGP daemon.

GoBGP 4.8 checks little of what it is told: some malformed input makes it panic (every session of
the PE drops), some makes a neighbor reset the session, some is sent as something else. So all of
it is refused here, before it is sent. A family that has no row in `FAMILIES` is refused whole.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Any

from isthmus.model.errors import InvalidValue
from isthmus.model.ids import Label, NullLabel, RouteDistinguisher, RouteTarget
from isthmus.model.ip import IpPrefix
from isthmus.model.route import VpnRoute
from isthmus.pe_agent.bgp.gobgp_api import common_pb2, gobgp_pb2, nlri_pb2

ROUTE_TARGET_SUBTYPE = 2
_HOST_BITS = 32


@dataclass(frozen=True, slots=True)
class FamilyRule:
    """What a path of one address family must be made of.

    Attributes:
        nlri: the only kind of NLRI the family may carry.
        check_nlri: raises InvalidValue unless the NLRI is whole and in range.
        check_next_hop: the same for the next hop as text.
        has_targets: its routes carry route targets, and nothing else among their extended
            communities; those of others carry none.
    """

    nlri: str
    check_nlri: Callable[[Any], None]
    check_next_hop: Callable[[str], None]
    has_targets: bool = True


def check_routes(routes: Collection[VpnRoute]) -> None:
    """Check values that types alone don't keep out of a route.

    Raises:
        InvalidValue: a field is of the wrong kind or names no PE.
    """
    for route in routes:
        _require(isinstance(route, VpnRoute), f"{route} is not a VPN route")
        _require(
            isinstance(route.prefix, IPv4Network | IPv6Network),
            f"{route.prefix} is not an IP prefix",
        )
        check_prefix(route.prefix)
        _require(isinstance(route.label, Label), f"{route.label} is not a checked label")
        _require(
            isinstance(route.rd, RouteDistinguisher), f"{route.rd} is not a route distinguisher"
        )
        for route_target in route.route_targets:
            _require(isinstance(route_target, RouteTarget), f"{route_target} is not a route target")
        _check_ipv4_next_hop(str(route.next_hop))


def check_prefix(prefix: IpPrefix) -> None:
    """Check that a prefix may be routed at all: not on one IPv6 link only, nor to many hosts.

    Raises:
        InvalidValue: it may not (RFC 4291 §2.5.6 and §2.7).
    """
    if isinstance(prefix, IPv6Network):
        _require(prefix.network_address.scope_id is None, f"{prefix} names an interface")
        kind = "link-local" if prefix.is_link_local else "multicast"
        _require(
            not (prefix.is_link_local or prefix.is_multicast),
            f"{prefix} is {kind} and is never routed",
        )


def check_path(path: gobgp_pb2.Path) -> None:
    """Check a path as it will be sent to the daemon.

    Raises:
        InvalidValue: it would crash the daemon, reset a session, or be sent as something else.
    """
    family = (path.family.afi, path.family.safi)
    rule = FAMILIES.get(family)
    _require(rule is not None, f"family {family[0]}/{family[1]} is not one this PE speaks")
    assert rule is not None  # noqa: S101 -- for the type checker
    kind = path.nlri.WhichOneof("nlri")
    _require(kind == rule.nlri, f"a path of family {family[0]}/{family[1]} carries {kind}")
    rule.check_nlri(getattr(path.nlri, rule.nlri))
    _check_attributes(path, rule)


def _check_attributes(path: gobgp_pb2.Path, rule: FamilyRule) -> None:
    attributes: dict[str | None, Any] = {}
    for attribute in path.pattrs:
        kind = attribute.WhichOneof("attr")
        _require(kind is not None, "an attribute is empty")
        _require(kind not in attributes, f"attribute {kind} is there twice")
        attributes[kind] = getattr(attribute, kind)
    for kind in ("origin", "local_pref", "mp_reach"):
        _require(kind in attributes, f"attribute {kind} is missing")
    reach = attributes["mp_reach"]
    _require(reach.family == path.family, "MP_REACH_NLRI is of another family than the path")
    _require(list(reach.nlris) == [path.nlri], "MP_REACH_NLRI carries another prefix than the path")
    _require(len(reach.next_hops) == 1, "there is not exactly one next hop")
    rule.check_next_hop(reach.next_hops[0])
    is_there = "extended_communities" in attributes
    if not rule.has_targets:
        _require(not is_there, "a route that has no targets carries extended communities")
        return
    _require(is_there, "attribute extended_communities is missing")
    communities = attributes["extended_communities"].communities
    _require(len(communities) > 0, "the list of extended communities is empty")
    for community in communities:
        check = EXTENDED_COMMUNITIES.get(community.WhichOneof("extcom"))
        _require(check is not None, "an extended community is empty or of an unknown kind")
        assert check is not None  # noqa: S101 -- for the type checker
        check(getattr(community, community.WhichOneof("extcom")))


def _check_vpn_ipv4_nlri(nlri: nlri_pb2.LabeledVPNIPAddressPrefix) -> None:
    _check_vpn_nlri(nlri, IPv4Network, "an IPv4")


def _check_vpn_ipv6_nlri(nlri: nlri_pb2.LabeledVPNIPAddressPrefix) -> None:
    _check_vpn_nlri(nlri, IPv6Network, "an IPv6")


def _check_vpn_nlri(
    nlri: nlri_pb2.LabeledVPNIPAddressPrefix, network: Callable[[str], IpPrefix], a_kind: str
) -> None:
    _require(len(nlri.labels) == 1, "there is not exactly one VPN label")
    Label(nlri.labels[0])
    _check_rd(nlri.rd)
    try:
        prefix = network(f"{nlri.prefix}/{nlri.prefix_len}")
    except ValueError as error:
        raise InvalidValue(f"{error}: not {a_kind} prefix without host bits.") from None
    check_prefix(prefix)


def _check_labelled_nlri(nlri: nlri_pb2.LabeledIPAddressPrefix) -> None:
    _require(len(nlri.labels) == 1, "there is not exactly one transport label")
    if nlri.labels[0] not in (NullLabel.EXPLICIT, NullLabel.IMPLICIT):
        Label(nlri.labels[0])
    _require(nlri.prefix_len == _HOST_BITS, "a labelled route is not to one address")
    _check_ipv4_next_hop(nlri.prefix)


def _check_membership_nlri(nlri: nlri_pb2.RouteTargetMembershipNLRI) -> None:
    _require(0 < nlri.asn < 2**32, f"AS {nlri.asn} does not fit in 32 bits or is none")
    check = EXTENDED_COMMUNITIES.get(nlri.rt.WhichOneof("rt"))
    _require(check is not None, "a membership names no route target")
    assert check is not None  # noqa: S101 -- for the type checker
    check(getattr(nlri.rt, nlri.rt.WhichOneof("rt")))


def _check_rd(rd: common_pb2.RouteDistinguisher) -> None:
    kind = rd.WhichOneof("rd")
    _require(kind is not None, "the route distinguisher is empty")
    if kind == "two_octet_asn":
        RouteDistinguisher(0, rd.two_octet_asn.admin, rd.two_octet_asn.assigned)
    elif kind == "four_octet_asn":
        RouteDistinguisher(2, rd.four_octet_asn.admin, rd.four_octet_asn.assigned)
    else:
        admin = int(_ipv4(rd.ip_address.admin))
        RouteDistinguisher(1, admin, rd.ip_address.assigned)


def _check_two_octet(community: Any) -> None:
    _check_route_target(0, community.asn, community)


def _check_four_octet(community: Any) -> None:
    _check_route_target(2, community.asn, community)


def _check_ipv4(community: Any) -> None:
    _check_route_target(1, int(_ipv4(community.address)), community)


def _check_route_target(kind: int, administrator: int, community: Any) -> None:
    _require(community.is_transitive, "a route target is not transitive")
    _require(
        community.sub_type == ROUTE_TARGET_SUBTYPE,
        f"an extended community of sub-type {community.sub_type} is no route target",
    )
    RouteTarget(kind, administrator, community.local_admin)


def _check_ipv4_next_hop(text: str) -> None:
    address = _ipv4(text)
    _require(
        not (address.is_multicast or address.is_unspecified or address.is_loopback),
        f"{address} can't be a next hop",
    )


def _check_mapped_next_hop(text: str) -> None:
    try:
        address = IPv6Address(text)
    except AddressValueError:
        raise InvalidValue(f"'{text}' is not an IPv6 address.") from None
    _require(address.ipv4_mapped is not None, f"{text} does not stand for an IPv4 address")
    _check_ipv4_next_hop(str(address.ipv4_mapped))


def _ipv4(text: str) -> IPv4Address:
    try:
        return IPv4Address(text)
    except AddressValueError:
        raise InvalidValue(f"'{text}' is not an IPv4 address.") from None


def _require(is_so: bool, complaint: str) -> None:  # noqa: FBT001 -- an assertion with words
    if not is_so:
        raise InvalidValue(f"{complaint[0].upper()}{complaint[1:]}.")


FAMILIES: Mapping[tuple[int, int], FamilyRule] = {
    (1, 128): FamilyRule("labeled_vpn_ip_prefix", _check_vpn_ipv4_nlri, _check_ipv4_next_hop),
    (2, 128): FamilyRule("labeled_vpn_ip_prefix", _check_vpn_ipv6_nlri, _check_mapped_next_hop),
    (1, 4): FamilyRule(
        "labeled_prefix", _check_labelled_nlri, _check_ipv4_next_hop, has_targets=False
    ),
    (1, 132): FamilyRule(
        "route_target_membership", _check_membership_nlri, _check_ipv4_next_hop, has_targets=False
    ),
}
"""(AFI, SAFI) → its rule. A new family is one row here and its rows in the unit test's table."""

EXTENDED_COMMUNITIES: Mapping[str | None, Callable[[Any], None]] = {
    "two_octet_as_specific": _check_two_octet,
    "four_octet_as_specific": _check_four_octet,
    "ipv4_address_specific": _check_ipv4,
}
"""Kind of extended community → its check."""
