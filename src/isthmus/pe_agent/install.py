# SPDX-License-Identifier: Apache-2.0
"""Make compiled routes and flows real, in an order that loses no packet.

plug        circuits that are new; those to go stay for now
withdraw    routes that are gone, so that no neighbor sends into nothing; and change those whose
            flows are there already, such as one with other route targets
flows       as one bundle
advertise   routes that are new, now that their flows are there; and ask for those that are imported
unplug      circuits that no flow uses any more
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address

from isthmus.model.errors import EdgeError
from isthmus.model.flow import Flow
from isthmus.model.ids import RouteTarget
from isthmus.model.route import VpnRoute
from isthmus.pe_agent.bgp.speaker import BgpSpeaker
from isthmus.pe_agent.compile.inputs import Compiled
from isthmus.pe_agent.openflow.writer import FlowWriter, PortPlugger, SwitchPorts

LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Edges:
    """What is acted on, and asked.

    Attributes:
        resolve: returns the MACs of those routers on the core link that answer.
    """

    ports: PortPlugger
    writer: FlowWriter
    speaker: BgpSpeaker
    resolve: Callable[[frozenset[IPv4Address]], Mapping[IPv4Address, str]] = lambda _: {}


class Installer:
    """Remembers what the edges accepted, and tells them what differs.

    What fails is told as an error and tried again by the next call; the other edges still get
    their part where that does no harm.
    """

    def __init__(self, edges: Edges) -> None:
        self._edges = edges
        self._epoch: str | None = None
        self._plugged: frozenset[str] | None = None
        self._routes: frozenset[VpnRoute] | None = None
        self._imports: frozenset[RouteTarget] = frozenset()
        self._flows: frozenset[Flow] | None = None
        self.has_written_flows = False

    def plug(self, circuits: frozenset[str], ports: SwitchPorts) -> list[EdgeError]:
        """Plug ``circuits`` and keep what else is plugged."""
        present = frozenset(ports.circuits)
        if self._plugged is not None and circuits <= self._plugged & present:
            return []
        return self._plug(circuits | present)

    def unplug(self, circuits: frozenset[str], ports: SwitchPorts) -> list[EdgeError]:
        """Make ``circuits`` all that is plugged; to be called once no flow uses the others."""
        if self._plugged == circuits and circuits >= ports.circuits.keys():
            return []
        return self._plug(circuits)

    def install(self, compiled: Compiled, epoch: str, *, may_write_flows: bool) -> list[EdgeError]:
        """Install routes and flows.

        Args:
            compiled: what should be.
            epoch: the life of the switch; in a new one its flows are gone.
            may_write_flows: False leaves the flows of a former life of the agent as they are.
        """
        if epoch != self._epoch:
            self._edges.writer.forget()
            self._flows = None
            self._epoch = epoch
        errors: list[EdgeError] = []
        if self._routes is not None and self._routes != compiled.routes:
            ready = with_flows_already(self._routes, compiled.routes)
            if ready != self._routes:
                errors += self._advertise(ready, self._imports)
        if may_write_flows and self._flows != compiled.flows:
            refused = self._write(compiled.flows)
            if refused:
                # Without flows, what a new route attracts would be lost.
                return errors + refused
        if (self._routes, self._imports) != (compiled.routes, compiled.import_rts):
            errors += self._advertise(compiled.routes, compiled.import_rts)
        return errors

    def meet_gateways(self) -> list[EdgeError]:
        """Let other gateways hear this PE, once flows of this life of the agent are there."""
        if not self.has_written_flows:
            return []
        return _errors_of(self._edges.speaker.meet_gateways)

    def _plug(self, circuits: frozenset[str]) -> list[EdgeError]:
        self._plugged = None
        errors = _errors_of(lambda: self._edges.ports.plug(circuits))
        if not errors:
            self._plugged = circuits
        return errors

    def _advertise(
        self, routes: frozenset[VpnRoute], imports: frozenset[RouteTarget]
    ) -> list[EdgeError]:
        self._routes = None
        errors = _errors_of(lambda: self._edges.speaker.advertise(routes, imports))
        if not errors:
            self._routes, self._imports = routes, imports
        return errors

    def _write(self, flows: frozenset[Flow]) -> list[EdgeError]:
        self._flows = None
        errors = _errors_of(lambda: self._edges.writer.apply(flows))
        if not errors:
            LOG.info("flows.installed count=%d", len(flows))
            self._flows = flows
            self.has_written_flows = True
        return errors


def with_flows_already(
    advertised: frozenset[VpnRoute], wanted: frozenset[VpnRoute]
) -> frozenset[VpnRoute]:
    """Return what can be advertised before any flow is written.

    What is gone is left out. A route whose label stays leads to the flows it led to before, so it
    can change at once; one whose label changes stays as it was until its new flows are there.
    """
    before = {(route.rd, route.prefix): route for route in advertised}
    ready = set()
    for route in wanted:
        old = before.get((route.rd, route.prefix))
        if old is not None:
            ready.add(route if route.label == old.label else old)
    return frozenset(ready)


def _errors_of(act: Callable[[], None]) -> list[EdgeError]:
    try:
        act()
    except EdgeError as error:
        return [error]
    return []
