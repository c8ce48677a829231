# SPDX-License-Identifier: Apache-2.0
"""From the journal to the driver: one VPN at a time, whole, until the driver has accepted it.

    read journal, claim attachments ─▶ lock VPN, read intent, raise generation ─▶ driver.apply
         └─ make their ports meanwhile ────────────────────────────────────┐        │
    delete the journal entries read ◀─ remove attachments nobody needs ◀───┴────────┘

Safe from several workers at once: whoever reads intent later has the greater generation. A change
that comes meanwhile keeps its entry: its attachment has not been ensured.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterable
from concurrent.futures import Executor, Future
from dataclasses import dataclass, replace

from neutron_lib import context as neutron_context
from neutron_lib.context import Context
from neutron_lib.db import api as db_api

from isthmus.db import (
    attachments,
    gateways,
    intent,
    journal,
    models,
    neutron_facts,
    passed_on,
    provider_edges,
    standard_attributes,
    transits,
    vpns,
)
from isthmus.db.records import VpnRecord
from isthmus.drivers.base import VpnDriver
from isthmus.model.errors import IsthmusError
from isthmus.model.intent import VpnIntent
from isthmus.plugin import attach, gateway_mode, gateway_ports, transactions
from isthmus.plugin.gateway_mode import Move
from isthmus.plugin.transit import Transits

LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Picture:
    """What one transaction saw of a VPN.

    Attributes:
        wanted: None if the VPN is gone.
        digest: of ``wanted``, whatever its generation.
        is_new: ``wanted`` differs from what was last sent; its generation was raised.
        pes: every PE of the region.
    """

    wanted: VpnIntent | None
    digest: str
    is_new: bool
    pes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Attaching:
    """Attachments of a VPN on their way.

    Attributes:
        numbers: the journal entries this accounts for.
        router_ids: the VPN's routers, whose routes wait for the attachments.
        refusal: the first of what could not even be begun.
        making: ports being made.
        moves: the networks, and the mode each is to be in.
    """

    numbers: tuple[int, ...]
    router_ids: tuple[str, ...]
    refusal: Exception | None
    making: tuple[Future[None], ...]
    moves: tuple[Move, ...]


class Dispatcher:
    """Carries one VPN's intent to the driver.

    Args:
        driver: takes it from here.
        makers: where attachments' ports are made.
        transits: makes what routers need.
        mode: in which networks are attached unless their association says otherwise.
    """

    def __init__(
        self,
        driver: VpnDriver,
        makers: Executor,
        transits: Transits,
        mode: str = models.DISTRIBUTED,
    ) -> None:
        self._driver = driver
        self._transits = transits
        self._mode = mode
        # What this process has sent: after a restart everything is sent once more, unchanged.
        self._sent: dict[str, str] = {}
        self._makers = makers

    def dispatch(self, vpn_id: str) -> None:
        """Bring a VPN from the tables to the driver, and its attachments into line.

        PEs are told of a new attachment while its port is being made: both take their time.

        Raises:
            IsthmusError: part of it could not be done; the rest was, and the journal keeps the
                change for the next time.
        """
        attaching = self._begin_attaching(vpn_id)
        trouble = attaching.refusal
        try:
            seen = _take_picture(vpn_id)
            self._send(vpn_id, seen)
        finally:
            failure = _first_failure(attaching.making)
        if failure is not None:
            # Those that could not be made are wanted no more.
            seen = _take_picture(vpn_id)
            self._send(vpn_id, seen)
        for move in attaching.moves:
            gateway_mode.finish(move)
        trouble = trouble or failure
        for router_id in attaching.router_ids:
            trouble = _refusal_of(self._transits.ensure_routes, router_id) or trouble
        _remove_unused(self._transits)
        if trouble is not None:
            raise trouble
        _settle(vpn_id, attaching.numbers)

    def _begin_attaching(self, vpn_id: str) -> _Attaching:
        """Begin what can be; a network that is refused does not keep the others waiting."""
        context = neutron_context.get_admin_context()
        with db_api.CONTEXT_READER.using(context):
            # First of all: what the entries stand for is certain to be read.
            numbers = tuple(journal.read_numbers(context, vpn_id))
            vpn = vpns.read_one(context, vpn_id)
        if vpn is None:
            return _Attaching(numbers, (), None, (), ())
        refusals = [_refusal_of(self._transits.ensure, router_id) for router_id in vpn.router_ids]
        with db_api.CONTEXT_READER.using(context):
            network_ids = _read_network_ids(context, vpn)
            networks = neutron_facts.read_networks(context, network_ids)
            attached = attachments.read(context, network_ids)
            ports = gateways.read_ports(context, network_ids)
            modes = gateways.read_wanted_modes(context, network_ids, self._mode)
            pes = gateways.read_candidates(context)
        moves: list[Move] = []
        making: list[Future[None]] = []
        for network_id, network in networks.items():
            try:
                move = Move(
                    network,
                    attached.get(network_id),
                    ports.get(network_id, ()),
                    modes[network_id],
                    pes,
                )
                gateway_mode.prepare(move)
                work = attach.ensure(network, move.attached, move.mode)
                moves.append(move)
            except IsthmusError as error:
                LOG.warning("attachment.failed network=%s error=%s", network_id, error)
                refusals.append(error)
                continue
            if work is not None:
                making.append(self._makers.submit(work))
        refusal = next((refusal for refusal in refusals if refusal is not None), None)
        return _Attaching(numbers, vpn.router_ids, refusal, tuple(making), tuple(moves))

    def _send(self, vpn_id: str, seen: _Picture) -> None:
        if seen.wanted is None:
            self._driver.remove(vpn_id, seen.pes)
            self._sent.pop(vpn_id, None)
            LOG.info("intent.removed vpn=%s pes=%d", vpn_id, len(seen.pes))
        elif seen.is_new or self._sent.get(vpn_id) != seen.digest:
            self._driver.apply(seen.wanted, seen.pes)
            self._sent[vpn_id] = seen.digest
            _record_dispatched(vpn_id, seen)
            LOG.info(
                "intent.dispatched vpn=%s generation=%d networks=%d pes=%d",
                vpn_id,
                seen.wanted.generation,
                len(seen.wanted.attachments),
                len(seen.pes),
            )


def _refusal_of(work: Callable[[str], None], router_id: str) -> IsthmusError | None:
    """Do something for a router; return why it could not be done."""
    try:
        work(router_id)
    except IsthmusError as error:
        LOG.warning("transit.failed router=%s error=%s", router_id, error)
        return error
    return None


def _read_network_ids(context: Context, vpn: VpnRecord) -> frozenset[str]:
    """Return every network that PEs attach to for a VPN."""
    transited = transits.read(context, router_ids=vpn.router_ids) if vpn.router_ids else {}
    with_ports = neutron_facts.read_port_networks(context, vpn.port_ids)
    ours = (transit.network_id for transit in transited.values())
    return frozenset({*vpn.network_ids, *with_ports.values(), *ours})


def digest_of(wanted: VpnIntent) -> str:
    """Return a digest of an intent that tells differences of anything but its generation."""
    text = repr(
        (
            wanted.vpn_id,
            sorted(str(rt) for rt in wanted.import_rts),
            sorted(str(rt) for rt in wanted.export_rts),
            [str(rd) for rd in wanted.rds],
            wanted.local_pref,
            wanted.attachments,
        )
    )
    return hashlib.sha256(text.encode()).hexdigest()


def _first_failure(making: Iterable[Future[None]]) -> Exception | None:
    """Wait until all is made, and return the first failure."""
    failures = [future.exception() for future in making]
    for failure in failures:
        if isinstance(failure, Exception):
            LOG.warning("attachment.failed error=%s", failure)
    return next((failure for failure in failures if isinstance(failure, Exception)), None)


@db_api.retry_db_errors
def _take_picture(vpn_id: str) -> _Picture:
    context = neutron_context.get_admin_context()
    with db_api.CONTEXT_WRITER.using(context):
        exists = vpns.lock(context, vpn_id)
        pes = tuple(edge.name for edge in provider_edges.read(context))
        wanted = intent.read_intent(context, vpn_id, lock=True) if exists else None
        if wanted is None:
            return _Picture(None, "", is_new=True, pes=pes)
        digest = digest_of(wanted)
        reported = provider_edges.read_greatest_generation(context, vpn_id)
        # A database put back from a copy has forgotten generations that PEs still hold.
        is_new = (
            digest != vpns.read_dispatched_digest(context, vpn_id) or reported > wanted.generation
        )
        if is_new:
            generation = vpns.raise_generation(context, vpn_id, at_least=reported)
            wanted = replace(wanted, generation=generation)
        return _Picture(wanted, digest, is_new, pes)


@db_api.retry_db_errors
def _record_dispatched(vpn_id: str, seen: _Picture) -> None:
    context = neutron_context.get_admin_context()
    with db_api.CONTEXT_WRITER.using(context):
        if seen.wanted is not None:
            vpns.record_dispatched(context, vpn_id, seen.wanted.generation, seen.digest)
        if seen.is_new:
            # Ports of other VPNs may pass on what this one has.
            journal.append(context, passed_on.read_dependents(context, vpn_id))


@db_api.retry_db_errors
def _settle(vpn_id: str, numbers: tuple[int, ...]) -> None:
    context = neutron_context.get_admin_context()
    with db_api.CONTEXT_WRITER.using(context):
        vpns.record_refusal(context, vpn_id, "", "")
        journal.delete(context, numbers)


def record_refusal(vpn_id: str, error: IsthmusError) -> None:
    """Keep why a VPN can't be dispatched, for its status."""
    transactions.write(vpns.record_refusal, vpn_id, error.for_operator, error.for_tenant)


def read_due() -> dict[str, int]:
    """Return the VPNs in the journal with their newest entry, the longest waiting first."""
    return transactions.read(journal.read_changed_vpns)


def sweep(all_transits: Transits) -> list[str]:
    """Put right what no change tells of; return every VPN, each to be checked."""
    _fill_standard_attributes()
    all_transits.remove_orphans()
    attach.remove_orphans()
    gateway_ports.remove_orphans()
    _remove_unused(all_transits)
    return transactions.read(vpns.read_all_ids)


def _remove_unused(all_transits: Transits) -> None:
    """Remove what no VPN needs any more, whichever VPN needed it; what fails waits."""
    all_transits.remove_unused()
    attach.remove_unused()
    gateway_ports.remove_unused()


@db_api.retry_db_errors
def _fill_standard_attributes() -> None:
    context = neutron_context.get_admin_context()
    with db_api.CONTEXT_WRITER.using(context):
        for model in (models.Vpn, models.NetworkAssociation):
            standard_attributes.fill(context, model)
