# SPDX-License-Identifier: Apache-2.0
"""Paths through the golden cases are as written down, and end at the first step that fails."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address

import pytest

from isthmus.model.intent import Migration
from isthmus.pe_agent.compile.inputs import Inputs
from isthmus.pe_agent.trace.origin import UnclearOrigin, find_origin
from isthmus.pe_agent.trace.path import Question, trace
from tests.actors import (
    CORE_PORT,
    HOSTS,
    PE2,
    PE3,
    PORTS,
    RED_WEST,
    circuit,
    compiled,
    host,
    intent,
    provider_edge,
    route,
)
from tests.cases.traces import AskedPath, all_paths


@pytest.mark.parametrize("path", all_paths(), ids=lambda path: f"{path.case}: {path.asked}")
def test_a_path_is_as_written_down(path: AskedPath) -> None:
    """``python -m tests.cases.traces`` writes them anew."""
    assert path.lines() == list(path.expected)


def test_several_equal_paths_are_all_named() -> None:
    """Two PEs with the same label: the LSP tells which is meant."""
    routes = frozenset({route("10.2.0.0/24", PE2), route("10.2.0.0/24", PE3)})
    red = intent("red", RED_WEST)
    done = compiled(red, routes=routes)
    inputs = Inputs({"red": red}, routes, CORE_PORT, PORTS, HOSTS, done.numbers)
    path = trace(provider_edge(), inputs, done, Question(IPv4Address("10.2.0.9"), "ce-red-1"))
    assert path.failed is None
    assert len(path.checks[0]) == 2
    (other,) = path.others
    transport = next(step.says for step in path.steps if step.name == "transport")
    assert {PE2 if str(PE2) in says else PE3 for says in (transport, other)} == {PE2, PE3}
    assert path.far in ((PE2, 1000), (PE3, 1000))


def test_a_vm_on_its_way_here_is_named_as_such() -> None:
    """Nobody who advertises it is known: the host it leaves is no PE."""
    vm = replace(host("vm-two", "10.3.0.6"), migration=Migration.ARRIVING)
    red = intent("red", RED_WEST, circuit("red-more", "10.3.0.0/24", vm))
    plugged = HOSTS | {"vm-two"}
    ports = {**PORTS, "pe-red-more": 77}
    done = compiled(red, circuit_ports=ports, plugged=plugged)
    inputs = Inputs({"red": red}, frozenset(), CORE_PORT, ports, plugged, done.numbers)
    path = trace(provider_edge(), inputs, done, Question(IPv4Address("10.3.0.6"), "ce-red-1"))
    assert path.failed is not None
    assert "only on its way to this host" in path.failed.says


def test_a_vm_is_found_by_port_mac_or_address() -> None:
    """By the beginning of its port's id too."""
    red = intent("red", circuit("net", "10.1.0.0/24", host("vm-one", "10.1.0.5")))
    by_port = find_origin({"red": red}, "vm-one")
    for called in ("vm-o", by_port.host.mac, by_port.host.mac.upper(), "10.1.0.5"):
        assert find_origin({"red": red}, called) == by_port


def test_an_address_of_two_tenants_is_not_guessed() -> None:
    """The operator names the port."""
    red = intent("red", circuit("net", "10.1.0.0/24", host("vm-one", "10.1.0.5")))
    blue = intent("blue", circuit("net2", "10.1.0.0/24", host("vm-two", "10.1.0.5")))
    with pytest.raises(UnclearOrigin, match="Name the port"):
        find_origin({"red": red, "blue": blue}, "10.1.0.5")
    with pytest.raises(UnclearOrigin, match="look intent"):
        find_origin({"red": red}, "10.9.0.5")
