# SPDX-License-Identifier: Apache-2.0
"""Routes survive the way through GoBGP's messages; anything else a neighbor sends does not."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network, IPv6Network
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isthmus.config.bgp import BgpConfig
from isthmus.model.errors import InvalidValue
from isthmus.model.ids import Label, RouteDistinguisher, RouteTarget
from isthmus.model.ip import AddressFamily
from isthmus.model.route import VpnRoute
from isthmus.pe_agent.bgp import mapping
from isthmus.pe_agent.bgp.gobgp_api import (
    capability_pb2,
    common_pb2,
    extcom_pb2,
    gobgp_pb2,
    nlri_pb2,
)
from isthmus.pe_agent.bgp.validate import check_path

CONFIG = BgpConfig(64500, IPv4Address("192.0.2.11"), (IPv4Address("192.0.2.101"),))
REFLECTOR = IPv4Address("192.0.2.101")


def _administrators(kind: type[Any]) -> st.SearchStrategy[Any]:
    return st.one_of(
        st.builds(kind, st.just(0), st.integers(0, 2**16 - 1), st.integers(0, 2**32 - 1)),
        st.builds(kind, st.just(1), st.integers(0, 2**32 - 1), st.integers(0, 2**16 - 1)),
        st.builds(kind, st.just(2), st.integers(0, 2**32 - 1), st.integers(0, 2**16 - 1)),
    )


ROUTES = st.builds(
    VpnRoute,
    rd=_administrators(RouteDistinguisher),
    prefix=st.one_of(
        st.builds(
            lambda address, length: IPv4Network((address, length), strict=False),
            st.integers(0, 2**32 - 1),
            st.integers(0, 32),
        ),
        st.builds(
            lambda address, length: IPv6Network((address, length), strict=False),
            st.integers(0, 2**127 - 1),
            st.integers(0, 128),
        ),
    ),
    next_hop=st.integers(0x01000000, 0x7E000000).map(IPv4Address),
    label=st.integers(16, 2**20 - 1).map(Label),
    route_targets=st.frozensets(_administrators(RouteTarget), min_size=1, max_size=30),
    local_pref=st.integers(0, 2**32 - 1),
)
ROUTE = VpnRoute(
    RouteDistinguisher.parse("192.0.2.12:1"),
    IPv4Network("10.2.0.5/32"),
    IPv4Address("192.0.2.12"),
    Label(2000),
    frozenset([RouteTarget.parse("64500:100")]),
)


IPV6_ROUTE = replace(ROUTE, prefix=IPv6Network("2001:db8:2::5/128"))


@given(ROUTES)
def test_a_route_is_read_as_it_was_written(route: VpnRoute) -> None:
    """Encode, check, decode: nothing is lost."""
    path = mapping.encode_route(route)
    check_path(path)

    assert mapping.decode_route(path) == route
    assert mapping.decode_key(mapping.encode_withdrawal(route)) == mapping.key_of(route)


def test_other_communities_beside_the_route_targets_do_not_matter() -> None:
    """Neighbors add what they like: route origins, encapsulations, unknown ones."""
    path = mapping.encode_route(ROUTE)
    communities = path.pattrs[3].extended_communities.communities
    communities.append(
        extcom_pb2.ExtendedCommunity(
            two_octet_as_specific=extcom_pb2.TwoOctetAsSpecificExtended(
                is_transitive=True, sub_type=3, asn=64500, local_admin=9
            )
        )
    )
    communities.append(extcom_pb2.ExtendedCommunity(encap=extcom_pb2.EncapExtended(tunnel_type=10)))

    assert mapping.decode_route(path) == ROUTE


def test_local_preference_is_the_default_where_none_is_sent() -> None:
    """A neighbor of another AS sends none (RFC 4271 §5.1.5)."""
    path = mapping.encode_route(ROUTE)
    del path.pattrs[1]

    assert mapping.decode_route(path).local_pref == 100


def _label(*labels: int) -> Callable[[gobgp_pb2.Path], None]:
    def spoil(path: gobgp_pb2.Path) -> None:
        path.nlri.labeled_vpn_ip_prefix.labels[:] = labels

    return spoil


def _next_hop(*next_hops: str) -> Callable[[gobgp_pb2.Path], None]:
    def spoil(path: gobgp_pb2.Path) -> None:
        path.pattrs[2].mp_reach.next_hops[:] = next_hops

    return spoil


def _prefix(text: str, length: int) -> Callable[[gobgp_pb2.Path], None]:
    def spoil(path: gobgp_pb2.Path) -> None:
        path.nlri.labeled_vpn_ip_prefix.prefix = text
        path.nlri.labeled_vpn_ip_prefix.prefix_len = length

    return spoil


def _vpn_ipv6(path: gobgp_pb2.Path) -> None:
    path.family.afi = common_pb2.Family.AFI_IP6


JUNK: dict[str, Callable[[gobgp_pb2.Path], None]] = {
    "label 0": _label(0),
    "implicit null": _label(3),
    "label of 24 bits": _label(2**24 - 1),
    "no label": _label(),
    "two labels": _label(2000, 2001),
    "IPv6 next hop": _next_hop("2001:db8::1"),
    "no next hop": _next_hop(),
    "IPv6 prefix": _prefix("2001:db8::", 64),
    "host bits": _prefix("10.2.0.5", 24),
    "no prefix": _prefix("", 0),
    "VPN-IPv6 with an IPv4 prefix": _vpn_ipv6,
    "no route target": lambda path: path.pattrs[3].Clear(),
    "no attributes": lambda path: path.pattrs.clear(),
    "no NLRI": lambda path: path.nlri.Clear(),
    "no route distinguisher": lambda path: path.nlri.labeled_vpn_ip_prefix.rd.Clear(),
    "EVPN": lambda path: path.nlri.CopyFrom(
        nlri_pb2.NLRI(evpn_macadv=nlri_pb2.EVPNMACIPAdvertisementRoute())
    ),
}


IPV6_JUNK: dict[str, Callable[[gobgp_pb2.Path], None]] = {
    "IPv4 prefix": _prefix("10.2.0.5", 32),
    "host bits": _prefix("2001:db8::5", 64),
    "prefix of 129 bits": _prefix("2001:db8::", 129),
    "prefix bound to an interface": _prefix("2001:db8::5%eth0", 128),
    "link-local prefix": _prefix("fe80::5", 128),
    "multicast prefix": _prefix("ff02::", 16),
    "IPv6 next hop": _next_hop("2001:db8::1"),
    "link-local companion of the next hop": _next_hop("::ffff:192.0.2.12", "fe80::1"),
    "VPN-IPv4": lambda path: setattr(path.family, "afi", common_pb2.Family.AFI_IP),
}


@pytest.mark.parametrize("name", IPV6_JUNK)
def test_ipv6_this_pe_can_not_use_is_refused_with_a_reason(name: str) -> None:
    """Tunnels are IPv4's, and what belongs to one link stays there."""
    path = mapping.encode_route(IPV6_ROUTE)
    assert mapping.decode_route(path) == IPV6_ROUTE
    IPV6_JUNK[name](path)

    with pytest.raises(InvalidValue):
        mapping.decode_route(path)


def test_the_next_hop_of_ipv6_is_an_ipv4_mapped_address() -> None:
    """RFC 4659 §3.2.1.2; gobgpd shows it as plain IPv4 when it comes back."""
    path = mapping.encode_route(IPV6_ROUTE)
    assert list(path.pattrs[2].mp_reach.next_hops) == ["::ffff:192.0.2.12"]
    path.pattrs[2].mp_reach.next_hops[:] = ["192.0.2.12"]
    assert mapping.decode_route(path) == IPV6_ROUTE


def test_the_families_a_neighbor_speaks_are_those_of_its_open() -> None:
    """RFC 4760 §8; others than ours do not matter."""
    unicast = capability_pb2.MultiProtocolCapability(family=mapping.IPV4_UNICAST)
    ipv6 = capability_pb2.MultiProtocolCapability(family=mapping.VPN_IPV6)
    neighbor = gobgp_pb2.PeerState(
        remote_cap=[
            capability_pb2.Capability(multi_protocol=unicast),
            capability_pb2.Capability(route_refresh=capability_pb2.RouteRefreshCapability()),
            capability_pb2.Capability(multi_protocol=ipv6),
        ]
    )
    assert mapping.decode_families(neighbor) == {AddressFamily.IPV6}


@pytest.mark.parametrize("name", JUNK)
def test_what_this_pe_can_not_use_is_refused_with_a_reason(name: str) -> None:
    """Never another exception: what neighbors send is not ours to trust."""
    path = mapping.encode_route(ROUTE)
    JUNK[name](path)

    with pytest.raises(InvalidValue) as caught:
        mapping.decode_route(path)
    assert caught.value.for_operator


@given(st.binary(max_size=200))
def test_arbitrary_octets_are_refused_or_read(octets: bytes) -> None:
    """Whatever parses as a path is a route or InvalidValue."""
    path = gobgp_pb2.Path()
    try:
        path.ParseFromString(octets)
    except Exception:
        return
    with contextlib.suppress(InvalidValue):
        mapping.decode_route(path)


def test_a_neighbor_asks_for_graceful_restart_of_every_family() -> None:
    """RFC 4724 §3 and RFC 9494: announced per family, with both times."""
    peer = mapping.encode_neighbor(CONFIG, REFLECTOR)

    assert peer.graceful_restart.enabled
    assert peer.graceful_restart.restart_time == 120
    assert not peer.graceful_restart.local_restarting
    assert [one.config.family for one in peer.afi_safis] == [
        mapping.VPN_IPV4,
        mapping.VPN_IPV6,
        mapping.MEMBERSHIPS,
    ]
    for family in peer.afi_safis:
        assert family.mp_graceful_restart.config.enabled
        assert family.long_lived_graceful_restart.config.restart_time == 3600


def test_a_restarted_speaker_waits_for_others_only_briefly() -> None:
    """GoBGP would wait for 360 s while one of two reflectors is down, and send nothing."""
    peer = mapping.encode_neighbor(CONFIG, REFLECTOR, is_restart=True)

    assert peer.graceful_restart.local_restarting
    assert 0 < peer.graceful_restart.deferral_time <= 10


def test_ttl_security_counts_hops() -> None:
    """RFC 5082 §3: a packet from one hop away arrives with TTL 255."""
    config = BgpConfig(64500, CONFIG.router_id, CONFIG.neighbors, ttl_security_hops=1)

    assert mapping.encode_neighbor(config, REFLECTOR).ttl_security.ttl_min == 255
    assert not mapping.encode_neighbor(CONFIG, REFLECTOR).ttl_security.enabled


@pytest.mark.parametrize(
    "change",
    [
        {"hold_time_s": 30},
        {"graceful_restart_time_s": 60},
        {"long_lived_stale_time_s": 60},
        {"password": "secret"},
        {"ttl_security_hops": 1},
    ],
    ids=str,
)
def test_a_changed_setting_is_noticed(change: dict[str, Any]) -> None:
    """Only then may a session be reset."""
    changed = BgpConfig(64500, CONFIG.router_id, CONFIG.neighbors, **change)
    known = mapping.encode_neighbor(CONFIG, REFLECTOR, is_restart=True)

    assert mapping.has_same_settings(known, mapping.encode_neighbor(CONFIG, REFLECTOR))
    assert not mapping.has_same_settings(known, mapping.encode_neighbor(changed, REFLECTOR))


def test_a_password_is_not_shown() -> None:
    """A configuration may end in a log."""
    config = BgpConfig(64500, CONFIG.router_id, CONFIG.neighbors, password="secret")

    assert "secret" not in repr(config)


@pytest.mark.parametrize(
    "change",
    [
        {"as_number": 0},
        {"hold_time_s": 2},
        {"graceful_restart_time_s": 4096},
        {"long_lived_stale_time_s": 2**24},
        {"listen_port": 0},
        {"neighbors": (REFLECTOR, REFLECTOR)},
        {"neighbors": (CONFIG.router_id,)},
    ],
    ids=str,
)
def test_a_configuration_bgp_has_no_room_for_is_refused(change: dict[str, Any]) -> None:
    """Widths of the OPEN message's fields (RFC 4271 §4.2, RFC 4724 §3, RFC 9494 §3)."""
    values = {"as_number": 64500, "router_id": CONFIG.router_id, "neighbors": (REFLECTOR,)}

    with pytest.raises(InvalidValue):
        BgpConfig(**{**values, **change})
