# SPDX-License-Identifier: Apache-2.0
"""What the agent asks of a switch, whichever it is."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from isthmus.model.flow import Flow


@dataclass(frozen=True, slots=True)
class SwitchPorts:
    """What is plugged, as the switch tells it.

    Attributes:
        core: OpenFlow port of the PE bridge that leads to the core; None while there is none.
        circuits: Neutron port id of an attachment → OpenFlow port on the PE bridge.
        hosts: Neutron port ids (``iface-id``) that are plugged into the integration bridge.
        epoch: differs after each restart of the switch, when its flows are gone.
        has_core_link: False once the core bridge's NICs have all lost their link.
        installed: those of ``hosts`` for which OVN has installed its flows.
    """

    core: int | None
    circuits: Mapping[str, int]
    hosts: frozenset[str]
    epoch: str
    has_core_link: bool = True
    installed: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class InstalledFlow:
    """A flow entry as a switch tells it, in the switch's own words.

    Attributes:
        table: table number.
        priority: the highest that matches wins.
        match: its fields.
        actions: in order.
        cookie: what the flow belongs to.
        packets: how many it has counted.
        octets: of those packets.
    """

    table: int
    priority: int
    match: str
    actions: str
    cookie: int = 0
    packets: int = 0
    octets: int = 0


@dataclass(frozen=True, slots=True)
class FlowDifference:
    """What a switch has against what it should have, counters aside.

    A flow with other actions or another cookie is in both.

    Attributes:
        missing: should be there and are not.
        unexpected: are there and should not.
    """

    missing: tuple[InstalledFlow, ...]
    unexpected: tuple[InstalledFlow, ...]


class FlowWriter(Protocol):
    """The PE bridge's flow table."""

    def apply(self, flows: frozenset[Flow]) -> None:
        """Make ``flows`` the whole table, atomically. Idempotent.

        Traffic matched by a flow that stays is not disturbed.

        Raises:
            SwitchUnreachable: retry; the table is as it was, or empty after a restart.
            SwitchRefused: a flow is illegal; the table is as it was.
        """

    def forget(self) -> None:
        """Assume nothing about what is installed: the next ``apply`` reads it back."""

    def read(self) -> tuple[InstalledFlow, ...]:
        """Read the whole table back, in order of table and falling priority.

        From any thread; what ``apply`` does meanwhile is seen whole or not at all.

        Raises:
            SwitchUnreachable: nothing is known.
        """

    def difference(self, flows: frozenset[Flow]) -> FlowDifference:
        """Read the table back and compare it with ``flows``; change nothing. From any thread.

        Raises:
            SwitchUnreachable: nothing is known.
        """


class PacketTracer(Protocol):
    """Tells what the switch would do with a packet, without sending one."""

    def trace(self, fields: Mapping[str, str]) -> tuple[tuple[int, int, int], ...]:
        """Return the flows of the PE bridge that a packet meets: table, priority and cookie.

        In order; what branches off is among them. A priority of -1 stands where none matched.

        Args:
            fields: of the packet, ``in_port`` among them, as ovs-ofctl names and writes them.

        Raises:
            SwitchUnreachable: nothing is known.
        """


class PortPlugger(Protocol):
    """The attachments: where Neutron's integration bridge meets the PE bridge."""

    def start(self, on_change: Callable[[], None]) -> None:
        """Make the PE bridge and its core port, and follow the switch.

        ``on_change`` is called, from any thread, when ``ports`` changed.
        """

    def plug(self, circuits: frozenset[str]) -> None:
        """Make the Neutron ports ``circuits`` all that is plugged. Idempotent.

        A plug that is right is never touched.

        Raises:
            SwitchUnreachable: retry.
        """

    def ports(self) -> SwitchPorts | None:
        """Return what is plugged; None until the switch has been read. Never blocks."""

    def stop(self) -> None:
        """Stop following; everything stays plugged."""
