# SPDX-License-Identifier: Apache-2.0
"""What Neutron must not do to networks, subnets, routers and ports that are in a VPN, or are ours.

Each refusal is a 409 with a sentence. Ours are known by our own tables, never by their names.
"""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_network
from typing import Any

from neutron_lib import context as neutron_context
from neutron_lib.api.definitions import portbindings
from neutron_lib.callbacks import events, priority_group, registry, resources
from neutron_lib.context import Context
from neutron_lib.db import api as db_api

from isthmus.db import (
    attachments,
    gateways,
    membership,
    neutron_facts,
    transits,
    vpns,
)
from isthmus.db.records import Kind, SubnetRecord
from isthmus.model.errors import IntentConflict
from isthmus.plugin import attach, gateway_ports, members, validate
from isthmus.plugin.errors import VpnConflict, to_api_error
from isthmus.plugin.lookup import name_vpns
from isthmus.plugin.validate import Member
from isthmus.plugin.viewer import Viewer

# What Neutron itself keeps up to date on any port.
_NEUTRONS_OWN = frozenset(
    {"id", "status", "revision_number", portbindings.HOST_ID, portbindings.PROFILE}
)
_FIRST = priority_group.PRIORITY_DEFAULT - 1000


@registry.has_registry_receivers
class NeutronGuards:
    """Refuses, in every process of Neutron."""

    @registry.receives(resources.PORT, [events.BEFORE_DELETE], priority=_FIRST)
    def guard_deletion(self, resource: str, event: str, trigger: object, payload: Any) -> None:
        """Refuse to delete a port of ours: it goes when the last association does."""
        del resource, event, trigger
        _refuse_if_ours(payload.context, payload.resource_id)

    @registry.receives(resources.PORT, [events.BEFORE_UPDATE], priority=_FIRST)
    def guard_change(self, resource: str, event: str, trigger: object, payload: Any) -> None:
        """Refuse to change anything of a port of ours that Neutron does not keep by itself."""
        del resource, event, trigger
        wanted = payload.states[-1] if payload.states else {}
        if isinstance(wanted, Mapping) and not wanted.keys() <= _NEUTRONS_OWN:
            _refuse_if_ours(payload.context, payload.resource_id)

    @registry.receives(resources.NETWORK, [events.BEFORE_DELETE], priority=_FIRST)
    def guard_network(self, resource: str, event: str, trigger: object, payload: Any) -> None:
        """Refuse to delete an associated network, as Neutron does with a router's.

        One that was associated until now still has its attachment, which goes with it.
        """
        del resource, event, trigger
        if attach.is_own(payload.context):
            return
        context = neutron_context.get_admin_context()
        with db_api.CONTEXT_READER.using(context):
            joined = membership.read_attached_vpns(context, payload.resource_id)
            router_id = transits.read_router_of(context, payload.resource_id)
            attached = attachments.read(context, [payload.resource_id])
        if router_id is not None:
            raise VpnConflict(
                sentence=f"Network {payload.resource_id} connects router {router_id} to a BGP "
                "VPN. Delete the association of the router instead."
            )
        if joined:
            raise VpnConflict(
                sentence=f"Network {payload.resource_id} is associated with BGP VPN "
                f"{', '.join(joined)}. Delete the association first."
            )
        for attachment in attached.values():
            attach.remove(attachment.network_id, attachment.port_id)
        gateway_ports.remove_from(payload.resource_id)

    @registry.receives(resources.SUBNET, [events.BEFORE_CREATE])
    def refuse_overlap(self, resource: str, event: str, trigger: object, payload: Any) -> None:
        """Refuse a subnet that would overlap something else of the same VPN in this region."""
        del resource, event, trigger
        subnet = payload.states[0]
        cidr = subnet.get("cidr")
        if not isinstance(cidr, str):
            return
        new = SubnetRecord("", ip_network(cidr, strict=False), None)
        context = neutron_context.get_admin_context()
        with db_api.CONTEXT_READER.using(context):
            joined = membership.read_vpns_of_network(context, subnet["network_id"])
            joining = Member(Kind.NETWORK, subnet["network_id"], (new,))
            _refuse_overlap(context, Viewer.of(payload.context), joining, joined)

    @registry.receives(resources.SUBNET, [events.BEFORE_DELETE], priority=_FIRST)
    def guard_subnet(self, resource: str, event: str, trigger: object, payload: Any) -> None:
        """Refuse to delete a subnet that an attachment serves.

        Of a network that was associated until now, the attachment gives the address back. Runs
        in Neutron's transaction, so the port itself can't go here.
        """
        del resource, event, trigger
        context = payload.context
        if attach.is_own(context):
            return
        network_id = neutron_facts.read_network_of_subnet(context, payload.resource_id)
        if network_id is None:
            return
        joined = membership.read_attached_vpns(context, network_id)
        network = neutron_facts.read_networks(context, [network_id])[network_id]
        carried = {subnet.id for subnet in network.subnets if subnet.is_carried}
        for attachment in attachments.read(context, [network_id]).values():
            if joined and payload.resource_id in carried:
                raise VpnConflict(
                    sentence=f"Subnet {payload.resource_id} is served by BGP VPN "
                    f"{', '.join(joined)}. Delete the association of its network first."
                )
            neutron_facts.release_addresses_of_port(
                context, attachment.port_id, payload.resource_id
            )
        for gateway in gateways.read_ports(context, [network_id]).get(network_id, ()):
            neutron_facts.release_addresses_of_port(context, gateway.port_id, payload.resource_id)

    @registry.receives(resources.ROUTER_INTERFACE, [events.BEFORE_CREATE])
    def guard_interface(self, resource: str, event: str, trigger: object, payload: Any) -> None:
        """Refuse a router an interface where an associated network or VPN would be confused.

        A gateway address that an attachment's port has is refused by Neutron itself.
        """
        del resource, event, trigger
        if attach.is_own(payload.context):
            return
        port = payload.metadata["port"]
        network_id, router_id = port["network_id"], payload.resource_id
        viewer = Viewer.of(payload.context)
        taken = {ip["ip_address"] for ip in port["fixed_ips"]}
        context = neutron_context.get_admin_context()
        with db_api.CONTEXT_READER.using(context):
            attached = membership.read_attached_vpns(context, network_id)
            direct = membership.read_vpns_of_network(context, network_id)
            of_router = membership.read_vpns_of_router(context, router_id)
            networks = neutron_facts.read_networks(context, [network_id])
            subnets = networks[network_id].subnets if network_id in networks else ()
            if direct and of_router:
                raise VpnConflict(
                    sentence=f"Network {network_id} is associated with "
                    f"{name_vpns(context, viewer, direct)}, and router {router_id} with "
                    f"{name_vpns(context, viewer, of_router)}. Delete one of the associations "
                    "first."
                )
            if attached and taken & {str(s.gateway) for s in subnets if s.is_carried}:
                raise VpnConflict(
                    sentence=f"The gateway of network {network_id} is that of "
                    f"{name_vpns(context, viewer, attached)}. Delete the association of the "
                    "network first."
                )
            joining = {ip["subnet_id"] for ip in port["fixed_ips"]}
            new = tuple(subnet for subnet in subnets if subnet.id in joining)
            joined = Member(Kind.ROUTER, router_id, new)
            _refuse_overlap(context, viewer, joined, of_router)

    @registry.receives(resources.ROUTER_INTERFACE, [events.BEFORE_DELETE], priority=_FIRST)
    def guard_transit(self, resource: str, event: str, trigger: object, payload: Any) -> None:
        """Refuse to take a router's interface towards the PEs away."""
        del resource, event, trigger
        if attach.is_own(payload.context):
            return
        context = neutron_context.get_admin_context()
        with db_api.CONTEXT_READER.using(context):
            subnet_id = payload.metadata["subnet_id"]
            network_id = neutron_facts.read_network_of_subnet(context, subnet_id)
            router_id = transits.read_router_of(context, network_id) if network_id else None
        if router_id is not None:
            raise VpnConflict(
                sentence=f"This interface connects router {router_id} to a BGP VPN. Delete the "
                "association of the router instead."
            )

    @registry.receives(resources.ROUTER, [events.BEFORE_DELETE], priority=_FIRST)
    def guard_router(self, resource: str, event: str, trigger: object, payload: Any) -> None:
        """Refuse to delete an associated router, as Neutron does one with interfaces."""
        del resource, event, trigger
        context = neutron_context.get_admin_context()
        with db_api.CONTEXT_READER.using(context):
            joined = membership.read_vpns_of_router(context, payload.resource_id)
        if joined:
            raise VpnConflict(
                sentence=f"Router {payload.resource_id} is associated with BGP VPN "
                f"{', '.join(joined)}. Delete the association first."
            )


def _refuse_overlap(context: Context, viewer: Viewer, member: Member, vpn_ids: list[str]) -> None:
    for vpn in vpns.read(context, vpn_ids=vpn_ids) if vpn_ids else ():
        try:
            validate.check_overlap(member, vpn.id, members.read_members(context, vpn, viewer))
        except IntentConflict as error:
            raise to_api_error(error) from error


def _refuse_if_ours(context: Context, port_id: str) -> None:
    if attach.is_own(context):
        return
    own = neutron_context.get_admin_context()
    with db_api.CONTEXT_READER.using(own):
        is_attachment = attachments.is_attachment(own, port_id)
        is_attachment |= gateways.is_gateway_port(own, port_id)
        is_interface = not is_attachment and transits.is_router_port(own, port_id)
    if is_attachment:
        raise VpnConflict(
            sentence=f"Port {port_id} attaches its network to a BGP VPN. Delete the association "
            "of the network instead."
        )
    if is_interface:
        raise VpnConflict(
            sentence=f"Port {port_id} connects its router to a BGP VPN. Delete the association "
            "of the router instead."
        )
