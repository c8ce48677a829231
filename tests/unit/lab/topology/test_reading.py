# SPDX-License-Identifier: Apache-2.0
"""The topology file is read whole or refused with the place and the reason."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import IPv4Address
from typing import Any

import pytest
import yaml

from lab import topology

Edit = Callable[[dict[str, Any]], None]


@pytest.fixture
def document() -> dict[str, Any]:
    """The shipped topology, as YAML gives it."""
    loaded: dict[str, Any] = yaml.safe_load(topology.SHIPPED.read_text(encoding="utf-8"))
    return loaded


def test_the_shipped_topology_has_two_regions_and_three_provider_edges() -> None:
    """West has two hosts so that Geneve has something to do."""
    shipped = topology.load()
    assert [site.name for site in shipped.sites] == ["west", "east"]
    assert [host.name for host in shipped.hosts] == ["west-1", "west-2", "east-1"]


def test_the_shipped_reflectors_are_of_different_make() -> None:
    """So that neither's peculiarities become ours."""
    makes = {reflector.make for reflector in topology.load().route_reflectors}
    assert makes == {topology.ReflectorMake.FRR, topology.ReflectorMake.GOBGP}


def test_p_pops_some_labels_and_swaps_others() -> None:
    """Both ways of receiving from the core (RFC 3031 §3.16) are exercised."""
    swapped = {host.name: host.swapped_label for host in topology.load().hosts}
    assert None in swapped.values()
    assert any(label is not None for label in swapped.values())


def test_addresses_are_documentation_addresses() -> None:
    """RFC 5737; the AS number is one of RFC 5398."""
    shipped = topology.load()
    networks = (
        shipped.management.network,
        shipped.encapsulation.network,
        shipped.interconnect.network,
        shipped.core.network,
    )
    ranges = {str(network.supernet(new_prefix=24)) for network in networks}
    assert ranges == {"192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24"}
    assert shipped.as_number in range(64496, 64512)


def test_a_host_knows_its_site() -> None:
    """The region a host belongs to decides which control plane it obeys."""
    shipped = topology.load()
    assert shipped.site_of("east-1").name == "east"


def test_a_further_site_is_an_operator_s_of_its_own() -> None:
    """It is asked for by name, and its projects are not the others'."""
    shipped = topology.load()
    west, north = shipped.site("west"), shipped.site("north")
    assert north not in shipped.sites
    assert (west.has_own_identity, north.has_own_identity) == (False, True)
    assert shipped.keystone_of(west).projects == shipped.projects
    assert shipped.keystone_of(north).projects == ("green",)
    with pytest.raises(KeyError, match="no site 'south'"):
        shipped.site("south")


def _set(*path: str | int, to: object) -> Edit:
    def edit(document: dict[str, Any]) -> None:
        target: Any = document
        for key in path[:-1]:
            target = target[key]
        target[path[-1]] = to

    return edit


def _drop(*path: str | int) -> Edit:
    def edit(document: dict[str, Any]) -> None:
        target: Any = document
        for key in path[:-1]:
            target = target[key]
        del target[path[-1]]

    return edit


HOST = ("sites", 0, "hosts", 0)


@pytest.mark.parametrize(
    ("edit", "complaint"),
    [
        (_drop("as_number"), "topology: as_number is missing"),
        (_set("as_number", to=0), "as_number: 0 is not within"),
        (_set("colour", to="red"), "unknown colour"),
        (_set("sites", to=[]), "sites: expected a list with something in it"),
        (_set("core", to="a wire"), "topology.core: expected keys and values"),
        (_set("core", "mtu", to=20), "topology.core: mtu: 20 is not within"),
        (_set(*HOST, "name", to="West 1"), "no name"),
        (_set(*HOST, "name", to="west-2"), "machine name west-2 is used twice"),
        (_set(*HOST, "name", to="ctl"), "machine name ctl is used twice"),
        (_set(*HOST, "core_mac", to="02:00:00:00:00"), "no MAC address"),
        (_set(*HOST, "core_mac", to="03:00:00:00:00:01"), "group address"),
        (_set(*HOST, "provider_edge", to="192.0.2.300"), "provider_edge"),
        (_set(*HOST, "provider_edge", to="192.0.2.12"), "core address 192.0.2.12 is used twice"),
        (_set(*HOST, "provider_edge", to="203.0.113.99"), "203.0.113.99 is outside 192.0.2.0/24"),
        (_set(*HOST, "management", to="198.51.100.1"), "198.51.100.1 is used twice"),
        (_set(*HOST, "transport_label", to=3), "transport_label: 3 is not within 16"),
        (_set(*HOST, "transport_label", to=1012), "transport label 1012 is used twice"),
        (_set(*HOST, "p_router", to="drop"), 'neither "pop" nor "swap to LABEL"'),
        (_set(*HOST, "p_router", to="swap to 7"), "7 is not within 16"),
        (_set("route_reflectors", 0, "make", to="bird"), "make: 'bird' is not a valid"),
        (_set("projects", to=["red", "red"]), "project red is used twice"),
        (_set("sites", 0, "services", to=["swift"]), "services: 'swift' is not a valid Service"),
        (_set("further_sites", 0, "name", to="west"), "site name west is used twice"),
        (_set("further_sites", 0, "api", to="198.51.100.11"), "198.51.100.11 is used twice"),
        (_set("further_sites", 0, "projects", to=["green", "green"]), "green is used twice"),
    ],
)
def test_a_topology_that_cannot_be_built_is_refused_with_place_and_reason(
    document: dict[str, Any], edit: Edit, complaint: str
) -> None:
    """A reader of the message can go and repair the file."""
    edit(document)
    with pytest.raises(topology.TopologyInvalid) as refused:
        topology.parse(document)
    assert complaint in str(refused.value)


def test_a_swap_names_the_label_the_provider_edge_will_see(document: dict[str, Any]) -> None:
    """The label below P's link is not the one other provider edges push."""
    document["sites"][0]["hosts"][0]["p_router"] = "swap to 2011"
    host = topology.parse(document).hosts[0]
    assert (host.transport_label, host.swapped_label) == (1011, 2011)
    assert host.provider_edge == IPv4Address("192.0.2.11")
