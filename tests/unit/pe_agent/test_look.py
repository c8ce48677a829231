# SPDX-License-Identifier: Apache-2.0
"""The looking glass shows what the last pass worked with."""

from __future__ import annotations

import json
from ipaddress import IPv4Address
from pathlib import Path

import pytest

from isthmus.pe_agent.compile.compiler import compile_pe
from isthmus.pe_agent.install import Edges
from isthmus.pe_agent.look import LookingGlass, describe, read_look
from isthmus.pe_agent.reconcile import Identity, Reconciler
from isthmus.pe_agent.state import StateFile
from tests.actors import LABELS, circuit, host, intent, provider_edge, route
from tests.fakes.ports import FakePlugger
from tests.fakes.speaker import FakeSpeaker
from tests.fakes.switch import FakeSwitch


@pytest.fixture
def reconciler(tmp_path: Path) -> Reconciler:
    """A PE that serves one VPN."""
    plugger, speaker = FakePlugger(), FakeSpeaker()
    reconciler = Reconciler(
        Edges(plugger, FakeSwitch(), speaker),
        lambda inputs: compile_pe(provider_edge(), LABELS, inputs),
        StateFile(tmp_path / "state.json"),
        Identity("west-1", IPv4Address("192.0.2.11")),
    )
    plugger.start(reconciler.wake)
    plugger.plug_vm("vm1")
    speaker.daemon.neighbor_sends(route("10.2.0.7/32"))
    red = intent("red", circuit("net", "10.1.0.0/24", host("vm1", "10.1.0.5")))
    reconciler.intents.apply(red)
    return reconciler


def test_before_the_first_pass_there_is_only_the_report(reconciler: Reconciler) -> None:
    """Nothing has been compiled."""
    assert describe(reconciler)["last_pass"] is None


def test_everything_can_be_seen(reconciler: Reconciler, tmp_path: Path) -> None:
    """Over the socket, as JSON."""
    reconciler.note_synced()
    reconciler.step()
    reconciler.step()
    path = tmp_path / "look.sock"
    LookingGlass(path, reconciler).start()
    seen = json.loads(read_look(path))
    done = seen["last_pass"]
    assert seen["report"]["vrfs"][0]["is_in_force"] is True
    assert [each["prefix"] for each in done["advertised"]] == ["10.1.0.5/32"]
    assert [each["prefix"] for each in done["rib_in"]] == ["10.2.0.7/32"]
    assert done["ports"] == {"core": 1, "circuits": {"pe-net": 100}, "hosts": ["vm1"]}
    assert done["numbers"] == [{"vpns": ["red"], "vrf": 1, "label": 1000, "label_ipv6": None}]
    assert any("10.2.0.7" in flow for flow in done["flows"])
    assert (path.stat().st_mode & 0o777) == 0o600


def test_a_socket_that_cannot_be_had_does_not_keep_the_agent_from_working(
    reconciler: Reconciler, tmp_path: Path
) -> None:
    """It is logged."""
    blocked = tmp_path / "file"
    blocked.touch()
    LookingGlass(blocked / "look.sock", reconciler).start()
