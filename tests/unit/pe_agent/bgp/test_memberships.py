# SPDX-License-Identifier: Apache-2.0
"""What neighbors are asked for: what is imported, and what GoBGP would otherwise take away."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address

import pytest

from isthmus.config.bgp import BgpConfig
from isthmus.model.errors import InvalidValue
from isthmus.model.ids import RouteTarget
from isthmus.pe_agent.bgp.gobgp_api import gobgp_pb2
from isthmus.pe_agent.bgp.memberships import (
    Memberships,
    decode_membership,
    encode_leaving,
    encode_membership,
)
from isthmus.pe_agent.bgp.validate import check_path
from tests.contract.bgp_speaker_contract import BLUE, PE, RED, THEIRS

CONFIG = BgpConfig(64500, PE, (IPv4Address("192.0.2.101"),))
GREEN = RouteTarget.parse("64500:300")
NONE: set[RouteTarget] = set()


def asked(memberships: Memberships) -> tuple[set[RouteTarget], set[RouteTarget]]:
    """Take the difference as told."""
    change = memberships.difference()
    memberships.is_told()
    return set(change.new), set(change.gone)


@pytest.mark.parametrize("text", ["64500:100", "4200000000:9", "192.0.2.1:5"])
def test_a_membership_is_read_as_it_was_told(text: str) -> None:
    """All three kinds of route target (RFC 4684 §4)."""
    target = RouteTarget.parse(text)
    path = encode_membership(CONFIG, target)
    check_path(path)
    assert decode_membership(path) == target
    assert not path.is_withdraw
    assert encode_leaving(CONFIG, target).is_withdraw


def test_a_membership_for_everything_is_not_one_of_ours() -> None:
    """The default route target (RFC 4684 §4); GoBGP can't take it back."""
    path = encode_membership(CONFIG, RED)
    path.nlri.route_target_membership.ClearField("rt")
    with pytest.raises(InvalidValue, match="no route target"):
        decode_membership(path)


def test_a_community_of_another_kind_is_no_membership() -> None:
    """A route origin, say (RFC 4360 §5)."""
    path = gobgp_pb2.Path()
    community = path.nlri.route_target_membership.rt.two_octet_as_specific
    community.sub_type, community.is_transitive = 3, True
    with pytest.raises(InvalidValue, match="something else"):
        decode_membership(path)


def test_what_is_imported_is_asked_for_and_given_up() -> None:
    """Differences are told."""
    memberships = Memberships()
    memberships.want(frozenset([RED, BLUE]), [], [])
    assert asked(memberships) == ({RED, BLUE}, NONE)
    memberships.want(frozenset([BLUE, GREEN]), [THEIRS], [THEIRS])
    assert asked(memberships) == ({GREEN}, {RED})
    memberships.want(frozenset([BLUE, GREEN]), [THEIRS], [])
    assert asked(memberships) == (NONE, NONE)


def test_a_target_is_kept_while_a_wanted_route_carries_it() -> None:
    """GoBGP would withdraw the route, whatever else it carries."""
    both = replace(THEIRS, route_targets=frozenset([RED, BLUE]))
    memberships = Memberships()
    memberships.want(frozenset([RED, BLUE]), [], [both])
    asked(memberships)
    memberships.want(frozenset([BLUE]), [], [both])
    assert asked(memberships) == (NONE, NONE)
    memberships.want(frozenset([BLUE]), [], [])
    assert asked(memberships) == (NONE, {RED})


def test_a_target_never_asked_for_is_not_kept() -> None:
    """Only what was told can be taken away."""
    memberships = Memberships()
    memberships.want(frozenset([BLUE]), [], [replace(THEIRS, route_targets=frozenset([RED, BLUE]))])
    assert asked(memberships) == ({BLUE}, NONE)


def test_the_targets_of_a_route_with_several_are_asked_for() -> None:
    """So that nobody elsewhere can have the route withdrawn that others still import."""
    several = replace(THEIRS, route_targets=frozenset([RED, GREEN]))
    memberships = Memberships()
    memberships.want(frozenset([BLUE]), [several, THEIRS], [])
    assert asked(memberships) == ({RED, GREEN, BLUE}, NONE)


def test_what_a_former_agent_asked_for_is_known() -> None:
    """And given up unless it is wanted again."""
    memberships = Memberships()
    memberships.is_known(frozenset([RED, BLUE]))
    memberships.want(frozenset([BLUE]), [], [])
    assert asked(memberships) == (NONE, {RED})
