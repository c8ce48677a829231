# SPDX-License-Identifier: Apache-2.0
"""What the agent holds at one moment, as values that do not change while they are looked at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from isthmus.model.errors import InvalidValue
from isthmus.model.intent import VrfIntent
from isthmus.model.report import PeReport
from isthmus.pe_agent.bgp.speaker import RibIn
from isthmus.pe_agent.compile.inputs import Compiled, Numbers
from isthmus.pe_agent.install import Edges
from isthmus.pe_agent.openflow.writer import SwitchPorts
from isthmus.pe_agent.reconcile import Pass, Reconciler

Row = Mapping[str, Any]
Tables = dict[str, list[Row]]
Responses = Mapping[int, Mapping[str, int]]


class NoSuchVpn(InvalidValue):
    """This PE has no such VPN, or several that begin so."""


@dataclass(frozen=True, slots=True)
class View:
    """Everything at one moment.

    Attributes:
        report: what is in force, and the BGP neighbors.
        waits_for: what the next pass waits for, sentences; empty if for nothing.
        intents: VPN id → the newest intent.
        ports: what is plugged now; None while that is unknown.
        rib: what neighbors have told so far.
        done: the last pass; None before the first.
        responses: VRF number → what became of the packets its hosts had the switch hand over.
    """

    report: PeReport
    waits_for: tuple[str, ...]
    intents: Mapping[str, VrfIntent]
    ports: SwitchPorts | None
    rib: RibIn
    done: Pass | None
    responses: Responses = field(default_factory=dict)

    @property
    def compiled(self) -> Compiled | None:
        """What the last pass made, if it could."""
        return None if self.done is None else self.done.salvaged.compiled

    @property
    def numbers(self) -> Numbers:
        """The VRF numbers and labels given out."""
        if self.compiled is not None:
            return self.compiled.numbers
        return Numbers() if self.done is None else self.done.inputs.numbers

    def vrf_numbers(self, vpn_id: str) -> frozenset[int]:
        """The VRFs on this PE that a VPN takes part in."""
        return frozenset(n for key, n in self.numbers.by_vrf.items() if vpn_id in key)

    def vpn_labels(self, vpn_id: str) -> frozenset[int]:
        """The labels under which this PE takes packets for a VPN."""
        return frozenset(n for (key, _), n in self.numbers.labels.items() if vpn_id in key)


def take_view(reconciler: Reconciler, edges: Edges, responses: Responses) -> View:
    """Read what there is; never waits for anything."""
    return View(
        report=reconciler.report(),
        waits_for=reconciler.waits_for(),
        intents=reconciler.intents.snapshot(),
        ports=edges.ports.ports(),
        rib=edges.speaker.rib(),
        done=reconciler.last_pass(),
        responses=responses,
    )


def find_vpn(view: View, given: str) -> str:
    """Return the id of the VPN whose id begins with ``given``.

    Raises:
        NoSuchVpn: there is none, or more than one.
    """
    known = sorted(view.intents.keys() | {v for key in view.numbers.by_vrf for v in key})
    if given in known:
        return given
    found = [vpn_id for vpn_id in known if given and vpn_id.startswith(given)]
    if len(found) == 1:
        return found[0]
    raise NoSuchVpn(
        f"{len(found) or 'No'} VPNs on this PE have an id that begins with '{given}'; "
        f"'isthmus-pe-agent look' lists them."
    )
