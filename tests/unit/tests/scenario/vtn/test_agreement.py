# SPDX-License-Identifier: Apache-2.0
"""The checker of the scenarios objects to everything that must not be."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.scenario.vtn.agreement import ENDING, Observed, Part, Vpn, Vtn, differences, unexpected
from tests.scenario.vtn.ledger import EXISTS, NAME, PORT, Ledger, Port, member
from tests.scenario.vtn.outcome import Outcome

SITES = ("west", "east")


def written() -> Ledger:
    """One network over two sites, made in the west, with a port in the east."""
    ledger = Ledger()
    ledger.owners["vtn"] = "west"
    ledger.note(EXISTS, "vtn", value=True)
    ledger.note(NAME, "vtn", "red")
    for site in SITES:
        ledger.note(member(site), "vtn", value=True)
    ledger.ports["port"] = Port("east", "vtn")
    ledger.note(PORT, "port", value=True)
    return ledger


def part(site: str, status: str = "ACTIVE") -> Part:
    """What a member says it made."""
    subnets = frozenset({f"subnet-{site}"})
    return Part(status, ("192.0.2.0/28",), f"network-{site}", subnets, f"vpn-{site}")


def shown(site: str, **changes: object) -> Observed:
    """A site that has what was written."""
    vtn = Vtn(
        id="vtn",
        status="ACTIVE",
        reason="",
        said={"name": "red", "description": "", "members": SITES},
        sites=frozenset(SITES),
        members={each: part(each) for each in SITES},
        network=f"network-{site}",
    )
    vtn = replace(vtn, **changes)  # type: ignore[arg-type]  # by name
    return Observed(
        site,
        {"vtn": vtn},
        {f"network-{site}": "red"},
        {f"network-{site}": {f"subnet-{site}": "192.0.2.0/28"}},
        {"port": "network-east"} if site == "east" else {},
        {f"vpn-{site}": Vpn("red", frozenset({f"network-{site}"}))},
    )


def test_it_has_nothing_to_say_of_what_is_as_it_was_written() -> None:
    """Both sites show the same, and their own parts."""
    assert differences(written(), [shown("west"), shown("east")]) == []


def without(site: Observed) -> Observed:
    """A site that has nothing of the network."""
    return replace(site, vtns={}, networks={}, ports={}, vpns={})


def renamed(site: Observed) -> Observed:
    """A site that shows another name, of network and part."""
    vtn = site.vtns["vtn"]
    said = {**vtn.said, "name": "old"}
    vpns = {of: replace(vpn, name="old") for of, vpn in site.vpns.items()}
    changed = {"vtn": replace(vtn, said=said)}
    return replace(site, vtns=changed, networks={vtn.network: "old"}, vpns=vpns)


def same(site: Observed) -> Observed:
    """A site as it is to be."""
    return site


def unlike_parts(site: Observed) -> Observed:
    """A site that knows of another network of the west's than it has."""
    vtn = site.vtns["vtn"]
    west = replace(vtn.members["west"], network="network-former")
    return replace(site, vtns={"vtn": replace(vtn, members={**vtn.members, "west": west})})


@pytest.mark.parametrize(
    ("west", "east", "sentence"),
    [
        (without, without, "never deleted, and is gone"),
        (same, without, "is at west only"),
        (renamed, renamed, "not one of ['red']"),
        (same, renamed, "vtn at west: {"),
        (same, lambda site: replace(site, ports={}), "port port was made"),
        (lambda site: replace(site, networks={}), same, "has made no network"),
        (lambda site: replace(site, subnets={}), same, "has no subnet"),
        (
            same,
            lambda site: replace(site, networks={**site.networks, "orphan": "red"}),
            "of no virtual tenant network",
        ),
        (
            lambda site: shown("west", sites=frozenset({"west"})),
            lambda site: shown("east", sites=frozenset({"west"})),
            "east is not a member",
        ),
        (
            lambda site: shown(
                "west", members={"west": part("west"), "east": part("east", "DOWN")}
            ),
            same,
            "'east': Part(status='DOWN'",
        ),
        (same, unlike_parts, "'network-former'"),
        (unlike_parts, unlike_parts, "is network-west, and it says network-former"),
        (
            lambda site: replace(site, subnets={"network-west": {"subnet-west": "192.0.2.0/29"}}),
            same,
            "west's network of vtn has subnets",
        ),
        (
            lambda site: replace(site, subnets={"network-west": {"other": "192.0.2.0/28"}}),
            same,
            "west's network of vtn has subnets",
        ),
        (lambda site: replace(site, vpns={}), same, "west has made no VPN of vtn"),
        (
            lambda site: replace(site, vpns={"vpn-west": Vpn("red", frozenset())}),
            same,
            "west's VPN of vtn has the networks []",
        ),
        (
            lambda site: replace(site, vpns={"vpn-west": Vpn("old", frozenset({"network-west"}))}),
            same,
            "west's VPN of vtn is called 'old'",
        ),
        (
            lambda site: replace(site, vpns={**site.vpns, "left": Vpn("red", frozenset())}),
            same,
            "west has a VPN 'red' of no virtual tenant network",
        ),
        (
            same,
            lambda site: shown(
                "east", members={"west": part("west"), "east": part("east", "ERROR")}
            ),
            "east's part of vtn is ERROR",
        ),
    ],
)
def test_it_objects(
    west: Callable[[Observed], Observed], east: Callable[[Observed], Observed], sentence: str
) -> None:
    """To what is lost, to what is left over, and to what differs."""
    found = differences(written(), [west(shown("west")), east(shown("east"))])
    assert any(sentence in each for each in found), found


def test_what_was_deleted_must_be_gone() -> None:
    """From every site."""
    ledger = written()
    ledger.note(PORT, "port", value=False)
    ledger.note(EXISTS, "vtn", value=False)
    found = differences(ledger, [shown("west"), shown("east")])
    assert [each for each in found if each.startswith("vtn was deleted, and east has it")]
    assert [each for each in found if each.startswith("port port was deleted")]


def test_a_network_whose_deletion_was_acknowledged_stays_for_who_has_a_port_and_says_so() -> None:
    """It may end only once the port is gone."""
    ledger = written()
    ledger.note(EXISTS, "vtn", value=False)
    ending = [shown(site, status=ENDING) for site in SITES]
    assert differences(ledger, ending) == []
    assert differences(ledger, [shown("west"), ending[1]]) != []
    reports = ["east has not removed vtn yet.", "west waits for another."]
    assert unexpected(reports, ending) == reports[1:]
    assert unexpected(reports, [shown("west"), shown("east")]) == reports
    assert unexpected(reports, [replace(each, ports={}) for each in ending]) == reports


def test_what_was_not_answered_may_be_or_not() -> None:
    """Either is right; anything else is not."""
    ledger = written()
    ledger.note(NAME, "vtn", "old", Outcome.UNKNOWN)
    assert differences(ledger, [shown("west"), shown("east")]) == []
    assert differences(ledger, [renamed(shown("west")), renamed(shown("east"))]) == []
    ledger.note(NAME, "vtn", "new", Outcome.REFUSED)
    ledger.note(NAME, "vtn", "newer")
    assert differences(ledger, [renamed(shown("west")), renamed(shown("east"))]) != []
