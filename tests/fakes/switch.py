# SPDX-License-Identifier: Apache-2.0
"""A software switch: executes flows on packets as Open vSwitch does, and fails on purpose.

It is a ``FlowWriter`` with a memory: like the real one it sends only the difference from what it
wrote last, unless told to forget. It refuses flows that the pipeline does not allow, and actions
whose prerequisites are not met, both of which Open vSwitch would refuse or drop in silence.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from isthmus.model.errors import EdgeError, SwitchRefused, SwitchUnreachable
from isthmus.model.flow import (
    Flow,
)
from isthmus.pe_agent.compile.pipeline import IllegalFlow, check_flows
from isthmus.pe_agent.openflow.writer import FlowDifference, InstalledFlow
from tests.fakes.journey import Journey, Outcome
from tests.fakes.packet import (
    Packet,
)


class FakeSwitch:
    """A bridge and its flow writer in one.

    Attributes:
        fail_next_apply: raised by the next ``apply``, which changes nothing.
        is_down: every ``apply`` fails until it is up again.
        installed: what is in the table.
        applied: how often ``apply`` succeeded.
        packets: packets counted by flow.
        chosen: the link every multipath action takes, if it has as many; None for a hash.
    """

    def __init__(self) -> None:
        self.fail_next_apply: EdgeError | None = None
        self.is_down = False
        self.installed: frozenset[Flow] = frozenset()
        self.applied = 0
        self.packets: Counter[Flow] = Counter()
        self.chosen: int | None = None
        self._written: frozenset[Flow] | None = None
        self._tables: dict[int, list[Flow]] = {}
        self._of_vrf: dict[tuple[int, str], list[Flow]] = {}

    def apply(self, flows: frozenset[Flow]) -> None:
        """Make ``flows`` the whole table; see ``FlowWriter``."""
        if self.is_down:
            self._written = None
            raise SwitchUnreachable("The switch is down.")
        if self.fail_next_apply is not None:
            failure, self.fail_next_apply = self.fail_next_apply, None
            raise failure
        try:
            check_flows(flows)
        except IllegalFlow as error:
            raise SwitchRefused(str(error)) from error
        if self._written is None:
            table = {flow.key: flow for flow in flows}
        else:
            kept = {flow.key for flow in flows}
            gone = {flow.key for flow in self._written if flow.key not in kept}
            table = {flow.key: flow for flow in self.installed if flow.key not in gone}
            table |= {flow.key: flow for flow in flows - self._written}
        self._written = flows
        self.applied += 1
        self._install(frozenset(table.values()))

    def forget(self) -> None:
        """Assume nothing about what is installed."""
        self._written = None

    def read(self) -> tuple[InstalledFlow, ...]:
        """Read the whole table back, in the words it was written in."""
        if self.is_down:
            raise SwitchUnreachable("The switch is down.")
        return _in_order(_as_read(flow, self.packets[flow]) for flow in self.installed)

    def difference(self, flows: frozenset[Flow]) -> FlowDifference:
        """Compare the table with ``flows``."""
        if self.is_down:
            raise SwitchUnreachable("The switch is down.")
        return FlowDifference(
            missing=_in_order(_as_read(flow) for flow in flows - self.installed),
            unexpected=_in_order(_as_read(flow) for flow in self.installed - flows),
        )

    def restart(self) -> None:
        """Lose every flow, as a switch does that was killed; its writer does not know."""
        self.is_down = False
        self._install(frozenset())

    def count(self, cookie: int) -> int:
        """Return how many packets flows with ``cookie`` have matched."""
        return sum(number for flow, number in self.packets.items() if flow.cookie == cookie)

    def receive(self, in_port: int, packet: Packet) -> Outcome:
        """Send ``packet`` in by ``in_port`` and return what comes of it."""
        journey = Journey(self, in_port, packet)
        journey.look_up(0, 0)
        return journey.outcome

    def best(self, table: int, packet: Journey) -> Flow | None:
        """Return the flow of ``table`` with the highest priority that matches, and count it."""
        metadata = str(packet.metadata)
        flows = self._of_vrf.get((table, metadata))
        if flows is None:
            # Most flows are of some VRF, and a packet is of one.
            flows = [
                flow
                for flow in self._tables.get(table, ())
                if dict(flow.match).get("metadata", metadata) == metadata
            ]
            self._of_vrf[table, metadata] = flows
        for flow in flows:
            if all(packet.matches(name, value) for name, value in flow.match):
                self.packets[flow] += 1
                return flow
        return None

    def _install(self, flows: frozenset[Flow]) -> None:
        self.installed = flows
        self.packets = Counter({flow: self.packets[flow] for flow in flows & self.packets.keys()})
        self._tables = {}
        self._of_vrf = {}
        for flow in sorted(flows, key=lambda flow: -flow.priority):
            self._tables.setdefault(flow.table, []).append(flow)


def _as_read(flow: Flow, packets: int = 0) -> InstalledFlow:
    match = ",".join(f"{name}={value}" for name, value in flow.match)
    actions = ",".join(str(action) for action in flow.actions)
    return InstalledFlow(flow.table, flow.priority, match, actions, flow.cookie, packets)


def _in_order(flows: Iterable[InstalledFlow]) -> tuple[InstalledFlow, ...]:
    return tuple(sorted(flows, key=lambda flow: (flow.table, -flow.priority, flow.match)))
