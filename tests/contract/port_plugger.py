# SPDX-License-Identifier: Apache-2.0
"""What every ``PortPlugger`` promises; run over the fake here, over the real one in functional."""

from __future__ import annotations

import threading
from typing import Protocol

import pytest

from isthmus.model.errors import SwitchUnreachable
from isthmus.pe_agent.openflow.writer import PortPlugger, SwitchPorts

NET_A = "0a6b7c8d-0000-4000-8000-000000000001"
NET_B = "0b6b7c8d-0000-4000-8000-000000000002"
VM = "0c6b7c8d-0000-4000-8000-000000000003"


class PluggedSwitch(Protocol):
    """A switch, and a plugger that has not been started."""

    plugger: PortPlugger

    def plug_vm(self, port_id: str) -> None:
        """Plug a VM into the integration bridge."""

    def unplug_vm(self, port_id: str) -> None:
        """Unplug it."""

    def go_away(self) -> None:
        """Stop taking changes."""

    def come_back(self) -> None:
        """Take changes again."""


class Following:
    """A started plugger, waited for."""

    def __init__(self, switch: PluggedSwitch) -> None:
        self.plugger = switch.plugger
        self._changes = threading.Condition()
        self.plugger.start(self._note)

    def _note(self) -> None:
        with self._changes:
            self._changes.notify_all()

    def ports(self) -> SwitchPorts:
        """Return what is plugged, once the switch has been read."""
        self.until(lambda ports: True)
        ports = self.plugger.ports()
        assert ports is not None
        return ports

    def until(self, is_so: object) -> None:
        """Wait until the ports are so; only ``on_change`` makes it look again."""
        assert callable(is_so)
        with self._changes:
            assert self._changes.wait_for(
                lambda: (ports := self.plugger.ports()) is not None and is_so(ports), 5
            )


class PortPluggerContract:
    """Inherited with a fixture ``plugged_switch``."""

    @pytest.fixture
    def following(self, plugged_switch: PluggedSwitch) -> object:
        """A started plugger whose core port is there."""
        following = Following(plugged_switch)
        following.until(lambda ports: ports.core is not None)
        yield following
        plugged_switch.plugger.stop()

    def test_circuits_get_ports_of_their_own(self, following: Following) -> None:
        """One each, none of them the core's."""
        following.plugger.plug(frozenset({NET_A, NET_B}))
        following.until(lambda ports: ports.circuits.keys() == {NET_A, NET_B})
        ports = following.ports()
        assert len({*ports.circuits.values(), ports.core}) == 3

    def test_what_is_not_wanted_is_unplugged_and_the_rest_not_touched(
        self, following: Following
    ) -> None:
        """A plug that is right keeps its port."""
        following.plugger.plug(frozenset({NET_A, NET_B}))
        following.until(lambda ports: len(ports.circuits) == 2)
        before = following.ports().circuits[NET_B]
        following.plugger.plug(frozenset({NET_B}))
        following.until(lambda ports: ports.circuits == {NET_B: before})

    def test_a_port_number_is_not_given_again_at_once(self, following: Following) -> None:
        """Flows of its last owner may still be there."""
        following.plugger.plug(frozenset({NET_A}))
        following.until(lambda ports: NET_A in ports.circuits)
        before = following.ports().circuits[NET_A]
        following.plugger.plug(frozenset())
        following.until(lambda ports: not ports.circuits)
        following.plugger.plug(frozenset({NET_B}))
        following.until(lambda ports: NET_B in ports.circuits)
        assert following.ports().circuits[NET_B] != before

    def test_plugged_vms_are_seen_and_attachments_are_none(
        self, following: Following, plugged_switch: PluggedSwitch
    ) -> None:
        """They come and go by other hands."""
        following.plugger.plug(frozenset({NET_A}))
        plugged_switch.plug_vm(VM)
        following.until(lambda ports: ports.hosts == {VM})
        plugged_switch.unplug_vm(VM)
        following.until(lambda ports: ports.hosts == frozenset())

    def test_a_switch_that_takes_no_changes_may_be_asked_again(
        self, following: Following, plugged_switch: PluggedSwitch
    ) -> None:
        """What was known stays known."""
        following.plugger.plug(frozenset({NET_A}))
        following.until(lambda ports: NET_A in ports.circuits)
        plugged_switch.go_away()
        with pytest.raises(SwitchUnreachable) as unreachable:
            following.plugger.plug(frozenset({NET_A, NET_B}))
        assert unreachable.value.retryable
        assert NET_A in following.ports().circuits
        plugged_switch.come_back()
        following.until(lambda ports: NET_A in ports.circuits)
        _insist(following.plugger, frozenset({NET_A, NET_B}))
        following.until(lambda ports: NET_B in ports.circuits)


def _insist(plugger: PortPlugger, circuits: frozenset[str]) -> None:
    pause = threading.Event()
    for _ in range(100):
        try:
            plugger.plug(circuits)
        except SwitchUnreachable:
            pause.wait(0.1)
        else:
            return
    pytest.fail("The switch did not come back.")
