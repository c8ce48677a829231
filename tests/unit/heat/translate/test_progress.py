# SPDX-License-Identifier: Apache-2.0
"""How far something is, by what the API says of it."""

from __future__ import annotations

import pytest

from isthmus.heat.translate.progress import (
    Failed,
    is_done,
    is_done_everywhere,
    is_gone,
    is_reached,
    sentence_of,
)

UP = {"name": "east", "state": "CONFIRMED", "liveness": "UP"}


@pytest.mark.parametrize("status", ["PENDING", "DOWN", "NEW_WORD"])
def test_what_is_not_in_force_yet_is_waited_for(status: str) -> None:
    """Only the stack's timeout ends that."""
    assert not is_done({"status": status, "admin_state_up": True})


def test_what_is_in_force_is_done() -> None:
    """Whatever its reason tells beside."""
    assert is_done({"status": "ACTIVE", "admin_state_up": True, "status_reason": "east: new"})


def test_what_was_taken_down_is_done_when_it_is_down() -> None:
    """And not while it still carries something."""
    assert is_done({"status": "DOWN", "admin_state_up": False})
    assert not is_done({"status": "PENDING", "admin_state_up": False})


def test_an_api_without_a_status_is_taken_at_its_word() -> None:
    """As networking-bgpvpn's, which answers once its driver has."""
    assert is_done({"id": "1"})


@pytest.mark.parametrize("status", ["ERROR", "PENDING_DELETE"])
def test_what_fails_fails_with_the_sentence_of_the_api(status: str) -> None:
    """So that the stack's owner need not ask it."""
    with pytest.raises(Failed) as failed:
        is_done({"status": status, "status_reason": "No labels left."})
    assert (failed.value.status, failed.value.reason) == (status, "No labels left.")


def test_what_is_not_shown_any_more_is_gone() -> None:
    """The API shows it while any site has something of it."""
    assert is_gone(None)
    assert not is_gone({"status": "PENDING_DELETE"})


def test_a_deletion_that_was_refused_is_told() -> None:
    """A site that is asked by another may refuse later."""
    with pytest.raises(Failed, match="3 ports"):
        is_gone({"status": "ACTIVE", "status_reason": "It has 3 ports."})


def test_a_member_that_is_out_of_reach_is_named() -> None:
    """With the time since when it is."""
    cut = UP | {"liveness": "UNREACHABLE", "liveness_since": "2026-11-23T10:00:00Z"}
    assert is_reached(["east"], [UP])
    assert is_reached(["west"], [cut, {"name": "west", "state": "OWN", "liveness": "DOWN"}])
    with pytest.raises(Failed, match="east can't be reached since 2026-11-23T10:00:00Z"):
        is_reached(["west", "east"], [cut])


def test_a_provider_edge_that_is_not_well_keeps_no_stack_waiting() -> None:
    """Its operator mends it; the status tells of it meanwhile."""
    shown = {"status": "DEGRADED", "admin_state_up": True, "members": ["east"]}
    assert is_done(shown)
    assert is_done_everywhere(shown, [UP], "wait")


def test_a_site_out_of_reach_is_waited_for_or_not() -> None:
    """As the policy says; what all have made needs no reach."""
    cut = UP | {"liveness": "DOWN"}
    shown = {"status": "DEGRADED", "admin_state_up": True, "members": ["east"]}
    assert not is_done_everywhere(shown, [cut], "wait")
    assert not is_done_everywhere(shown | {"status": "PENDING"}, [UP], "fail")
    with pytest.raises(Failed, match="east"):
        is_done_everywhere(shown, [cut], "fail")
    assert is_done_everywhere(shown | {"status": "ACTIVE"}, [cut], "fail")
    assert is_done_everywhere({"status": "DOWN", "admin_state_up": False}, [cut], "fail")


def test_sites_are_not_asked_for_where_they_do_not_count() -> None:
    """A stack that waits looks every second; a hundred of them would keep the API busy."""
    sites = iter([UP])
    assert not is_done_everywhere({"status": "PENDING", "members": ["east"]}, sites, "wait")
    assert is_done_everywhere({"status": "ACTIVE", "members": ["east"]}, sites, "fail")
    assert list(sites) == [UP]


def test_how_far_something_is_is_told_in_the_words_of_the_api() -> None:
    """Also where it says little."""
    assert sentence_of({"status": "PENDING", "status_reason": "east: No."}) == "PENDING: east: No."
    assert sentence_of({"status": "PENDING"}) == "PENDING: no reason is given."
