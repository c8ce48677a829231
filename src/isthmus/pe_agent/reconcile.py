# SPDX-License-Identifier: Apache-2.0
"""The one loop: gather what is known, compile what should be, make it so, report.

Every pass works from the state as it is; what woke it does not matter. Nothing is done before the
last intent, the switch's ports and the neighbors' routes are known: the flows and routes of the
agent's former life go on until it knows better. Until then routes that are heard cost no pass: they
change flows alone.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from ipaddress import IPv4Address

from isthmus.model.errors import EdgeError
from isthmus.model.intent import Migration, VrfIntent
from isthmus.model.report import PeReport, VrfReport
from isthmus.pe_agent.arrivals import Arrivals
from isthmus.pe_agent.bgp.speaker import RibIn
from isthmus.pe_agent.compile.inputs import Inputs, Numbers
from isthmus.pe_agent.compile.neighbor_discovery import Link
from isthmus.pe_agent.figures import Figures, count
from isthmus.pe_agent.inputs import Intents
from isthmus.pe_agent.install import Edges, Installer
from isthmus.pe_agent.openflow.writer import SwitchPorts
from isthmus.pe_agent.salvage import Compile, Salvaged, compile_all_or_most
from isthmus.pe_agent.state import Memory, StateFile

Links = Mapping[int, Link]

LOG = logging.getLogger(__name__)

# Without any memory of a former life the server is asked first; but it may be away for long.
FIRST_SYNC_WAIT_S = 30.0
_GATEWAYS_WAIT_S = 1.0
_FIRST_RETRY_S = 0.1
_LONGEST_RETRY_S = 5.0
_REFUSED_RETRY_S = 10.0
_WAITING_FOR_BGP = "Waiting for the BGP neighbors to send their routes after a start."


@dataclass(frozen=True, slots=True)
class Identity:
    """Who this PE is, and what the server should know of it.

    Attributes:
        name: to the server.
        address: to other PEs.
        is_gateway: whether it may be one.
        core_payload: largest IP packet its core link carries, in octets.
    """

    name: str
    address: IPv4Address
    is_gateway: bool = False
    core_payload: int | None = None


@dataclass(frozen=True, slots=True)
class Pass:
    """What one pass worked with and how it went.

    Attributes:
        inputs: what was compiled.
        salvaged: what came of it.
        rib: what neighbors had told.
        failures: what the edges did not do, sentences for the operator.
        may_write_flows: whether enough was known to replace the flows of a former life.
        seconds: how long it took.
    """

    inputs: Inputs
    salvaged: Salvaged
    rib: RibIn
    failures: tuple[str, ...]
    may_write_flows: bool
    seconds: float


class Reconciler:
    """Runs the loop in its caller's thread.

    Args:
        edges: what is acted on.
        compile_: the pure core, with this PE's configuration filled in.
        state_file: where intents and numbers are kept.
        identity: who this PE is.
        clock: seconds that only grow.
    """

    def __init__(
        self,
        edges: Edges,
        compile_: Compile,
        state_file: StateFile,
        identity: Identity,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._edges = edges
        self._installer = Installer(edges)
        self._compile = compile_
        self._state_file = state_file
        self._identity = identity
        self._clock = clock
        self._saved = state_file.load()
        self._numbers = self._saved.numbers if self._saved else Numbers()
        known = self._saved.intents.values() if self._saved else ()
        self.intents = Intents(known, self.wake)
        self.arrivals = Arrivals(self.wake)
        self._has_intent = self._saved is not None
        self._started_at = clock()
        self._in_force: Mapping[str, int] = {}
        self._reasons: Mapping[str, str] = {}
        self._last_error = ""
        self._retry_s = _FIRST_RETRY_S
        self._last_pass: Pass | None = None
        self._told: PeReport | None = None
        self._tell: Callable[[PeReport], None] = lambda _: None
        self._take_leave: Callable[[Links], None] = lambda _: None
        self._wake = threading.Event()
        self._is_stopping = False
        self._is_idle = threading.Event()
        self._is_idle.set()

    def wake(self) -> None:
        """Have another pass soon: something may have changed. From any thread."""
        self._wake.set()

    def note_synced(self) -> None:
        """Note that the server has said all it knows. From any thread."""
        if not self._has_intent:
            self._has_intent = True
            self.wake()

    def stop(self) -> None:
        """Let ``run`` return after the pass it is in; flows and routes stay. From any thread."""
        self._is_stopping = True
        self.wake()

    def report(self) -> PeReport:
        """Report what is in force of what was asked, with figures. From any thread."""
        done = self._last_pass
        if done is None or done.salvaged.compiled is None:
            return self._report({})
        return self._report(count(done.inputs, done.salvaged.compiled))

    def _report(self, figures: Mapping[str, Figures]) -> PeReport:
        in_force, reasons = self._in_force, self._reasons
        none = Figures()
        vrfs = tuple(
            VrfReport(
                vpn_id=vpn_id,
                generation=intent.generation,
                is_in_force=in_force.get(vpn_id) == intent.generation,
                reason=reasons.get(vpn_id, ""),
                labels=(found := figures.get(vpn_id, none)).labels,
                routes_sent=found.routes_sent,
                routes_received=found.routes_received,
            )
            for vpn_id, intent in sorted(self.intents.snapshot().items())
        )
        neighbors = self._edges.speaker.rib().neighbors
        pe = self._identity
        return PeReport(
            pe.name, pe.address, vrfs, neighbors, pe.is_gateway, pe.core_payload, self._last_error
        )

    def last_pass(self) -> Pass | None:
        """Return what the last pass worked with; None before the first. From any thread."""
        return self._last_pass

    @property
    def is_busy(self) -> bool:
        """Whether a pass is under way. From any thread."""
        return not self._is_idle.is_set()

    def wait_until_idle(self, within_s: float) -> None:
        """Return once no pass is under way, or after ``within_s``. From any thread."""
        self._is_idle.wait(within_s)

    def waits_for(self) -> tuple[str, ...]:
        """Say what keeps the next pass from doing all it could, in sentences. From any thread."""
        found = []
        if not self._has_intent:
            found.append("Waiting for the server to tell what is wanted.")
        if self._edges.ports.ports() is None:
            found.append("Waiting for Open vSwitch's database.")
        if not (self._edges.speaker.rib().is_complete or self._installer.has_written_flows):
            found.append(_WAITING_FOR_BGP)
        return tuple(found)

    def run(
        self,
        tell: Callable[[PeReport], None],
        after_pass: Callable[[], None] = lambda: None,
        take_leave: Callable[[Links], None] = lambda _: None,
    ) -> None:
        """Reconcile whenever woken, until stopped. Nothing that fails ends the loop.

        Args:
            tell: is given each report that differs.
            after_pass: is called after each pass.
            take_leave: is given the links whose router goes, while they are still plugged.
        """
        self._tell, self._take_leave = tell, take_leave
        again_s: float | None = 0.0
        while not self._is_stopping:
            self._wake.wait(again_s)
            self._is_idle.clear()
            self._wake.clear()
            try:
                again_s = self.step()
            except Exception:
                LOG.exception("reconcile.failed retry_s=%s", _LONGEST_RETRY_S)
                again_s = _LONGEST_RETRY_S
            self._is_idle.set()
            after_pass()

    def step(self) -> float | None:
        """Do one pass; return after how many seconds to do another unless woken, None for never."""
        if self._is_stopping:
            return None
        began = self._clock()
        wait_s = 0.0 if self._has_intent else self._started_at + FIRST_SYNC_WAIT_S - began
        ports = self._edges.ports.ports()
        if ports is None or wait_s > 0:
            return wait_s if wait_s > 0 else None
        intents = self.intents.snapshot()
        self._edges.speaker.core_link(is_up=ports.has_core_link)
        wait_s = self._wait_for_gateways(intents, began)
        if wait_s > 0:
            return wait_s
        circuits = _wanted_circuits(intents, ports)
        errors = self._installer.plug(circuits, ports)
        ports = self._edges.ports.ports() or ports
        rib = self._edges.speaker.rib()
        inputs = self._gather(intents, ports, rib)
        may_write_flows = rib.is_complete or self._installer.has_written_flows
        if not may_write_flows and not errors and has_done_all_but_flows(self._last_pass, inputs):
            self._remember(intents, self._numbers, only_numbers=False)
            return self._delay(errors)
        salvaged = compile_all_or_most(self._compile, inputs)
        if salvaged.compiled is not None:
            self.arrivals.forget_others(salvaged.compiled.arriving.values())
            self._remember(intents, salvaged.compiled.numbers, only_numbers=True)
            errors += self._installer.install(
                salvaged.compiled, ports.epoch, may_write_flows=may_write_flows
            )
            errors += self._installer.meet_gateways()
            if may_write_flows and not errors:
                if links := _links_to_go(self._last_pass, circuits, ports):
                    self._take_leave(links)
                errors += self._installer.unplug(circuits, ports)
        failures = tuple(error.for_operator for error in errors)
        seconds = self._clock() - began
        self._conclude(Pass(inputs, salvaged, rib, failures, may_write_flows, seconds))
        self._remember(intents, self._numbers, only_numbers=False)
        return self._delay(errors)

    def _gather(self, intents: Mapping[str, VrfIntent], ports: SwitchPorts, rib: RibIn) -> Inputs:
        return Inputs(
            intents=intents,
            routes=rib.routes,
            core_port=ports.core,
            circuit_ports=ports.circuits,
            plugged_hosts=ports.hosts,
            numbers=self._numbers,
            gateways=rib.gateways,
            labelled=rib.labelled,
            arrived=self.arrivals.snapshot(),
            next_hop_macs=self._edges.resolve(frozenset(one.next_hop for one in rib.labelled)),
        )

    def _wait_for_gateways(self, intents: Mapping[str, VrfIntent], now: float) -> float:
        """How long to wait, after a start, until it is seen which gateways are alive.

        A daemon that runs knows at once. Else this PE would take itself for one of several, or for
        the only one, and tell neighbors so.
        """
        if self._last_pass is not None or self._edges.speaker.rib().gateways.is_settled:
            return 0.0
        if not any(circuit.gateways for i in intents.values() for circuit in i.circuits):
            return 0.0
        return self._started_at + _GATEWAYS_WAIT_S - now

    def _conclude(self, done: Pass) -> None:
        """Work out what is in force now, and tell if that is news."""
        self._last_pass = done
        compiled = done.salvaged.compiled
        problems = dict(compiled.problems) if compiled is not None else {}
        problems |= done.salvaged.refused
        if done.failures:
            sentence = self._last_error = " ".join(done.failures)
            problems |= dict.fromkeys(done.inputs.intents, sentence)
        elif not done.may_write_flows:
            problems |= dict.fromkeys(done.inputs.intents, _WAITING_FOR_BGP)
        elif compiled is not None:
            self._in_force = {
                vpn_id: intent.generation
                for vpn_id, intent in done.inputs.intents.items()
                if vpn_id not in done.salvaged.refused and _has_its_ports(intent, done.inputs)
            }
        self._reasons = problems
        # Counting is left to whoever asks: a route that comes or goes is no news by itself.
        essence = self._report({})
        if essence != self._told and done.may_write_flows:
            self._told = essence
            self._tell(self.report())

    def _remember(
        self, intents: Mapping[str, VrfIntent], numbers: Numbers, *, only_numbers: bool
    ) -> None:
        """Put on disk what changed; a full disk does not keep packets from being forwarded."""
        self._numbers = numbers
        saved = self._saved
        if saved is not None and saved.numbers == numbers:
            if only_numbers or saved.intents == intents:
                return
        elif saved is None and only_numbers and numbers == Numbers():
            return
        memory = Memory(intents, numbers)
        try:
            self._state_file.save(memory)
        except OSError as error:
            LOG.error("state.not_saved error=%r do=make_room_on_the_disk", error)
            return
        self._saved = memory

    def _delay(self, errors: list[EdgeError]) -> float | None:
        if not errors:
            self._retry_s = _FIRST_RETRY_S
            return None
        for error in errors:
            LOG.warning("reconcile.edge_failed retryable=%s error=%r", error.retryable, str(error))
        if not any(error.retryable for error in errors):
            return _REFUSED_RETRY_S
        delay, self._retry_s = self._retry_s, min(self._retry_s * 2, _LONGEST_RETRY_S)
        return delay


def has_done_all_but_flows(last: Pass | None, inputs: Inputs) -> bool:
    """Whether a pass that may not write flows would do with ``inputs`` what ``last`` has done."""
    if last is None or last.failures or last.salvaged.refused or last.salvaged.compiled is None:
        return False
    settled = replace(last.inputs, numbers=last.salvaged.compiled.numbers)
    return inputs.without_others() == settled.without_others()


def _wanted_circuits(intents: Mapping[str, VrfIntent], ports: SwitchPorts) -> frozenset[str]:
    """Return the circuits to be plugged by now.

    Where nobody is but VMs that are arriving, OVN first has to know of one of them: OVN 23.03 does
    not flood to a localport that came in between, and their RARP requests would not be heard.
    """
    return frozenset(
        circuit.port_id
        for intent in intents.values()
        for circuit in intent.circuits
        if circuit.port_id in ports.circuits
        or circuit.gateways
        or not circuit.hosts
        or any(
            host.migration is not Migration.ARRIVING or host.port_id in ports.installed
            for host in circuit.hosts
        )
    )


def _has_its_ports(intent: VrfIntent, inputs: Inputs) -> bool:
    return inputs.core_port is not None and all(
        circuit.port_id in inputs.circuit_ports for circuit in intent.circuits
    )


def _links_to_go(last: Pass | None, circuits: frozenset[str], ports: SwitchPorts) -> Links:
    """Find the links that are plugged, were served until now and are wanted no more."""
    if last is None or last.salvaged.compiled is None:
        return {}
    gone = {port for port_id, port in ports.circuits.items() if port_id not in circuits}
    return {port: link for port, link in last.salvaged.compiled.links.items() if port in gone}
