# SPDX-License-Identifier: Apache-2.0
"""Writes what is theirs as ours, by the API's own reading, checks and statements.

VPNs first, then what is in them: the order in which a tenant would have asked for it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import sqlalchemy as sa
from neutron_lib.context import Context
from neutron_lib.db.standard_attr import StandardAttribute

from isthmus.db import associations, journal, standard_attributes, targets, vpns
from isthmus.db.records import AssociationRecord, Kind, VpnRecord
from isthmus.model.errors import IntentConflict, IsthmusError
from isthmus.moving_in import mapping
from isthmus.moving_in.report import Fate, Item, Report, shared_target_notes
from isthmus.moving_in.theirs import TheirAssociation, TheirAttributes, TheirVpn
from isthmus.plugin import joining, requests

# What is told of a VPN that differs; lists as sets, for neither side keeps their order.
_COMPARED = ("project_id", "name", "type", "vni", "local_pref", "targets", "rds")


class TakeOver:
    """One move, in the caller's transaction.

    Args:
        context: an administrator's.
        is_overwriting: make what is here already as it is there.
    """

    def __init__(self, context: Context, *, is_overwriting: bool) -> None:
        self._context = context
        self._is_overwriting = is_overwriting
        self._changed: set[str] = set()
        self._here: frozenset[str] = frozenset()

    def run(
        self, their_vpns: Sequence[TheirVpn], their_associations: Sequence[TheirAssociation]
    ) -> Report:
        """Take over what can be; say what became of each thing."""
        items = [self._take_vpn(vpn) for vpn in their_vpns]
        self._here = frozenset(vpns.read_all_ids(self._context))
        items += [self._take_association(association) for association in their_associations]
        journal.append(self._context, self._changed)
        notes = shared_target_notes(mapping.find_shared_targets(their_vpns))
        return Report(tuple(items), tuple(notes))

    # VPNs

    def _take_vpn(self, theirs: TheirVpn) -> Item:
        name = theirs.name or ""
        try:
            wanted = requests.read_new_vpn(theirs.id, mapping.vpn_body(theirs))
        except IsthmusError as error:
            return Item("vpn", theirs.id, name, Fate.REFUSED, error.for_operator)
        former = vpns.read_one(self._context, theirs.id)
        if former is None:
            made = vpns.create(self._context, wanted)
            self._keep_history(made.standard.id, theirs.attributes)
            self._changed.add(theirs.id)
            return Item("vpn", theirs.id, name, Fate.TAKEN)
        difference = _difference(former, wanted)
        if not difference:
            return Item("vpn", theirs.id, name, Fate.SAME)
        if not self._is_overwriting:
            return Item("vpn", theirs.id, name, Fate.DIFFERENT, difference)
        changes = {attribute: getattr(wanted, attribute) for attribute in _COMPARED}
        vpns.lock(self._context, theirs.id)
        vpns.change(self._context, former, replace(former, **changes))
        self._changed.add(theirs.id)
        return Item("vpn", theirs.id, name, Fate.REPLACED, difference)

    def _keep_history(self, number: int | None, attributes: TheirAttributes) -> None:
        """Keep when a thing was made, and its tags."""
        if number is None:
            return
        table: Any = StandardAttribute.__table__
        times = {
            "created_at": attributes.created_at,
            "updated_at": attributes.updated_at,
            "revision_number": attributes.revision,
        }
        self._context.session.execute(sa.update(table).where(table.c.id == number).values(**times))
        if attributes.tags:
            standard_attributes.replace_tags(self._context, number, attributes.tags)

    # Associations

    def _take_association(self, theirs: TheirAssociation) -> Item:
        fate, reason = self._fate_of(theirs)
        name = f"{theirs.kind} {theirs.target_id} in BGP VPN {theirs.bgpvpn_id}"
        return Item(theirs.kind, theirs.id, name, fate, reason)

    def _fate_of(self, theirs: TheirAssociation) -> tuple[Fate, str]:
        if theirs.bgpvpn_id not in self._here:
            return Fate.REFUSED, "Its BGP VPN is not here."
        kind = Kind(theirs.kind)
        try:
            body = mapping.association_body(theirs, self._here)
            target = targets.read(self._context, kind, theirs.target_id)
            if target is None:
                raise IntentConflict("Neutron does not have it any more.")
            request = joining.read(target, body)
            former = associations.read(
                self._context, kind, vpn_id=theirs.bgpvpn_id, target_ids=[theirs.target_id]
            )
            if former:
                return self._compare(former[0], request)
            self._add(theirs, request, body)
        except IsthmusError as error:
            return Fate.REFUSED, error.for_operator
        return Fate.TAKEN, ""

    def _add(
        self, theirs: TheirAssociation, request: joining.JoinRequest, body: dict[str, Any]
    ) -> None:
        vpns.lock(self._context, theirs.bgpvpn_id)
        (vpn,) = vpns.read(self._context, vpn_ids=[theirs.bgpvpn_id])
        joining.check(self._context, vpn, request)
        record = joining.read_change(request.record(theirs.id, vpn), body)
        made = associations.create(self._context, record)
        self._keep_history(made.standard.id, theirs.attributes)
        self._changed.add(theirs.bgpvpn_id)

    def _compare(self, former: AssociationRecord, request: joining.JoinRequest) -> tuple[Fate, str]:
        wanted = replace(former, is_advertising=request.is_advertising, routes=request.routes)
        if {*former.routes} == {*wanted.routes} and (
            former.is_advertising == wanted.is_advertising
        ):
            return Fate.SAME, ""
        reason = "what is advertised of it differs"
        if not self._is_overwriting:
            return Fate.DIFFERENT, reason
        vpns.lock(self._context, former.vpn_id)
        associations.update(self._context, wanted)
        self._changed.add(former.vpn_id)
        return Fate.REPLACED, reason


def _difference(here: VpnRecord, there: VpnRecord) -> str:
    """Return what differs between two VPNs, in a sentence; empty if nothing does."""
    found = []
    for attribute in _COMPARED:
        one, other = getattr(here, attribute), getattr(there, attribute)
        if isinstance(one, tuple):
            one, other = sorted(one), sorted(other)
        if one != other:
            found.append(f"{attribute} is {one!r} here and {other!r} there")
    return "; ".join(found)
