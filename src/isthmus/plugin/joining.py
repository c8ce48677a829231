# SPDX-License-Identifier: Apache-2.0
"""What is asked to join a VPN: read from request and Neutron, and checked.

The target is read first, outside of the transaction, so that a caller is told of what it may not
see as Neutron tells it; what decides is read again inside.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from neutron_lib import constants, exceptions
from neutron_lib.api.definitions import bgpvpn_routes_control as routes_control
from neutron_lib.context import Context
from neutron_lib.db import api as db_api
from neutron_lib.exceptions import l3 as l3_exceptions

from isthmus.api.definitions import mpls_vpn
from isthmus.db import attachments, membership, neutron_facts, router_facts, targets, vpns
from isthmus.db.records import AssociationRecord, Kind, PortRoute, SubnetRecord, VpnRecord
from isthmus.db.targets import TargetRecord
from isthmus.model.errors import IntentConflict, InvalidValue, NotPermitted
from isthmus.plugin import attach, lookup, members, validate
from isthmus.plugin.validate import Member
from isthmus.plugin.viewer import Viewer

# The attribute that says what of a router or port is advertised.
ADVERTISING = {
    Kind.ROUTER: routes_control.ADV_EXTRA_ROUTES,
    Kind.PORT: routes_control.ADV_FIXED_IPS,
}
_NOT_FOUND = {
    Kind.NETWORK: exceptions.NetworkNotFound,
    Kind.ROUTER: l3_exceptions.RouterNotFound,
    Kind.PORT: exceptions.PortNotFound,
}
_ID_IN_SENTENCE = {Kind.NETWORK: "net_id", Kind.ROUTER: "router_id", Kind.PORT: "port_id"}


@dataclass(frozen=True, slots=True)
class JoinRequest:
    """The body of a creation, and its target as far as the caller may see it."""

    target: TargetRecord
    is_advertising: bool
    routes: tuple[PortRoute, ...]

    @property
    def kind(self) -> Kind:
        """What is to join."""
        return self.target.kind

    def record(self, association_id: str, vpn: VpnRecord) -> AssociationRecord:
        """Return the association to record."""
        return AssociationRecord(
            kind=self.kind,
            id=association_id,
            project_id=self.target.project_id,
            vpn_id=vpn.id,
            target_id=self.target.id,
            is_advertising=self.is_advertising,
            routes=self.routes,
        )


def read_new(context: Context, kind: Kind, body: Mapping[str, Any]) -> JoinRequest:
    """Read the body of a creation.

    Raises:
        InvalidValue: a value that no association may have.
        IntentConflict: a port that no association may be of.
        NotFound: of Neutron: there is no such target, or the caller may not see it.
    """
    target_id = body[f"{kind}_id"]
    with db_api.CONTEXT_READER.using(context):
        target = targets.read(context, kind, target_id)
    if target is None:
        raise _NOT_FOUND[kind](**{_ID_IN_SENTENCE[kind]: target_id})
    return read(target, body)


def read(target: TargetRecord, body: Mapping[str, Any]) -> JoinRequest:
    """Read the body of a creation for a target that is there.

    Raises:
        InvalidValue: a value that no association may have.
        IntentConflict: a port that no association may be of.
    """
    if target.kind is Kind.PORT:
        _refuse_owner(target)
    return JoinRequest(
        target=target,
        is_advertising=bool(body.get(ADVERTISING.get(target.kind, ""), True)),
        routes=read_routes(body.get(routes_control.ROUTES) or []),
    )


def read_change(former: AssociationRecord, body: Mapping[str, Any]) -> AssociationRecord:
    """Return an association as the body of a change wants it: what is left out stays.

    Raises:
        InvalidValue: a value that no association may have.
    """
    description = body.get("description")
    validate.check_narrow_text("description", description)
    changed = replace(former, is_up=bool(body.get("admin_state_up", former.is_up)))
    if description is not None:
        changed = replace(changed, standard=replace(former.standard, description=description))
    advertising = ADVERTISING.get(former.kind, "")
    if advertising in body:
        changed = replace(changed, is_advertising=bool(body[advertising]))
    if former.kind is Kind.NETWORK and mpls_vpn.ATTACHMENT_MODE in body:
        changed = replace(changed, attachment_mode=body[mpls_vpn.ATTACHMENT_MODE])
    if former.kind is Kind.PORT and routes_control.ROUTES in body:
        changed = replace(changed, routes=read_routes(body[routes_control.ROUTES] or []))
    return changed


def read_routes(bodies: Sequence[Mapping[str, Any]]) -> tuple[PortRoute, ...]:
    """Read the routes of a port association.

    Raises:
        InvalidValue: one that can't be, one given twice, or too many.
    """
    if len(bodies) > validate.MAX_ROUTES:
        raise InvalidValue(f"'routes' has more than {validate.MAX_ROUTES} entries.")
    routes = []
    for body in bodies:
        preference = body.get(routes_control.LOCAL_PREF_KEY)
        local_pref = None if preference is None else int(preference)
        validate.check_local_pref(local_pref)
        if body[routes_control.TYPE] == routes_control.BGPVPN_TYPE:
            vpn_id = str(body[routes_control.BGPVPN_ID])
            routes.append(PortRoute(vpn_id=vpn_id, local_pref=local_pref))
        else:
            prefix = validate.check_route(str(body[routes_control.PREFIX]))
            routes.append(PortRoute(prefix=prefix, local_pref=local_pref))
    targets = [str(route.prefix or route.vpn_id) for route in routes]
    twice = [target for target in targets if targets.count(target) > 1]
    if twice:
        raise InvalidValue(f"'routes' has {twice[0]} twice.")
    return tuple(routes)


def check_routes(context: Context, vpn: VpnRecord, routes: Sequence[PortRoute]) -> None:
    """Refuse routes that pass on what the caller may not see, or the VPN itself.

    Raises:
        IntentConflict: the very VPN the port is to join.
        NotPermitted: a VPN of another project.
        VpnNotFound: no such VPN.
    """
    for vpn_id in sorted({route.vpn_id for route in routes if route.vpn_id is not None}):
        if vpn_id == vpn.id:
            raise IntentConflict(f"A port can't pass on BGP VPN {vpn_id} within itself.")
        if lookup.read_vpn(context, vpn_id).project_id != vpn.project_id:
            raise NotPermitted(
                f"BGP VPN {vpn_id} does not belong to the project of BGP VPN {vpn.id}."
            )


def _refuse_owner(port: TargetRecord) -> None:
    owner = port.device_owner
    if owner in constants.ROUTER_INTERFACE_OWNERS:
        raise IntentConflict(
            f"Port {port.id} is an interface of router {port.device_id}. Associate the router "
            "instead."
        )
    if owner.startswith(constants.DEVICE_OWNER_NETWORK_PREFIX) or owner == attach.DEVICE_OWNER:
        raise IntentConflict(f"Port {port.id} is a part of its network; associate that instead.")


def changes_intent(former: AssociationRecord, wanted: AssociationRecord) -> bool:
    """Whether PEs have to know of a change."""
    return replace(wanted, standard=former.standard) != former


def check(context: Context, vpn: VpnRecord, request: JoinRequest) -> None:
    """Decide whether a target may join a VPN whose row the caller has locked.

    Raises:
        IntentConflict: it is at odds with what is in the VPN.
        NotPermitted: it is another project's.
    """
    check_routes(context, vpn, request.routes)
    target_id = request.target.id
    found = members.read_some(context, request.kind, [target_id])
    joining = found[0] if found else Member(request.kind, target_id, ())
    validate.check_association(
        validate.AssociationRequest(
            joining=joining,
            project_id=request.target.project_id,
            is_guest=_is_guest(context, vpn, request),
            is_external=request.target.is_external,
            vpn=vpn,
            others=tuple(members.read_members(context, vpn, Viewer.of(context))),
            gateway_owners=_read_gateway_owners(context, request, joining),
            rivals=_read_rivals(context, request),
        )
    )


def _is_guest(context: Context, vpn: VpnRecord, request: JoinRequest) -> bool:
    """Whether the VPN is shared with the project whose network, router or port is to join."""
    project_id = request.target.project_id
    if project_id == vpn.project_id or not (context.is_admin or context.project_id == project_id):
        return False
    return vpns.is_shared_with(context, vpn.id, project_id)


def _read_rivals(context: Context, request: JoinRequest) -> Mapping[str, str]:
    target_id = request.target.id
    rivals: Mapping[str, Sequence[str]] = {}
    if request.kind is Kind.NETWORK:
        rivals = router_facts.read_associated_routers(context, target_id)
    if request.kind is Kind.ROUTER:
        router = router_facts.read_routers(context, [target_id]).get(target_id)
        attached = {routed.network_id for routed in router.subnets} if router else set()
        rivals = membership.read_vpns_of_networks(context, attached)
    what = {Kind.NETWORK: "router", Kind.ROUTER: "network"}.get(request.kind)
    viewer = Viewer.of(context)
    return {
        f"{what} {rival}": lookup.name_vpns(context, viewer, vpn_ids)
        for rival, vpn_ids in rivals.items()
    }


def _read_gateway_owners(
    context: Context, request: JoinRequest, joining: Member
) -> dict[str, tuple[SubnetRecord, str]]:
    """Return who has the gateway addresses of the subnets that a network or a port is to use."""
    if request.target.network_id is None:
        return {}
    used = {subnet.id for subnet in joining.subnets}
    networks = neutron_facts.read_networks(context, [request.target.network_id])
    attached = attachments.read(context, [request.target.network_id]).get(request.target.network_id)
    owners = {}
    for subnet in networks[request.target.network_id].subnets if networks else ():
        if subnet.id not in used or not subnet.is_carried:
            continue
        holder = neutron_facts.read_owner_of_address(context, subnet.id, str(subnet.gateway))
        if holder is not None and (attached is None or holder[0] != attached.port_id):
            owners[subnet.id] = (subnet, holder[1])
    return owners
