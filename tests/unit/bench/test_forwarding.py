# SPDX-License-Identifier: Apache-2.0
"""Rounds become the figures and targets that are shown and checked."""

import json

from bench.first_packet import CHANGE, NEW
from bench.first_packet import report as report_first_packet
from bench.forwarding import Round
from bench.forwarding import report as report_forwarding

ASSOCIATED = {
    "request": 0.0,
    "answer": 100.0,
    "received": 250.0,
    "plugged": 260.0,
    "near flows": 290.0,
    "advertised": 300.0,
    "bound": 320.0,
    "heard": 310.0,
    "far flows": 340.0,
    "ready": 340.0,
    "reply": 345.0,
}
CHANGED = {"request": 0.0, "answer": 30.0, "received": 50.0, "reply": 120.0}


def test_each_stage_of_the_first_packet_has_its_time() -> None:
    """And the whole is what the targets are about."""
    outcome = report_first_packet({NEW: [ASSOCIATED] * 20, CHANGE: [CHANGED] * 20})
    found = json.loads(json.dumps(outcome.to_json()))
    stages = {name: of["p50"] for name, of in found[NEW]["stages_ms"].items()}
    assert stages == {
        "API": 100,
        "dispatch": 150,
        "agent": 50,
        "OVN's binding": 60,
        "BGP": 10,
        "flows": 30,
        "first packet": 5,
        "all": 345,
    }
    assert len(outcome.targets) == 3
    assert not outcome.missed


def test_a_stage_that_does_not_happen_has_no_samples() -> None:
    """When only the VPN changes OVN has nothing to bind."""
    outcome = report_first_packet({CHANGE: [CHANGED]})
    found = json.loads(json.dumps(outcome.to_json()))[CHANGE]["stages_ms"]
    assert found["OVN's binding"]["samples"] == 0
    assert "OVN's binding" not in outcome.text


def test_one_slow_round_in_twenty_is_not_the_95th_percentile_but_two_are() -> None:
    """Nearest rank: the nineteenth of twenty."""
    slow = {"request": 0.0, "reply": 1500.0}
    one = report_first_packet({NEW: [ASSOCIATED] * 19 + [slow]})
    two = report_first_packet({NEW: [ASSOCIATED] * 18 + [slow] * 2})
    assert not one.missed
    assert [target.name for target in two.missed] == ["new attachment, p95"]


def test_forwarding_is_compared_round_by_round() -> None:
    """A round in which the whole machine was slow says nothing about either way."""
    vpn = [Round(400, 20.0, 0.0), Round(200, 40.0, 0.0), Round(390, 20.0, 0.0)]
    plain = [Round(400, 20.0, 0.0), Round(200, 40.0, 0.0), Round(400, 19.0, 0.0)]
    outcome = report_forwarding({"vpn": vpn, "plain": plain})
    assert [target.figure for target in outcome.targets] == [1.0, 1.0]
    assert not outcome.missed


def test_a_vpn_that_costs_more_than_plain_ethernet_misses_the_target() -> None:
    """More CPU time for a packet is a lower ratio."""
    outcome = report_forwarding({"vpn": [Round(360, 22.0, 0.0)], "plain": [Round(400, 20.0, 0.0)]})
    assert len(outcome.missed) == 2


def test_a_provider_network_is_shown_beside_but_no_target() -> None:
    """It has a bridge and a connection tracking less."""
    same = [Round(400, 20.0, 0.0)]
    outcome = report_forwarding({"vpn": same, "plain": same, "provider": [Round(800, 10.0, 0.0)]})
    assert "vpn to provider" in outcome.text
    assert not outcome.missed
