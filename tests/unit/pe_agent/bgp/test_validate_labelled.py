# SPDX-License-Identifier: Apache-2.0
"""The rows of labelled unicast and of memberships: what is wrong with them never reaches gobgpd."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import IPv4Address

import pytest

from isthmus.config.bgp import BgpConfig
from isthmus.model.errors import InvalidValue
from isthmus.model.ids import RouteTarget
from isthmus.pe_agent.bgp.gobgp_api import gobgp_pb2
from isthmus.pe_agent.bgp.labelled import encode_own
from isthmus.pe_agent.bgp.mapping import VPN_IPV4, encode_route
from isthmus.pe_agent.bgp.memberships import encode_membership
from isthmus.pe_agent.bgp.validate import check_path
from tests.contract.bgp_speaker_contract import PE, RED, THEIRS

CONFIG = BgpConfig(64500, PE, (IPv4Address("192.0.2.101"),))
Spoil = Callable[[gobgp_pb2.Path], None]


def _agree(path: gobgp_pb2.Path) -> None:
    path.pattrs[2].mp_reach.nlris[0].CopyFrom(path.nlri)


def _labels(*labels: int) -> Spoil:
    def spoil(path: gobgp_pb2.Path) -> None:
        path.nlri.labeled_prefix.labels[:] = labels
        _agree(path)

    return spoil


def _prefix(prefix: str, length: int = 32) -> Spoil:
    def spoil(path: gobgp_pb2.Path) -> None:
        nlri = path.nlri.labeled_prefix
        nlri.prefix, nlri.prefix_len = prefix, length
        _agree(path)

    return spoil


def _next_hop(address: str) -> Spoil:
    def spoil(path: gobgp_pb2.Path) -> None:
        path.pattrs[2].mp_reach.next_hops[:] = [address]

    return spoil


def _other_nlri_within(path: gobgp_pb2.Path) -> None:
    path.nlri.labeled_prefix.labels[:] = [1016]


def _with_targets(path: gobgp_pb2.Path) -> None:
    path.pattrs.append(encode_route(THEIRS).pattrs[3])


def _with_an_empty_list(path: gobgp_pb2.Path) -> None:
    path.pattrs.add().extended_communities.SetInParent()


def _of_the_vpn_family(path: gobgp_pb2.Path) -> None:
    path.family.CopyFrom(VPN_IPV4)
    path.pattrs[2].mp_reach.family.CopyFrom(VPN_IPV4)


@pytest.mark.parametrize(
    "spoil",
    [
        _labels(),
        _labels(1016, 1017),
        _labels(1),
        _labels(15),
        _labels(2**20),
        _prefix("192.0.2.0", 24),
        _prefix("192.0.2.11", 33),
        _prefix("2001:db8::1"),
        _prefix(""),
        _prefix("0.0.0.0"),
        _next_hop("::ffff:192.0.2.11"),
        _next_hop("224.0.0.1"),
        _next_hop(""),
        _other_nlri_within,
        _with_targets,
        _with_an_empty_list,
        _of_the_vpn_family,
    ],
)
def test_a_bad_label_is_never_told(spoil: Spoil) -> None:
    """It would be sent as another one, or reset the session."""
    path = encode_own(CONFIG)
    check_path(path)
    spoil(path)
    with pytest.raises(InvalidValue):
        check_path(path)


@pytest.mark.parametrize("label", [0, 3, 16, 2**20 - 1])
def test_null_labels_may_be_told(label: int) -> None:
    """Explicit and implicit null (RFC 3032 §2.1)."""
    path = encode_own(CONFIG)
    _labels(label)(path)
    check_path(path)


def _no_target(path: gobgp_pb2.Path) -> None:
    path.nlri.route_target_membership.ClearField("rt")
    _agree(path)


def _no_as_number(path: gobgp_pb2.Path) -> None:
    path.nlri.route_target_membership.asn = 0
    _agree(path)


def _another_subtype(path: gobgp_pb2.Path) -> None:
    path.nlri.route_target_membership.rt.two_octet_as_specific.sub_type = 3
    _agree(path)


def _a_bad_address(path: gobgp_pb2.Path) -> None:
    target = path.nlri.route_target_membership.rt.ipv4_address_specific
    target.address, target.sub_type, target.is_transitive = "nowhere", 2, True
    _agree(path)


def _wide_as_number(path: gobgp_pb2.Path) -> None:
    path.nlri.route_target_membership.rt.two_octet_as_specific.asn = 2**16
    _agree(path)


@pytest.mark.parametrize(
    "spoil",
    [
        _no_target,
        _no_as_number,
        _another_subtype,
        _a_bad_address,
        _wide_as_number,
        _next_hop(""),
        _with_targets,
    ],
)
def test_a_bad_membership_is_never_told(spoil: Spoil) -> None:
    """It would ask for something else, or for everything."""
    path = encode_membership(CONFIG, RED)
    check_path(path)
    spoil(path)
    with pytest.raises(InvalidValue):
        check_path(path)


def test_route_targets_of_every_kind_may_be_asked_for() -> None:
    """RFC 4684 §4."""
    for text in ("64500:1", "4200000000:1", "192.0.2.1:1"):
        check_path(encode_membership(CONFIG, RouteTarget.parse(text)))
