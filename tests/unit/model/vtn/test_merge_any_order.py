# SPDX-License-Identifier: Apache-2.0
"""Whatever happens to sites, in whatever order they hear of it, they come to the same."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_network

from hypothesis import given, settings
from hypothesis import strategies as st

from isthmus.model.vtn import ownership
from isthmus.model.vtn.documents import Published
from isthmus.model.vtn.merge import merge
from tests.unit.model.vtn.laws import at_rest, check, check_outcome
from tests.unit.model.vtn.world import VTN, World, begin, steps, store

SITES = "abcd"
BUDGET = {"take_over": 3, "add": 3, "remove": 3, "ask": 3, "delete": 1, "restart": 3}


@st.composite
def walks(draw: st.DrawFn) -> World:
    """A world some steps away from the beginning; the laws hold all the way."""
    members = draw(st.lists(st.sampled_from(SITES), min_size=1, unique=True))
    room = draw(st.sampled_from(["198.51.100.0/27", "198.51.100.0/28", "2001:db8::/62"]))
    prefix = ip_network(room)
    if prefix.prefixlen == 28:
        members = members[:2]
    document = ownership.create(
        VTN, draw(st.sampled_from(SITES)), "red", prefixes=[prefix], members=dict.fromkeys(members)
    )
    world = begin(document, SITES, **BUDGET)
    if draw(st.booleans()):
        world = at_rest(world)
    world = replace(world, is_torn=True)
    for choice in draw(st.lists(st.integers(0, 1000), max_size=25)):
        able = [after for _, after in steps(world)]
        if not able:
            break
        world = able[choice % len(able)]
        check(world)
    return world


@settings(max_examples=40, derandomize=True)
@given(walks())
def test_sites_come_to_rest_and_agree(world: World) -> None:
    """Whatever was lost, late or torn; and on the way no law is broken."""
    check_outcome(world)


@settings(max_examples=10, derandomize=True)
@given(walks(), st.randoms(use_true_random=False), st.sampled_from(SITES))
def test_the_order_of_documents_does_not_matter(world: World, random: object, site: str) -> None:
    """Nor does hearing one twice."""
    published = [
        Published(name, each) for name in world.names for each in store(world.site(name).log)
    ]
    again = published * 2
    random.shuffle(again)  # type: ignore[attr-defined]
    assert merge(site, VTN, again) == merge(site, VTN, published)
