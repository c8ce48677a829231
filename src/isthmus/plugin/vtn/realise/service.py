# SPDX-License-Identifier: Apache-2.0
"""The VPN of a VTN and its association with the VTN's network: rows, journalled for dispatch."""

from __future__ import annotations

import logging
from dataclasses import replace

from neutron_lib.context import Context
from oslo_utils import uuidutils

from isthmus.db import associations, journal, passed_on, targets, vpns
from isthmus.db.records import BOTH, Kind, StandardAttributes, VpnRecord
from isthmus.db.vtn import realisations
from isthmus.db.vtn.realisations import RealisationRecord
from isthmus.model.errors import DriverUnavailable, IntentConflict
from isthmus.model.vtn.merge import Wanted
from isthmus.plugin import allotment, joining
from isthmus.plugin.vtn.realise import found

LOG = logging.getLogger(__name__)


def ensure(context: Context, wanted: Wanted, project_id: str, record: RealisationRecord) -> bool:
    """Make VPN and association what they are to be, in the caller's transaction.

    Returns:
        Whether anything was changed, so that the worker that dispatches is to be woken.

    Raises:
        IntentConflict: another project has the route target, or the network can't be in a VPN.
        DriverUnavailable: the network has just gone.
    """
    former = vpns.read_one(context, record.bgpvpn_id) if _lock(context, record) else None
    vpn = _wanted_vpn(wanted, project_id, record, former)
    changed = former is None or _told(former) != _told(vpn)
    if former is None:
        vpn = vpns.create(context, vpn)
    elif changed:
        vpns.change(context, former, vpn)
    if changed:
        _claim_targets(context, former, vpn)
    changed = _ensure_association(context, vpn, record) or changed
    if changed:
        journal.append(context, [vpn.id])
        LOG.info("vtn.vpn_ensured vtn=%s vpn=%s", record.vtn_id, vpn.id)
    if not record.is_joined:
        realisations.join(context, record.vtn_id)
    return changed


def remove(context: Context, record: RealisationRecord) -> bool:
    """Remove VPN and association; False if there were none."""
    if not _lock(context, record):
        return False
    former = vpns.read_one(context, record.bgpvpn_id)
    if former is None:
        return False
    journal.append(context, [former.id, *passed_on.read_dependents(context, former.id)])
    vpns.delete(context, former)
    LOG.info("vtn.vpn_removed vtn=%s vpn=%s", record.vtn_id, former.id)
    return True


def _lock(context: Context, record: RealisationRecord) -> bool:
    return vpns.lock(context, record.bgpvpn_id)


def _told(vpn: VpnRecord) -> tuple[object, ...]:
    return vpn.name, vpn.targets, vpn.is_up, vpn.vtn_id


def _wanted_vpn(
    wanted: Wanted, project_id: str, record: RealisationRecord, former: VpnRecord | None
) -> VpnRecord:
    if former is None:
        former = VpnRecord(
            id=record.bgpvpn_id,
            project_id=project_id,
            name="",
            type="l3",
            standard=StandardAttributes(),
        )
    return replace(
        former,
        name=wanted.name,
        targets=tuple(sorted((BOTH, str(target)) for target in wanted.route_targets)),
        is_up=wanted.admin_state_up,
        vtn_id=record.vtn_id,
    )


def _claim_targets(context: Context, former: VpnRecord | None, vpn: VpnRecord) -> None:
    try:
        allotment.claim(context, former, vpn, lambda: False)
    except IntentConflict as error:
        raise IntentConflict(
            "This site can't take part: what tells its routes from others' is in use here. Ask "
            "its operator.",
            error.for_operator,
        ) from error


def _ensure_association(context: Context, vpn: VpnRecord, record: RealisationRecord) -> bool:
    association = found.read_association(context, record)
    if association is not None:
        if association.is_up:
            return False
        associations.update(context, replace(association, is_up=True))
        return True
    target = targets.read(context, Kind.NETWORK, record.network_id)
    if target is None:
        raise DriverUnavailable(f"Network {record.network_id} has just gone.")
    request = joining.JoinRequest(target, is_advertising=True, routes=())
    joining.check(context, vpn, request)
    associations.create(context, request.record(uuidutils.generate_uuid(), vpn))
    return True
