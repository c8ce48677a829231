# SPDX-License-Identifier: Apache-2.0
"""Simulated sites come to what sites come to, and growth follows from the figures."""

from __future__ import annotations

from bench.interconnect import (
    MEMBERS,
    PRESENT,
    RESYNC,
    SITES,
    Changed,
    Found,
    ReadAnew,
    by_members,
    by_present,
    by_sites,
    outcome,
)
from bench.simulated_sites import SimulatedSite, let_hear
from isthmus.model.ip import IpPrefix
from isthmus.model.vtn import ownership
from isthmus.model.vtn.documents import Change, Operation
from tests.unit.model.vtn.west_and_east import VTN_RED, vtn_red


def _sites(*names: str) -> dict[str, SimulatedSite]:
    return {name: SimulatedSite(name) for name in names}


def test_simulated_sites_carry_out_what_is_wanted_and_forget_what_is_deleted() -> None:
    """By text alone."""
    sites = _sites("west", "east", "south")
    let_hear(sites, sites["west"].write(vtn_red()))
    for site in sites.values():
        view = site.view(VTN_RED)
        assert view.document is not None
        carried_out = [each.document.carried_out for each in view.members if each.document]
        assert carried_out == [view.document.version] * 2
    gone = ownership.change(sites["west"].view(VTN_RED), Operation.DELETE, Change())
    let_hear(sites, sites["west"].write(gone))
    assert not [entry for site in sites.values() for entry in site.entries()]


def test_a_site_that_hears_everything_anew_knows_what_the_others_do() -> None:
    """From what they publish."""
    sites = _sites("west", "east")
    let_hear(sites, sites["west"].write(vtn_red()))
    late = SimulatedSite("south")
    published = [entry for site in sites.values() for entry in site.entries()]
    assert late.hear(published) == []
    given: list[tuple[IpPrefix, ...]] = [
        each.grant.prefixes for each in late.view(VTN_RED).members if each.grant
    ]
    assert given == [each.prefixes for each in vtn_red().members]


def test_each_measurement_measures() -> None:
    """A change of ten members is their answers and the owner's document."""
    assert by_sites(12, 1).published == 11
    assert by_present(3, 1).heard == 3
    assert by_members(3, 1) > 0


def _found(factor: float) -> Found:
    def figures(numbers: tuple[int, ...]) -> dict[int, Changed]:
        return {number: Changed(1, number, number * factor**i) for i, number in enumerate(numbers)}

    return Found(
        figures(SITES),
        {number: [1.0, 2.0] for number in SITES},
        figures(PRESENT),
        {number: factor**i for i, number in enumerate(MEMBERS)},
        {number: factor**i for i, number in enumerate(MEMBERS)},
        {number: ReadAnew(1, 1, 1, factor**i) for i, number in enumerate(RESYNC)},
        100,
    )


def test_growth_is_told_as_a_ratio() -> None:
    """Of what a tenfold costs to what the one before did."""
    found = outcome(_found(1.0), rounds=1)
    assert [target.figure for target in found.targets] == [1, 1, 1, 1, 1, 2]
    assert not found.missed
    assert "1,000" in found.text


def test_growth_that_is_worse_than_what_grows_misses() -> None:
    """Every target but that of the time to read all anew."""
    assert len(outcome(_found(25.0), rounds=1).missed) == 5
