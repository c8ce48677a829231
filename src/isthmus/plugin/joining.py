# SPDX-License-Identifier: Apache-2.0
"""What is asked to join a VPN: read from request and Neutron, and checked.

Neutron's own plug-ins are asked first, outside of any transaction, so that a caller is told of
what it may not see as Neutron tells it; what decides is read again inside.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from neutron_lib import constants
from neutron_lib.api.definitions import bgpvpn_routes_control as routes_control
from neutron_lib.api.definitions import external_net
from neutron_lib.context import Context
from neutron_lib.plugins import constants as plugin_types
from neutron_lib.plugins import directory

from isthmus.db import attachments, membership, neutron_facts, router_facts
from isthmus.db.records import AssociationRecord, Kind, PortRoute, SubnetRecord, VpnRecord
from isthmus.model.errors import IntentConflict, InvalidValue, NotPermitted
from isthmus.plugin import attach, lookup, members, validate
from isthmus.plugin.validate import Member

# The attribute that says what of a router or port is advertised.
ADVERTISING = {
    Kind.ROUTER: routes_control.ADV_EXTRA_ROUTES,
    Kind.PORT: routes_control.ADV_FIXED_IPS,
}


@dataclass(frozen=True, slots=True)
class JoinRequest:
    """The body of a creation, and its target as Neutron shows it to the caller.

    Attributes:
        network_id: of a port; of a network itself.
        is_external: that network is a provider's to the outside.
    """

    kind: Kind
    target: Mapping[str, Any]
    is_advertising: bool
    routes: tuple[PortRoute, ...]
    network_id: str | None
    is_external: bool

    def record(self, association_id: str, vpn: VpnRecord) -> AssociationRecord:
        """Return the association to record."""
        return AssociationRecord(
            kind=self.kind,
            id=association_id,
            project_id=vpn.project_id,
            vpn_id=vpn.id,
            target_id=self.target["id"],
            is_advertising=self.is_advertising,
            routes=self.routes,
        )


def read_new(context: Context, kind: Kind, body: Mapping[str, Any]) -> JoinRequest:
    """Read the body of a creation.

    Raises:
        InvalidValue: a value that no association may have.
        IntentConflict: a port that no association may be of.
    """
    get: Mapping[Kind, Callable[..., Mapping[str, Any]]] = {
        Kind.NETWORK: directory.get_plugin().get_network,
        Kind.ROUTER: directory.get_plugin(plugin_types.L3).get_router,
        Kind.PORT: directory.get_plugin().get_port,
    }
    target = get[kind](context, body[f"{kind}_id"])
    if kind is Kind.PORT:
        _refuse_owner(target)
    network_id = {Kind.NETWORK: target["id"], Kind.PORT: target.get("network_id")}.get(kind)
    return JoinRequest(
        kind=kind,
        target=target,
        is_advertising=bool(body.get(ADVERTISING.get(kind, ""), True)),
        routes=read_routes(body.get(routes_control.ROUTES) or []),
        network_id=network_id,
        is_external=kind is not Kind.ROUTER and _is_external(context, network_id),
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


def _refuse_owner(port: Mapping[str, Any]) -> None:
    owner = port.get("device_owner") or ""
    if owner in constants.ROUTER_INTERFACE_OWNERS:
        raise IntentConflict(
            f"Port {port['id']} is an interface of router {port['device_id']}. Associate the "
            "router instead."
        )
    if owner.startswith(constants.DEVICE_OWNER_NETWORK_PREFIX) or owner == attach.DEVICE_OWNER:
        raise IntentConflict(f"Port {port['id']} is a part of its network; associate that instead.")


def changes_intent(former: AssociationRecord, wanted: AssociationRecord) -> bool:
    """Whether PEs have to know of a change."""
    return replace(wanted, standard=former.standard) != former


def _is_external(context: Context, network_id: str | None) -> bool:
    network = directory.get_plugin().get_network(context.elevated(), network_id)
    return bool(network.get(external_net.EXTERNAL))


def check(context: Context, vpn: VpnRecord, request: JoinRequest) -> None:
    """Decide whether a target may join a VPN whose row the caller has locked.

    Raises:
        IntentConflict: it is at odds with what is in the VPN.
        NotPermitted: it is another project's.
    """
    check_routes(context, vpn, request.routes)
    target_id = request.target["id"]
    found = members.read_some(context, request.kind, [target_id])
    joining = found[0] if found else Member(request.kind, target_id, ())
    validate.check_association(
        validate.AssociationRequest(
            joining=joining,
            project_id=request.target["project_id"],
            is_external=request.is_external,
            vpn=vpn,
            others=tuple(members.read_members(context, vpn)),
            gateway_owners=_read_gateway_owners(context, request, joining),
            rivals=_read_rivals(context, request),
        )
    )


def _read_rivals(context: Context, request: JoinRequest) -> Mapping[str, Sequence[str]]:
    target_id = request.target["id"]
    if request.kind is Kind.NETWORK:
        routers = router_facts.read_associated_routers(context, target_id)
        return {f"router {router_id}": vpn_ids for router_id, vpn_ids in routers.items()}
    if request.kind is Kind.ROUTER:
        router = router_facts.read_routers(context, [target_id]).get(target_id)
        attached = {routed.network_id for routed in router.subnets} if router else set()
        networks = membership.read_vpns_of_networks(context, attached)
        return {f"network {network_id}": vpn_ids for network_id, vpn_ids in networks.items()}
    return {}


def _read_gateway_owners(
    context: Context, request: JoinRequest, joining: Member
) -> dict[str, tuple[SubnetRecord, str]]:
    """Return who has the gateway addresses of the subnets that a network or a port is to use."""
    if request.network_id is None:
        return {}
    used = {subnet.id for subnet in joining.subnets}
    networks = neutron_facts.read_networks(context, [request.network_id])
    attached = attachments.read(context, [request.network_id]).get(request.network_id)
    owners = {}
    for subnet in networks[request.network_id].subnets if networks else ():
        if subnet.id not in used or not subnet.is_carried:
            continue
        holder = neutron_facts.read_owner_of_address(context, subnet.id, str(subnet.gateway))
        if holder is not None and (attached is None or holder[0] != attached.port_id):
            owners[subnet.id] = (subnet, holder[1])
    return owners
