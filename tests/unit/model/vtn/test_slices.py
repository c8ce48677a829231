# SPDX-License-Identifier: Apache-2.0
"""Slices of a VTN's prefixes."""

from __future__ import annotations

from ipaddress import IPv4Network, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isthmus.model.errors import IntentConflict
from isthmus.model.ip import IpPrefix
from isthmus.model.vtn.slices import cut
from tests.unit.model.vtn.west_and_east import prefixes

WHOLE = IPv4Network("198.51.100.0/24")


def _cut(whole: str, taken: str, count: int) -> list[str]:
    sites = [f"site-{number:03}" for number in range(count)]
    given_ = cut(prefixes(*whole.split()), prefixes(*taken.split()), sites, count)
    return [" ".join(map(str, given_[site])) for site in sites]


@pytest.mark.parametrize(
    ("whole", "taken", "count", "slices"),
    [
        ("10.0.0.0/8", "", 2, ["10.0.0.0/24", "10.0.1.0/24"]),
        ("198.51.100.0/24", "", 1, ["198.51.100.0/25"]),
        ("198.51.100.0/24", "", 2, ["198.51.100.0/26", "198.51.100.64/26"]),
        ("198.51.100.0/24", "198.51.100.0/25", 1, ["198.51.100.128/25"]),
        ("198.51.100.0/24", "198.51.100.0/25 198.51.100.128/26", 1, ["198.51.100.192/26"]),
        ("198.51.100.0/28", "", 2, ["198.51.100.0/29", "198.51.100.8/29"]),
        ("198.51.100.0/29", "", 1, ["198.51.100.0/29"]),
        ("192.0.2.0/29 198.51.100.0/29", "192.0.2.0/29", 1, ["198.51.100.0/29"]),
        ("198.51.100.0/24", "198.51.100.32/29 198.51.100.0/24", 0, []),
        ("198.51.100.0/27", "198.51.100.9/32 198.51.100.16/32", 1, ["198.51.100.0/29"]),
        ("198.51.100.0/27", "198.51.100.1/32 203.0.113.0/24", 1, ["198.51.100.16/28"]),
        ("2001:db8::/48", "2001:db8::/64", 1, ["2001:db8:0:1::/64"]),
        ("2001:db8::/48", "2001:db8::/63 2001:db8:0:3::/64", 1, ["2001:db8:0:2::/64"]),
        ("198.51.100.0/24 2001:db8::/64", "", 1, ["198.51.100.0/25 2001:db8::/64"]),
        ("", "", 1, [""]),
    ],
)  # fmt: skip
def test_the_first_free_slice_is_given(
    whole: str, taken: str, count: int, slices: list[str]
) -> None:
    """Of a size that leaves room for others, and smaller only when there is none."""
    assert _cut(whole, taken, count) == slices


@pytest.mark.parametrize(
    ("whole", "taken", "count"),
    [
        ("198.51.100.0/28", "", 3),
        ("198.51.100.0/30", "", 1),
        ("198.51.100.0/28", "198.51.100.3/32 198.51.100.12/32", 1),
        ("198.51.100.0/24", "192.0.0.0/2", 1),
        ("2001:db8::/64", "", 2),
        ("2001:db8::/80", "", 1),
    ],
)
def test_without_room_nothing_is_given(whole: str, taken: str, count: int) -> None:
    """And the sentence says for how many there was to be room."""
    with pytest.raises(IntentConflict, match=r"There is no room in .* add a larger prefix"):
        _cut(whole, taken, count)


@st.composite
def _some_prefix(draw: st.DrawFn) -> IpPrefix:
    length = draw(st.integers(26, 32))
    number = draw(st.integers(0, 255)) >> (32 - length) << (32 - length)
    return ip_network((int(WHOLE.network_address) + number, length))


@given(st.lists(_some_prefix(), max_size=6), st.integers(1, 5))
def test_no_slice_overlaps_anything_given(taken: list[IpPrefix], count: int) -> None:
    """Whatever is taken; and what is given is aligned and inside."""
    sites = [f"site-{number}" for number in range(count)]
    try:
        slices = [each for (each,) in cut([WHOLE], taken, sites, count).values()]
    except IntentConflict:
        halves = WHOLE.subnets(new_prefix=29)
        free = [each for each in halves if not any(each.overlaps(one) for one in taken)]
        assert len(free) < count
        return
    everything = [*taken, *slices]
    for place, one in enumerate(slices):
        assert one.subnet_of(WHOLE)  # type: ignore[arg-type]
        assert not any(one.overlaps(other) for other in everything[: len(taken) + place])
