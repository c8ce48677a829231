# SPDX-License-Identifier: Apache-2.0
"""Neutron's own objects change: the VPNs they are in go into the journal; ours are guarded.

Where Neutron publishes inside its transaction, the journal entry is part of it. Where it only
publishes afterwards (subnets, bindings), an entry can be lost with the process; the worker's
resync finds such a change.
"""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_network
from typing import Any

from neutron_lib import constants
from neutron_lib import context as neutron_context
from neutron_lib.api.definitions import portbindings
from neutron_lib.callbacks import events, priority_group, registry, resources
from neutron_lib.context import Context
from neutron_lib.db import api as db_api

from isthmus.db import attachments, gateways, journal, neutron_facts, vpns
from isthmus.db.records import SubnetRecord
from isthmus.model.errors import IntentConflict
from isthmus.plugin import attach, gateway_ports, reports, validate
from isthmus.plugin.errors import VpnConflict, to_api_error
from isthmus.rpc.senders import Waker

_JOURNALLED = "isthmus_is_journalled"
# What Neutron itself keeps up to date on any port.
_NEUTRONS_OWN = frozenset(
    {"id", "status", "revision_number", portbindings.HOST_ID, portbindings.PROFILE}
)
_NO_CUSTOMERS = (constants.DEVICE_OWNER_NETWORK_PREFIX, gateway_ports.DEVICE_OWNER_PREFIX)
_FIRST = priority_group.PRIORITY_DEFAULT - 1000


@registry.has_registry_receivers
class NeutronEvents:
    """Receives what happens to networks, subnets and ports, in every process of Neutron."""

    def __init__(self, waker: Waker) -> None:
        self._waker = waker

    @registry.receives(
        resources.PORT,
        [events.PRECOMMIT_CREATE, events.PRECOMMIT_UPDATE, events.PRECOMMIT_DELETE],
    )
    def port_changes(self, resource: str, event: str, trigger: object, payload: Any) -> None:
        """Journal, within the transaction, what concerns a CE."""
        del resource, trigger
        before, after = _states(event, payload)
        if _facts(before) != _facts(after):
            _journal(payload.context, (after or before or {}).get("network_id"))

    @registry.receives(
        resources.PORT, [events.AFTER_CREATE, events.AFTER_UPDATE, events.AFTER_DELETE]
    )
    def port_changed(self, resource: str, event: str, trigger: object, payload: Any) -> None:
        """Wake the worker; journal what was committed without a notice, such as a binding."""
        del resource, trigger
        if event == events.AFTER_UPDATE and len(payload.states) == 2:
            before, after = payload.states
            if _facts(before) != _facts(after) and not _is_journalled(payload.context):
                self._journal_now(after["network_id"])
        self._wake(payload.context)

    @registry.receives(resources.NETWORK, [events.PRECOMMIT_UPDATE, events.PRECOMMIT_DELETE])
    def network_changes(self, resource: str, event: str, trigger: object, payload: Any) -> None:
        """Journal a network's VPNs: its MTU may have changed, or it goes."""
        del resource, event, trigger
        _journal(payload.context, payload.resource_id)

    @registry.receives(resources.NETWORK, [events.AFTER_UPDATE, events.AFTER_DELETE])
    def network_changed(self, resource: str, event: str, trigger: object, payload: Any) -> None:
        """Wake the worker."""
        del resource, event, trigger
        self._wake(payload.context)

    @registry.receives(
        resources.SUBNET, [events.AFTER_CREATE, events.AFTER_UPDATE, events.AFTER_DELETE]
    )
    def subnet_changed(self, resource: str, event: str, trigger: object, payload: Any) -> None:
        """Journal the network's VPNs."""
        del resource, event, trigger
        self._journal_now(payload.latest_state["network_id"])

    @registry.receives(resources.SUBNET, [events.BEFORE_CREATE])
    def refuse_overlap(self, resource: str, event: str, trigger: object, payload: Any) -> None:
        """Refuse a subnet that would overlap another network of the same VPN in this region."""
        del resource, event, trigger
        subnet = payload.states[0]
        cidr = subnet.get("cidr")
        if not isinstance(cidr, str):
            return
        context = neutron_context.get_admin_context()
        with db_api.CONTEXT_READER.using(context):
            joined = vpns.read_vpns_of_network(context, subnet["network_id"])
            others = {
                vpn.id: neutron_facts.read_networks(context, vpn.network_ids)
                for vpn in (vpns.read(context, vpn_ids=joined) if joined else ())
            }
        new = SubnetRecord("", ip_network(cidr, strict=False), None)
        for vpn_id, networks in others.items():
            try:
                validate.check_overlap(subnet["network_id"], [new], vpn_id, networks.values())
            except IntentConflict as error:
                raise to_api_error(error) from error

    @registry.receives(resources.PORT, [events.BEFORE_DELETE], priority=_FIRST)
    def guard_deletion(self, resource: str, event: str, trigger: object, payload: Any) -> None:
        """Refuse to delete an attachment: it goes when the last association does."""
        del resource, event, trigger
        _refuse_if_attachment(payload.context, payload.resource_id)

    @registry.receives(resources.PORT, [events.BEFORE_UPDATE], priority=_FIRST)
    def guard_change(self, resource: str, event: str, trigger: object, payload: Any) -> None:
        """Refuse to change anything of an attachment that Neutron does not keep by itself."""
        del resource, event, trigger
        wanted = payload.states[-1] if payload.states else {}
        if isinstance(wanted, Mapping) and not wanted.keys() <= _NEUTRONS_OWN:
            _refuse_if_attachment(payload.context, payload.resource_id)

    @registry.receives(resources.NETWORK, [events.BEFORE_DELETE], priority=_FIRST)
    def guard_network(self, resource: str, event: str, trigger: object, payload: Any) -> None:
        """Refuse to delete an associated network, as Neutron does with a router's.

        One that was associated until now still has its attachment, which goes with it.
        """
        del resource, event, trigger
        context = neutron_context.get_admin_context()
        with db_api.CONTEXT_READER.using(context):
            joined = vpns.read_vpns_of_network(context, payload.resource_id)
            attached = attachments.read(context, [payload.resource_id])
        if joined:
            raise VpnConflict(
                sentence=f"Network {payload.resource_id} is associated with BGP VPN "
                f"{', '.join(joined)}. Delete the association first."
            )
        gateway_ports.remove_from(payload.resource_id)
        for attachment in attached.values():
            attach.remove(attachment.network_id, attachment.port_id)

    @registry.receives(resources.SUBNET, [events.BEFORE_DELETE], priority=_FIRST)
    def guard_subnet(self, resource: str, event: str, trigger: object, payload: Any) -> None:
        """Refuse to delete a subnet that an attachment serves.

        Of a network that was associated until now, the attachment gives the address back. Runs
        in Neutron's transaction, so the port itself can't go here.
        """
        del resource, event, trigger
        context = payload.context
        network_id = neutron_facts.read_network_of_subnet(context, payload.resource_id)
        if network_id is None:
            return
        joined = vpns.read_vpns_of_network(context, network_id)
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
        for port in gateways.read_ports(context, [network_id]).get(network_id, ()):
            neutron_facts.release_addresses_of_port(context, port.port_id, payload.resource_id)

    @registry.receives(resources.ROUTER_INTERFACE, [events.BEFORE_CREATE])
    def guard_gateway(self, resource: str, event: str, trigger: object, payload: Any) -> None:
        """Refuse a router the gateway address of a subnet that an attachment serves.

        Neutron itself does where the attachment's port has the address.
        """
        del resource, event, trigger
        network_id = payload.metadata["port"]["network_id"]
        taken = {ip["ip_address"] for ip in payload.metadata["port"]["fixed_ips"]}
        context = neutron_context.get_admin_context()
        with db_api.CONTEXT_READER.using(context):
            joined = vpns.read_vpns_of_network(context, network_id)
            networks = neutron_facts.read_networks(context, [network_id]) if joined else {}
        for network in networks.values():
            if taken & {str(subnet.gateway) for subnet in network.subnets if subnet.is_carried}:
                raise VpnConflict(
                    sentence=f"The gateway of network {network_id} is that of BGP VPN "
                    f"{', '.join(joined)}. Delete the association of the network first."
                )

    @registry.receives(resources.AGENT, [events.AFTER_DELETE])
    def agent_deleted(self, resource: str, event: str, trigger: object, payload: Any) -> None:
        """Forget a PE that an operator took out of service and deleted from the agents."""
        del resource, event, trigger
        if payload.states[0].binary == reports.AGENT_BINARY:
            reports.forget(payload.states[0].host)

    def _journal_now(self, network_id: str) -> None:
        if _record(network_id):
            self._waker.wake()

    def _wake(self, context: Context) -> None:
        if _is_journalled(context):
            setattr(context, _JOURNALLED, False)
            self._waker.wake()


@db_api.retry_db_errors
def _record(network_id: str) -> bool:
    context = neutron_context.get_admin_context()
    with db_api.CONTEXT_WRITER.using(context):
        joined = vpns.read_vpns_of_network(context, network_id)
        journal.append(context, joined)
    return bool(joined)


def _journal(context: Context, network_id: str | None) -> None:
    joined = vpns.read_vpns_of_network(context, network_id) if network_id else []
    if joined:
        journal.append(context, joined)
        setattr(context, _JOURNALLED, True)


def _is_journalled(context: Context) -> bool:
    return bool(getattr(context, _JOURNALLED, False))


def _states(event: str, payload: Any) -> tuple[Mapping[str, Any] | None, Mapping[str, Any] | None]:
    if event == events.PRECOMMIT_CREATE:
        return None, payload.states[0]
    if event == events.PRECOMMIT_DELETE:
        return payload.states[0], None
    return payload.states[0], payload.desired_state


def _facts(port: Mapping[str, Any] | None) -> tuple[object, ...] | None:
    """Return what intent knows of a port; None if it is no CE."""
    if port is None or not port.get(portbindings.HOST_ID):
        return None
    owner = port.get("device_owner") or ""
    if owner == attach.DEVICE_OWNER or owner.startswith(_NO_CUSTOMERS):
        return None
    return (
        port[portbindings.HOST_ID],
        port["mac_address"],
        port["admin_state_up"],
        owner,
        sorted((ip["subnet_id"], str(ip["ip_address"])) for ip in port["fixed_ips"]),
        port.get(portbindings.VIF_TYPE) == portbindings.VIF_TYPE_BINDING_FAILED,
    )


def _refuse_if_attachment(context: Context, port_id: str) -> None:
    if attach.is_own(context):
        return
    own = neutron_context.get_admin_context()
    with db_api.CONTEXT_READER.using(own):
        is_ours = attachments.is_attachment(own, port_id) or gateways.is_gateway_port(own, port_id)
    if is_ours:
        raise VpnConflict(
            sentence=f"Port {port_id} attaches its network to a BGP VPN. Delete the association "
            "of the network instead."
        )
