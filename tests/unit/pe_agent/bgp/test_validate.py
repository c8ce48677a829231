# SPDX-License-Identifier: Apache-2.0
"""Everything known to crash gobgpd, to reset a session or to be sent as something else is refused.

Each row makes one thing wrong with a path that is right. A family gets its own rows here together
with its row in `validate.FAMILIES`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network, IPv6Network, ip_network
from typing import Any, cast

import pytest

from isthmus.model.errors import InvalidValue
from isthmus.model.ids import Label, RouteDistinguisher, RouteTarget
from isthmus.model.route import VpnRoute
from isthmus.pe_agent.bgp.gobgp_api import (
    attribute_pb2,
    common_pb2,
    extcom_pb2,
    gobgp_pb2,
    nlri_pb2,
)
from isthmus.pe_agent.bgp.mapping import encode_route
from isthmus.pe_agent.bgp.validate import check_path, check_routes

ROUTE = VpnRoute(
    rd=RouteDistinguisher.parse("192.0.2.11:7"),
    prefix=IPv4Network("10.1.0.5/32"),
    next_hop=IPv4Address("192.0.2.11"),
    label=Label(1000),
    route_targets=frozenset([RouteTarget.parse("64500:100")]),
)
EVPN = common_pb2.Family(afi=common_pb2.Family.AFI_L2VPN, safi=common_pb2.Family.SAFI_EVPN)
MAC_IP = nlri_pb2.NLRI(evpn_macadv=nlri_pb2.EVPNMACIPAdvertisementRoute())
Path = gobgp_pb2.Path
TWO_OCTET_RD = common_pb2.RouteDistinguisherTwoOctetASN
FOUR_OCTET_RD = common_pb2.RouteDistinguisherFourOctetASN
IPV4_RD = common_pb2.RouteDistinguisherIPAddress


def _set_nlri(path: Path, nlri: nlri_pb2.NLRI) -> None:
    path.nlri.CopyFrom(nlri)
    _attribute(path, "mp_reach").nlris[0].CopyFrom(nlri)


def _set_family(path: Path, family: common_pb2.Family) -> None:
    path.family.CopyFrom(family)
    _attribute(path, "mp_reach").family.CopyFrom(family)


def _vpn(**changes: Any) -> Callable[[Path], None]:
    def spoil(path: Path) -> None:
        nlri = nlri_pb2.NLRI()
        nlri.CopyFrom(path.nlri)
        for name, value in changes.items():
            if isinstance(value, list):
                del nlri.labeled_vpn_ip_prefix.labels[:]
                nlri.labeled_vpn_ip_prefix.labels.extend(value)
            elif isinstance(value, common_pb2.RouteDistinguisher):
                nlri.labeled_vpn_ip_prefix.rd.CopyFrom(value)
            else:
                setattr(nlri.labeled_vpn_ip_prefix, name, value)
        _set_nlri(path, nlri)

    return spoil


def _family(afi: int, safi: int) -> Callable[[Path], None]:
    family = common_pb2.Family(afi=cast(Any, afi), safi=cast(Any, safi))
    return lambda path: _set_family(path, family)


def _rd(**kind: Any) -> Callable[[Path], None]:
    return _vpn(rd=common_pb2.RouteDistinguisher(**kind))


def _attribute(path: Path, kind: str) -> Any:
    return next(getattr(one, kind) for one in path.pattrs if one.WhichOneof("attr") == kind)


def _without(kind: str) -> Callable[[Path], None]:
    def spoil(path: Path) -> None:
        kept = [one for one in path.pattrs if one.WhichOneof("attr") != kind]
        del path.pattrs[:]
        path.pattrs.extend(kept)

    return spoil


def _next_hops(*next_hops: str) -> Callable[[Path], None]:
    def spoil(path: Path) -> None:
        _attribute(path, "mp_reach").next_hops[:] = next_hops

    return spoil


def _communities(*communities: extcom_pb2.ExtendedCommunity) -> Callable[[Path], None]:
    def spoil(path: Path) -> None:
        attribute = _attribute(path, "extended_communities")
        del attribute.communities[:]
        attribute.communities.extend(communities)

    return spoil


def _route_target(**fields: Any) -> Callable[[Path], None]:
    wanted = {"is_transitive": True, "sub_type": 2, "asn": 64500, "local_admin": 1, **fields}
    return _communities(
        extcom_pb2.ExtendedCommunity(
            two_octet_as_specific=extcom_pb2.TwoOctetAsSpecificExtended(**wanted)
        )
    )


def _evpn(path: Path) -> None:
    _set_family(path, EVPN)
    _set_nlri(path, MAC_IP)


MALFORMED: dict[str, Callable[[Path], None]] = {
    # What makes gobgpd 4.8 panic.
    "EVPN family with a VPN prefix": lambda path: _set_family(path, EVPN),
    "EVPN MAC/IP advertisement without ESI": _evpn,
    "ES-import route target with a bad MAC": _communities(
        extcom_pb2.ExtendedCommunity(es_import=extcom_pb2.ESImportRouteTarget(es_import="zz"))
    ),
    "router MAC with a bad MAC": _communities(
        extcom_pb2.ExtendedCommunity(router_mac=extcom_pb2.RouterMacExtended(mac="zz"))
    ),
    # What makes a neighbor reset the session.
    "IPv6 prefix": _vpn(prefix="2001:db8::", prefix_len=64),
    "empty list of extended communities": _communities(),
    # What gobgpd sends as something else, or nowhere.
    "label of 21 bits": _vpn(labels=[2**20]),
    "label of 32 bits": _vpn(labels=[2**32 - 1]),
    "implicit null label": _vpn(labels=[3]),
    "explicit null label": _vpn(labels=[0]),
    "no label": _vpn(labels=[]),
    "two labels": _vpn(labels=[1000, 1001]),
    "host bits": _vpn(prefix="10.1.0.5", prefix_len=24),
    "prefix length of 40": _vpn(prefix_len=40),
    "prefix of five octets": _vpn(prefix="10.1.0.0.9"),
    "no prefix": _vpn(prefix=""),
    "no route distinguisher": _rd(),
    "2-octet RD of AS 70000": _rd(two_octet_asn=TWO_OCTET_RD(admin=70000, assigned=1)),
    "4-octet RD with a number of 17 bits": _rd(
        four_octet_asn=FOUR_OCTET_RD(admin=70000, assigned=2**16)
    ),
    "IPv4 RD with a number of 17 bits": _rd(ip_address=IPV4_RD(admin="192.0.2.1", assigned=2**16)),
    "IPv4 RD without an address": _rd(ip_address=IPV4_RD(admin="pe", assigned=1)),
    "IPv4 VPN prefix in the VPN-IPv6 family": _family(2, 128),
    "VPN prefix in the IPv4 unicast family": _family(1, 1),
    "unknown family": _family(3, 200),
    "no NLRI": lambda path: _set_nlri(path, nlri_pb2.NLRI()),
    "EVPN NLRI in the VPN family": lambda path: _set_nlri(path, MAC_IP),
    "another NLRI in MP_REACH_NLRI": lambda path: (
        _attribute(path, "mp_reach").nlris[0].CopyFrom(MAC_IP)
    ),
    "another family in MP_REACH_NLRI": lambda path: _attribute(path, "mp_reach").family.CopyFrom(
        EVPN
    ),
    # What it refuses itself, and would take the rest of its message with it.
    "empty attribute": lambda path: path.pattrs.append(attribute_pb2.Attribute()),
    "attribute that is there twice": lambda path: path.pattrs.append(path.pattrs[0]),
    "no origin": _without("origin"),
    "no next hop attribute": _without("mp_reach"),
    "no next hop": _next_hops(),
    "two next hops": _next_hops("192.0.2.1", "192.0.2.2"),
    "next hop that is no address": _next_hops("zzz"),
    "IPv6 next hop": _next_hops("2001:db8::1"),
    "unspecified next hop": _next_hops("0.0.0.0"),
    "multicast next hop": _next_hops("224.0.0.1"),
    "empty extended community": _communities(extcom_pb2.ExtendedCommunity()),
    # What neighbors would import nowhere, or elsewhere than meant.
    "no extended communities": _without("extended_communities"),
    "route target of AS 70000 in two octets": _route_target(asn=70000),
    "route target that is not transitive": _route_target(is_transitive=False),
    "route origin instead of route target": _route_target(sub_type=3),
}


@pytest.mark.parametrize("name", MALFORMED)
def test_a_malformed_path_is_refused(name: str) -> None:
    """GoBGP 4.8.0 checks little; a crash of the daemon drops every session of the PE."""
    path = encode_route(ROUTE)
    MALFORMED[name](path)

    with pytest.raises(InvalidValue):
        check_path(path)


MALFORMED_IPV6: dict[str, Callable[[Path], None]] = {
    # What makes a neighbor reset the session, or gobgpd send something else.
    "IPv4 prefix in the VPN-IPv6 family": _vpn(prefix="10.1.0.5", prefix_len=32),
    "IPv4-length prefix": _vpn(prefix="2001:db8::", prefix_len=129),
    "host bits in IPv6": _vpn(prefix="2001:db8::5", prefix_len=64),
    "IPv6 prefix bound to an interface": _vpn(prefix="2001:db8::5%eth0", prefix_len=128),
    "VPN-IPv6 prefix in the VPN-IPv4 family": _family(1, 128),
    "no IPv6 label": _vpn(labels=[]),
    "IPv6 label of 21 bits": _vpn(labels=[2**20]),
    # What no neighbor could follow.
    "link-local prefix": _vpn(prefix="fe80::5", prefix_len=128),
    "multicast prefix": _vpn(prefix="ff02::1", prefix_len=128),
    "next hop that is not written as IPv6": _next_hops("192.0.2.11"),
    "next hop that is truly IPv6": _next_hops("2001:db8::11"),
    "next hop and its link-local companion": _next_hops("::ffff:192.0.2.11", "fe80::1"),
    "unspecified mapped next hop": _next_hops("::ffff:0.0.0.0"),
    "multicast mapped next hop": _next_hops("::ffff:224.0.0.1"),
    "next hop that is nothing": _next_hops("zzz"),
}
"""What is wrong in the VPN-IPv6 family; what the table above spoils in both families' common parts
is checked by the same code."""


@pytest.mark.parametrize("name", MALFORMED_IPV6)
def test_a_malformed_ipv6_path_is_refused(name: str) -> None:
    """RFC 4659 §3.2.1."""
    path = encode_route(replace(ROUTE, prefix=IPv6Network("2001:db8::5/128")))
    check_path(path)
    MALFORMED_IPV6[name](path)

    with pytest.raises(InvalidValue):
        check_path(path)


@pytest.mark.parametrize("rd", ["192.0.2.11:7", "64500:7", "4200000000:7", "0:4294967295"])
@pytest.mark.parametrize("target", ["64500:100", "192.0.2.1:5", "4200000000:65535"])
@pytest.mark.parametrize("prefix", ["10.1.0.5/32", "0.0.0.0/0", "2001:db8::5/128", "::/0"])
def test_what_the_model_can_say_may_be_sent(rd: str, target: str, prefix: str) -> None:
    """All three types of route distinguisher and route target, any length of prefix."""
    route = replace(
        ROUTE,
        rd=RouteDistinguisher.parse(rd),
        route_targets=frozenset([RouteTarget.parse(target)]),
        prefix=ip_network(prefix),
    )

    check_routes([route])
    check_path(encode_route(route))


@pytest.mark.parametrize(
    "change",
    [
        {"prefix": "10.1.0.5/32"},
        {"prefix": IPv6Network("fe80::/64")},
        {"prefix": IPv6Network("ff02::1/128")},
        {"next_hop": IPv4Address("0.0.0.0")},
        {"next_hop": IPv4Address("127.0.0.1")},
        {"next_hop": IPv4Address("224.0.0.1")},
        {"label": 1000},
        {"rd": "64500:1"},
        {"route_targets": frozenset(["64500:1"])},
    ],
    ids=str,
)
def test_a_route_that_types_did_not_keep_right_is_refused(change: dict[str, Any]) -> None:
    """Types are not checked when the program runs."""
    with pytest.raises(InvalidValue):
        check_routes([replace(ROUTE, **change)])
