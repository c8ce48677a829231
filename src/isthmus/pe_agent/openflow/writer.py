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
    """

    core: int | None
    circuits: Mapping[str, int]
    hosts: frozenset[str]
    epoch: str


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
