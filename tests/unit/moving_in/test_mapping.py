# SPDX-License-Identifier: Apache-2.0
"""Rows of networking-bgpvpn become the requests that would make them anew."""

from typing import Any

import pytest

from isthmus.model.errors import InvalidValue
from isthmus.moving_in.mapping import association_body, find_shared_targets, split, vpn_body
from isthmus.moving_in.theirs import TheirAssociation, TheirAttributes, TheirRoute, TheirVpn


def vpn(vpn_id: str = "vpn-1", **columns: Any) -> TheirVpn:
    """A row."""
    common = {
        "project_id": "red",
        "name": "red",
        "type": "l3",
        "route_targets": "64500:1",
        "import_targets": "",
        "export_targets": None,
        "route_distinguishers": None,
    }
    return TheirVpn(**{"id": vpn_id, **common, **columns})


def port(*routes: TheirRoute) -> TheirAssociation:
    """A port association with routes."""
    return TheirAssociation("port", "a-1", "red", "vpn-1", "port-1", routes=routes)


def test_lists_are_text_with_commas_between() -> None:
    """Empty text and NULL are both no list."""
    assert split("64500:1,64500:2") == ["64500:1", "64500:2"]
    assert split(" 64500:1 ,") == ["64500:1"]
    assert split("") == split(None) == []


def test_a_vpn_keeps_all_it_had() -> None:
    """Every column has its attribute."""
    theirs = vpn(
        import_targets="64500:2,64500:3",
        export_targets="64500:4",
        route_distinguishers="64500:5",
        vni=1000,
        local_pref=200,
        attributes=TheirAttributes(description="the red one"),
    )
    assert vpn_body(theirs) == {
        "project_id": "red",
        "name": "red",
        "type": "l3",
        "vni": 1000,
        "local_pref": 200,
        "description": "the red one",
        "route_targets": ["64500:1"],
        "import_targets": ["64500:2", "64500:3"],
        "export_targets": ["64500:4"],
        "route_distinguishers": ["64500:5"],
    }


def test_a_name_may_be_missing_a_project_may_not() -> None:
    """Both columns allow NULL there."""
    assert vpn_body(vpn(name=None))["name"] == ""
    with pytest.raises(InvalidValue, match="no project"):
        vpn_body(vpn(project_id=None))


@pytest.mark.parametrize("preference", [-1, 2**32])
def test_a_preference_that_bgp_cannot_carry_is_refused(preference: int) -> None:
    """Their column takes 64 bits."""
    with pytest.raises(InvalidValue, match="local preference"):
        vpn_body(vpn(local_pref=preference))
    with pytest.raises(InvalidValue, match="local preference"):
        association_body(
            port(TheirRoute("prefix", "10.0.0.0/8", None, preference)), frozenset({"vpn-1"})
        )


def test_each_kind_of_association_says_what_it_advertises() -> None:
    """Networks have nothing to say."""
    here = frozenset({"vpn-1"})
    network = TheirAssociation("network", "a-1", "red", "vpn-1", "network-1")
    router = TheirAssociation("router", "a-2", "red", "vpn-1", "router-1", is_advertising=False)
    assert association_body(network, here)["network_id"] == "network-1"
    assert association_body(router, here)["advertise_extra_routes"] is False
    assert association_body(port(), here)["routes"] == []


def test_routes_of_both_types_keep_their_preference() -> None:
    """A prefix, or another VPN."""
    routes = (
        TheirRoute("prefix", "10.0.0.0/8", None, 300),
        TheirRoute("bgpvpn", None, "vpn-2", None),
    )
    assert association_body(port(*routes), frozenset({"vpn-1", "vpn-2"}))["routes"] == [
        {"type": "prefix", "prefix": "10.0.0.0/8", "local_pref": 300},
        {"type": "bgpvpn", "bgpvpn_id": "vpn-2", "local_pref": None},
    ]


def test_a_route_to_a_vpn_that_stays_behind_is_refused() -> None:
    """Half an association would lead nowhere."""
    with pytest.raises(InvalidValue, match="vpn-2, which is not here"):
        association_body(port(TheirRoute("bgpvpn", None, "vpn-2", None)), frozenset({"vpn-1"}))


def test_tenants_that_share_a_route_target_are_pointed_out() -> None:
    """Within a project it is what VPNs are for."""
    found = find_shared_targets(
        [
            vpn("vpn-1", route_targets="64500:1"),
            vpn("vpn-2", import_targets="64500:1", route_targets=""),
            vpn("vpn-3", route_targets="64500:9", project_id="blue"),
        ]
    )
    assert found == {}
    found = find_shared_targets(
        [vpn("vpn-1"), vpn("vpn-3", export_targets="64500:1", project_id="blue")]
    )
    assert found == {"64500:1": ("vpn-1", "vpn-3")}
