# SPDX-License-Identifier: Apache-2.0
"""What came of moving in is told to people and to programs."""

from isthmus.moving_in.report import Fate, Item, Report, render, shared_target_notes, to_json

TAKEN = Item("vpn", "vpn-1", "red", Fate.TAKEN)
SAME = Item("vpn", "vpn-2", "blue", Fate.SAME)
REFUSED = Item("network", "a-1", "network n-1 in BGP VPN vpn-1", Fate.REFUSED, "It overlaps.")


def test_what_needs_a_person_is_said_thing_by_thing() -> None:
    """What was here already is only counted."""
    text = render(Report((TAKEN, SAME, REFUSED)), is_rehearsal=False)
    assert text.splitlines() == [
        "taken over: BGP VPN vpn-1 (red)",
        "not taken over: network association a-1 (network n-1 in BGP VPN vpn-1): It overlaps.",
        "BGP VPNs: 1 taken over, 1 here already",
        "Network associations: 1 not taken over",
    ]


def test_a_dry_run_says_so() -> None:
    """As the last line."""
    assert render(Report(()), is_rehearsal=True).splitlines() == [
        "networking-bgpvpn's tables are empty.",
        "Nothing was written: this was a dry run.",
    ]


def test_it_is_complete_if_nothing_stays_behind_or_differs() -> None:
    """The exit code follows from it."""
    assert Report((TAKEN, SAME)).is_complete
    assert not Report((TAKEN, REFUSED)).is_complete
    assert not Report((Item("vpn", "vpn-3", "", Fate.DIFFERENT, "name"),)).is_complete


def test_programs_read_the_same() -> None:
    """Fates are words there too."""
    found = to_json(Report((REFUSED,), ("a note",)), is_rehearsal=True)
    assert found["dry_run"] is True
    assert found["complete"] is False
    assert found["notes"] == ["a note"]
    assert found["items"] == [
        {
            "kind": "network",
            "id": "a-1",
            "name": "network n-1 in BGP VPN vpn-1",
            "fate": "not taken over",
            "reason": "It overlaps.",
        }
    ]


def test_shared_route_targets_are_notes() -> None:
    """With the VPNs that share them."""
    assert list(shared_target_notes({"64500:1": ("vpn-1", "vpn-3")})) == [
        "Route target 64500:1 is shared by BGP VPNs of several projects: vpn-1, vpn-3"
    ]
