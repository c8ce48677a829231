# SPDX-License-Identifier: Apache-2.0
"""What overlaps is found by every site alike."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import ip_network

from hypothesis import given
from hypothesis import strategies as st

from isthmus.model.vtn.overlaps import Overlap, Placed, find

V4 = st.builds(
    lambda bits, length: ip_network((bits << 20 & -1 << (32 - length), length)),
    st.integers(0xA00, 0xA0F),
    st.integers(8, 16),
)
V6 = st.builds(
    lambda bits, length: ip_network((0x20010DB8 << 96 | bits << (128 - length), length)),
    st.integers(0, 3),
    st.integers(32, 34),
)
networks = st.lists(
    st.tuples(st.integers(0, 5), st.one_of(V4, V6)).map(
        # Which site owns a network, and whose it is, is one and the same everywhere.
        lambda it: Placed(
            "red" if it[0] % 3 else "blue", f"vtn-{it[0]}", "", "we"[it[0] % 2], it[1]
        )
    ),
    max_size=20,
)


def test_both_networks_say_what_to_do() -> None:
    """Neither yields."""
    west = Placed("red", "vtn-1", "shop", "west", ip_network("10.0.0.0/8"))
    east = Placed("red", "vtn-2", "", "east", ip_network("10.1.0.0/16"))
    apart = Placed("red", "vtn-3", "", "east", ip_network("192.0.2.0/24"))
    strangers = Placed("blue", "vtn-4", "", "east", ip_network("10.0.0.0/8"))
    found = find([west, apart, east, strangers])
    assert found == {"vtn-1": (Overlap(west, east),), "vtn-2": (Overlap(east, west),)}
    assert found["vtn-2"][0].sentence == (
        "10.1.0.0/16 overlaps 10.0.0.0/8 of your virtual tenant network shop (vtn-1) of the site "
        "west, made before the sites had heard of each other. Both go on, but nothing can be "
        "joined with both: delete one of them."
    )
    assert "network vtn-2 (vtn-2) of the site east" in found["vtn-1"][0].sentence


@given(networks, st.randoms())
def test_every_site_finds_the_same(placed: Sequence[Placed], chance: object) -> None:
    """In whatever order it heard of them, and how often; each pair from both sides."""
    found = find(placed)
    shuffled = [*placed, *placed]
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    assert find(shuffled) == found
    told = {(each.own, each.other) for some in found.values() for each in some}
    assert told == {(other, own) for own, other in told}
    assert told == {
        (one, other)
        for one in placed
        for other in placed
        if (one.project, one.prefix.version) == (other.project, other.prefix.version)
        if one.vtn_id != other.vtn_id and one.prefix.overlaps(other.prefix)
    }
    assert all(each.own.vtn_id == vtn_id for vtn_id, some in found.items() for each in some)
