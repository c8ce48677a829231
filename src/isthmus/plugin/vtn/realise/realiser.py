# SPDX-License-Identifier: Apache-2.0
"""One VTN at a time, from its merged view to what there is of it at this site.

    read journal, view ─▶ claim ─▶ network, subnets ─▶ VPN, association ─▶ say ─▶ settle journal
                     └─▶ claim removal ─▶ no port left? ─▶ VPN, network, rows ─▶ say ─▶ settle

Every step looks at what is there first, and is recorded after it is done: a worker that dies in
between leaves nothing that the next one does not find.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace

from neutron_lib.context import Context

from isthmus.db.vtn import events, journal, realisations, views
from isthmus.db.vtn.realisations import RealisationRecord
from isthmus.model.errors import InOtherHands, IntentConflict, IsthmusError
from isthmus.model.report import Status
from isthmus.model.text import to_narrow
from isthmus.model.vtn.documents import VtnType
from isthmus.model.vtn.merge import VtnView, Wanted
from isthmus.plugin import transactions
from isthmus.plugin.status import Patience
from isthmus.plugin.vtn.realise import found, networks, saying, service
from isthmus.plugin.vtn.realise.drift import Drift, Found, find_drift

LOG = logging.getLogger(__name__)

REPAIR, LEAVE = "repair", "leave"
# Of a name or a description in Neutron's tables.
_LONGEST = 255


@dataclass(frozen=True, slots=True)
class RealiserOptions:
    """What an operator chose.

    Attributes:
        site: this site's name.
        patience: for statuses.
        drift: ``repair`` what somebody changed by hand, or ``leave`` it and say so.
    """

    site: str
    patience: Patience
    drift: str = REPAIR


@dataclass(frozen=True, slots=True)
class _Start:
    """What one transaction saw of a VTN."""

    numbers: tuple[int, ...]
    view: VtnView
    project_id: str
    record: RealisationRecord | None


class Realiser:
    """Makes of VTNs what this site is to have of them.

    Args:
        options: the operator's.
        wake_dispatch: called when a VPN has changed.
    """

    def __init__(self, options: RealiserOptions, wake_dispatch: Callable[[], None]) -> None:
        self._options = options
        self._wake_dispatch = wake_dispatch

    def dispatch(self, vtn_id: str) -> None:
        """Bring what there is of a VTN into line with its documents, and say what there is.

        Raises:
            IsthmusError: it can't be, or not yet; the journal keeps the change.
        """
        start = transactions.read(self._read, vtn_id)
        if start.view.wanted is not None:
            self._ensure(_in_neutrons_words(start.view.wanted), vtn_id, start.project_id)
        elif start.record is not None and _has_to_go(start.view):
            self._remove(start.record)
        elif start.view.is_to_be_removed:
            self._say_removed(vtn_id)
        transactions.write(journal.delete, start.numbers)

    def record_refusal(self, vtn_id: str, error: IsthmusError) -> None:
        """Say why a VTN can't be realised here."""
        transactions.write(saying.say_refusal, self._options.site, vtn_id, error)

    def _read(self, context: Context, vtn_id: str) -> _Start:
        # First of all: what the entries stand for is certain to be read.
        numbers = tuple(journal.read_numbers(context, vtn_id))
        view = saying.read_view(context, self._options.site, vtn_id)
        project = views.read_project(context, self._options.site, view)
        record = realisations.read(context, [vtn_id]).get(vtn_id)
        return _Start(numbers, view, project, record)

    def _ensure(self, wanted: Wanted, vtn_id: str, project_id: str) -> None:
        _refuse_what_cant_be(wanted, project_id)
        record = transactions.write(realisations.claim, vtn_id, wanted.prefixes)
        if record is None:
            raise InOtherHands(f"Another worker is at virtual tenant network {vtn_id}.")
        try:
            there = transactions.read(found.read, record)
            drifts = find_drift(wanted, record, there)
            self._tell(vtn_id, drifts)
            if self._options.drift == REPAIR or not any(d.is_missing for d in drifts):
                self._make(wanted, project_id, record, there)
        finally:
            transactions.write(realisations.release, vtn_id)
        transactions.write(self._say_realised, wanted, project_id, record)

    def _make(
        self, wanted: Wanted, project_id: str, record: RealisationRecord, there: Found
    ) -> None:
        keeps_names = self._options.drift == LEAVE
        networks.ensure(wanted, project_id, record, there, keeps_names=keeps_names)
        if transactions.write(service.ensure, wanted, project_id, record):
            self._wake_dispatch()

    def _tell(self, vtn_id: str, drifts: tuple[Drift, ...]) -> None:
        if self._options.drift != REPAIR:
            return
        for drift in drifts:
            if drift.is_mendable:
                LOG.warning("vtn.drift_repaired vtn=%s drift=%r", vtn_id, drift.sentence)
                sentence = f"{drift.sentence} It was put back."
                transactions.write(events.append, self._options.site, sentence, vtn_id=vtn_id)

    def _say_realised(
        self, context: Context, wanted: Wanted, project_id: str, record: RealisationRecord
    ) -> None:
        """Say what there is now; what is left as somebody changed it is said, too."""
        record = realisations.read(context, [record.vtn_id])[record.vtn_id]
        drifts = find_drift(wanted, record, found.read(context, record))
        condition = saying.read_condition(context, record.bgpvpn_id, self._options.patience, drifts)
        saying.say(
            context,
            self._options.site,
            record.vtn_id,
            carried_out=wanted.version,
            project=project_id,
            network_id=record.network_id,
            subnet_ids=tuple(plan.id for plan in record.subnets),
            bgpvpn_id=record.bgpvpn_id,
            status=condition.status,
            reason=condition.for_tenant,
            ports=found.count_ports(context, record.network_id),
            drift=tuple(drift.sentence for drift in drifts),
            is_removed=False,
        )

    def _remove(self, record: RealisationRecord) -> None:
        ports = transactions.read(found.count_ports, record.network_id)
        if ports:
            raise networks.ports_left(record, ports)
        if not transactions.write(realisations.claim_removal, record.vtn_id):
            raise InOtherHands(f"Another worker is at virtual tenant network {record.vtn_id}.")
        try:
            if transactions.write(service.remove, record):
                self._wake_dispatch()
            networks.remove(record)
        except Exception:
            transactions.write(realisations.release, record.vtn_id)
            raise
        transactions.write(self._forget, record.vtn_id)
        LOG.info("vtn.removed vtn=%s", record.vtn_id)

    def _forget(self, context: Context, vtn_id: str) -> None:
        realisations.forget(context, vtn_id)
        self._write_removed(context, vtn_id)

    def _say_removed(self, vtn_id: str) -> None:
        transactions.write(self._write_removed, vtn_id)

    def _write_removed(self, context: Context, vtn_id: str) -> None:
        saying.say(
            context,
            self._options.site,
            vtn_id,
            is_removed=True,
            status=Status.DOWN,
            reason="",
        )


def _has_to_go(view: VtnView) -> bool:
    """Whether what is there of a VTN is to be removed, for certain.

    Where its owner's word is not known any more, or not yet, or another site still has what this
    one is given, everything stays as it is.
    """
    return view.is_to_be_removed or view.own_member is None


def _in_neutrons_words(wanted: Wanted) -> Wanted:
    """Return what is wanted with a name and a description that Neutron's tables can keep."""
    return replace(
        wanted,
        name=to_narrow(wanted.name)[:_LONGEST],
        description=to_narrow(wanted.description)[:_LONGEST],
    )


def _refuse_what_cant_be(wanted: Wanted, project_id: str) -> None:
    if wanted.type is not VtnType.L3:
        raise IntentConflict(f"This site can't realise type {wanted.type!s} yet.")
    if not project_id:
        raise IntentConflict(
            "The owner's project stands for none of this site's yet: its operator maps it, or the "
            "membership is accepted by a project of this site."
        )
    if not wanted.prefixes:
        raise IntentConflict("This member was given no prefix: the network's are used up.")
