# SPDX-License-Identifier: Apache-2.0
"""A switch that tells what it would do: the pure walk over what is really installed."""

from __future__ import annotations

from collections.abc import Mapping

from isthmus.model.errors import SwitchUnreachable
from isthmus.pe_agent.trace.walk import Packet, Walker
from tests.fakes.switch import FakeSwitch


class FakeTracer:
    """A ``PacketTracer`` over a `FakeSwitch`; away when that is down."""

    def __init__(self, switch: FakeSwitch) -> None:
        self._switch = switch

    def trace(self, fields: Mapping[str, str]) -> tuple[tuple[int, int, int], ...]:
        """Return the flows a packet meets."""
        if self._switch.is_down:
            raise SwitchUnreachable("The switch is down.")
        label = fields.get("mpls_label")
        walk = Walker(self._switch.installed).walk(
            Packet(fields, labels=() if label is None else (int(label),))
        )
        met = [(flow.table, flow.priority, flow.cookie) for flow in walk.flows]
        if walk.missed is not None:
            met.append((walk.missed, -1, 0))
        return tuple(met)
