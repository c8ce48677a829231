# SPDX-License-Identifier: Apache-2.0
"""Every part shows what it says it shows; a difference is found wherever it is planted."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from isthmus.model.flow import Drop, Flow
from isthmus.pe_agent.look import answers as answers_
from isthmus.pe_agent.look.answers import PARTS
from isthmus.pe_agent.look.view import NoSuchVpn
from tests.actors import circuit, host, intent, route
from tests.fakes.looking import SmallPe


@pytest.fixture
def pe(tmp_path: Path) -> SmallPe:
    """A PE at rest."""
    pe = SmallPe(tmp_path)
    pe.reconcile()
    return pe


def look(pe: SmallPe, part: str, vpn: str | None = None) -> dict[str, Any]:
    """Ask, and check that the answer is ready for JSON."""
    answer = pe.answers.answer({"part": part, "vpn": vpn})
    return dict(json.loads(json.dumps(answer)))


def differences(pe: SmallPe, vpn: str | None = None) -> list[tuple[str, str]]:
    """Ask for the difference and return where and what."""
    rows = look(pe, "difference", vpn)["tables"]["differences"]
    return [(row["where"], row["what"]) for row in rows]


def test_the_overview_has_a_line_for_each_vpn(pe: SmallPe) -> None:
    """With what is in force, and the neighbors."""
    seen = look(pe, "overview")
    assert seen["agent"]["host"] == "west-1"
    assert seen["agent"]["waits_for"] == seen["agent"]["failures"] == []
    assert seen["tables"]["neighbors"] == [{"address": "192.0.2.101", "established": True}]
    (red,) = seen["tables"]["vpns"]
    assert (red["vpn"], red["generation"], red["in_force"]) == ("red", 1, True)
    assert (red["vrfs"], red["labels"], red["hosts"], red["plugged"]) == ([1], [1000], 1, 1)


def test_the_overview_counts_what_was_said_to_packets_that_went_no_further(pe: SmallPe) -> None:
    """By VRF; one that is gone since is left out."""
    pe.responses = {1: {"answered": 100, "limited": 3}, 9: {"fragmented": 1}}
    (counted,) = look(pe, "overview", "red")["tables"]["responses"]
    assert counted == {"vrf": 1, "vpns": ["red"], "answered": 100, "fragmented": 0, "limited": 3}


def test_the_intent_says_what_is_plugged(pe: SmallPe) -> None:
    """Networks with their OpenFlow port, hosts with yes or no."""
    tables = look(pe, "intent", "red")["tables"]
    assert tables["vpns"][0]["import"] == ["64500:100"]
    assert tables["networks"][0]["of"] == 100
    assert tables["hosts"][0]["plugged"] is True
    assert tables["hosts"][0]["addresses"] == ["10.1.0.5"]


def test_the_rib_says_who_imports_a_route(pe: SmallPe) -> None:
    """By route target."""
    (seen,) = look(pe, "rib")["tables"]["routes"]
    assert (seen["prefix"], seen["imported_by"]) == ("10.2.0.7/32", ["red"])


def test_what_was_compiled_is_shown_by_vpn(pe: SmallPe) -> None:
    """VRF, routes, flows; flows of no VPN only when all are asked for."""
    everything, red = (look(pe, "compiled", vpn)["tables"] for vpn in (None, "red"))
    assert red["vrfs"] == [{"vrf": 1, "vpns": ["red"], "label": 1000, "label_ipv6": None}]
    assert [each["prefix"] for each in red["routes"]] == ["10.1.0.5/32"]
    assert {flow["cookie"] for flow in red["flows"]} == {"0x1"}
    assert len(everything["flows"]) > len(red["flows"])


def test_what_is_installed_comes_from_switch_and_daemon(pe: SmallPe) -> None:
    """Not from what was compiled."""
    pe.switch.restart()
    pe.speaker.daemon.own = frozenset()
    tables = look(pe, "installed")["tables"]
    assert tables["flows"] == tables["routes"] == []
    assert {"port": "core", "of": 1} in tables["attachments"]


def test_at_rest_there_is_no_difference(pe: SmallPe) -> None:
    """Neither of all nor of one VPN."""
    assert differences(pe) == differences(pe, "red") == []
    assert look(pe, "difference")["unread"] == []


def test_a_flow_that_is_missing_or_unexpected_is_a_difference(pe: SmallPe) -> None:
    """Of its VPN, if it has one."""
    gone = next(flow for flow in pe.switch.installed if flow.cookie == 1)
    strange = Flow.of(20, 7, {"metadata": "9"}, Drop(), cookie=9)
    pe.switch.installed = pe.switch.installed - {gone} | {strange}
    assert sorted(differences(pe)) == [("flow", "missing"), ("flow", "unexpected")]
    assert differences(pe, "red") == [("flow", "missing")]


def test_a_route_that_is_missing_or_unexpected_is_a_difference(pe: SmallPe) -> None:
    """Even one that differs in its label alone."""
    (own,) = pe.speaker.daemon.own
    changed = dataclasses.replace(own, label=route("10.0.0.0/24", label=1077).label)
    pe.speaker.daemon.own = frozenset({changed})
    assert sorted(differences(pe)) == [("route", "missing"), ("route", "unexpected")]
    pe.speaker.daemon.own = frozenset()
    assert differences(pe, "red") == [("route", "missing")]


def test_an_attachment_that_is_not_plugged_is_a_difference(pe: SmallPe) -> None:
    """And so is intent that no pass has taken in."""
    pe.reconciler.intents.apply(intent("blue", circuit("blue", "10.3.0.0/24", host("vm9"))))
    assert sorted(differences(pe)) == [("intent", "missing"), ("port", "missing")]
    assert differences(pe, "red") == []


def test_a_switch_that_is_away_is_said_to_be_away(pe: SmallPe) -> None:
    """Which is not the same as no difference; the daemon is compared all the same."""
    pe.switch.is_down = True
    pe.speaker.daemon.own = frozenset()
    answer = look(pe, "difference")
    assert answer["unread"] == ["The switch is down."]
    assert len(answer["tables"]["differences"]) == 1
    assert look(pe, "installed")["unread"] == ["The switch is down."]


def test_before_the_first_pass_every_part_answers(tmp_path: Path) -> None:
    """And says what is waited for: the server, in a PE that has never heard of it."""
    pe = SmallPe(tmp_path)
    for part in PARTS:
        assert "server" in look(pe, part)["agent"]["waits_for"][0]
    assert look(pe, "difference")["unread"]


def test_while_bgp_is_waited_for_every_part_answers(tmp_path: Path) -> None:
    """The daemon is away: no flow may be written yet."""
    pe = SmallPe(tmp_path)
    pe.speaker.daemon.crash()
    pe.reconcile()
    assert "BGP" in look(pe, "overview")["agent"]["waits_for"][0]
    assert look(pe, "compiled")["tables"]["flows"]
    kinds = {row["where"] for row in look(pe, "difference")["tables"]["differences"]}
    assert kinds == {"intent", "flow"}


def test_a_vpn_is_found_by_the_beginning_of_its_id(pe: SmallPe) -> None:
    """If there is only one such."""
    assert look(pe, "intent", "r")["vpn"] == "red"
    with pytest.raises(NoSuchVpn, match="No VPNs"):
        look(pe, "intent", "x")
    pe.reconciler.intents.apply(intent("rose"))
    with pytest.raises(NoSuchVpn, match="2 VPNs"):
        look(pe, "intent", "r")


def test_an_answer_is_bounded(pe: SmallPe, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was left out is counted."""
    monkeypatch.setattr(answers_, "MOST_ROWS", 3)
    seen = look(pe, "compiled")
    assert len(seen["tables"]["flows"]) == 3
    assert seen["left_out"]["flows"] > 0
    assert "routes" not in seen["left_out"]


def test_a_part_that_is_not_there_is_refused(pe: SmallPe) -> None:
    """With those that are."""
    assert "difference" in look(pe, "nonsense")["error"]
