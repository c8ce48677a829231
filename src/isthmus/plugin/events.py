# SPDX-License-Identifier: Apache-2.0
"""Neutron's own objects change: the VPNs they are in go into the journal.

Where Neutron publishes inside its transaction, the journal entry is part of it. Where it only
publishes afterwards (subnets, bindings), an entry can be lost with the process; the worker's
resync finds such a change.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from neutron_lib import constants
from neutron_lib import context as neutron_context
from neutron_lib.api.definitions import portbindings
from neutron_lib.callbacks import events, registry, resources
from neutron_lib.context import Context
from neutron_lib.db import api as db_api

from isthmus.db import journal, membership, neutron_facts
from isthmus.plugin import attach, gateway_ports, reports
from isthmus.rpc.senders import Waker

_JOURNALLED = "isthmus_is_journalled"
_NO_CUSTOMERS = (constants.DEVICE_OWNER_NETWORK_PREFIX, gateway_ports.DEVICE_OWNER_PREFIX)


@registry.has_registry_receivers
class NeutronEvents:
    """Receives what happens to networks, subnets, ports and routers, in every process."""

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
        if after is not None and not isinstance(after, Mapping):
            # Of ports made in bulk Neutron shows its object, not yet bound, instead of a view.
            _journal(payload.context, after.network_id)
        elif _facts(before) != _facts(after):
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

    @registry.receives(resources.ROUTER, [events.PRECOMMIT_UPDATE])
    def router_changes(self, resource: str, event: str, trigger: object, payload: Any) -> None:
        """Journal, within the transaction, what changes of a router: its extra routes."""
        del resource, event, trigger
        if not attach.is_own(payload.context):
            joined = membership.read_vpns_of_router(payload.context, payload.resource_id)
            _append(payload.context, joined)

    @registry.receives(resources.ROUTER, [events.AFTER_UPDATE])
    def router_changed(self, resource: str, event: str, trigger: object, payload: Any) -> None:
        """Wake the worker."""
        del resource, event, trigger
        self._wake(payload.context)

    @registry.receives(resources.ROUTER_INTERFACE, [events.AFTER_CREATE, events.AFTER_DELETE])
    @registry.receives(
        resources.ROUTER_GATEWAY, [events.AFTER_CREATE, events.AFTER_UPDATE, events.AFTER_DELETE]
    )
    def router_connected(self, resource: str, event: str, trigger: object, payload: Any) -> None:
        """Journal a router's VPNs: it has other subnets behind it, or another way out."""
        del resource, event, trigger
        if not attach.is_own(payload.context) and _record_router(payload.resource_id):
            self._waker.wake()

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
        joined = membership.read_concerned_vpns(context, network_id)
        journal.append(context, joined)
    return bool(joined)


@db_api.retry_db_errors
def _record_router(router_id: str) -> bool:
    context = neutron_context.get_admin_context()
    with db_api.CONTEXT_WRITER.using(context):
        joined = membership.read_vpns_of_router(context, router_id)
        journal.append(context, joined)
    return bool(joined)


def _journal(context: Context, network_id: str | None) -> None:
    if network_id:
        _append(context, membership.read_concerned_vpns(context, network_id))


def _append(context: Context, joined: Collection[str]) -> None:
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
        _destination(port),
    )


def _destination(port: Mapping[str, Any]) -> object:
    """Return the host to which the port's VM is moving; None while it stays."""
    profile = port.get(portbindings.PROFILE)
    return profile.get(neutron_facts.MIGRATING_TO) if isinstance(profile, Mapping) else None
