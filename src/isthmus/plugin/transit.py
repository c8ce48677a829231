# SPDX-License-Identifier: Apache-2.0
"""Transit networks: made between a router and the PEs, kept right, and removed.

    router ──.1── isthmus-transit-<router> ──.2── localport ── every PE of the region

The router gets an interface and routes towards the PE by Neutron's own calls; network, interface
and localport belong to no project, so no tenant sees them or pays for them. Whatever is missing
is made, whatever is there stays: a worker that died in between is continued.
"""

from __future__ import annotations

import contextlib
import logging
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network
from typing import Any

from neutron_lib import context as neutron_context
from neutron_lib import exceptions
from neutron_lib.context import Context
from neutron_lib.db import api as db_api
from neutron_lib.plugins import constants as plugin_types
from neutron_lib.plugins import directory
from neutron_lib.plugins import utils as plugin_utils
from oslo_db import exception as db_exceptions

from isthmus.config.plugin import TransitOptions
from isthmus.db import attachments, claims, journal, membership, router_facts, transits
from isthmus.db.records import RouterRecord, TransitRecord
from isthmus.model.errors import DriverUnavailable, InOtherHands, IntentConflict
from isthmus.model.ip import IpAddress, IpPrefix
from isthmus.plugin import attach, quotas, transactions
from isthmus.plugin.routes_plan import Route, list_destinations, plan_routes

LOG = logging.getLogger(__name__)

NAME_PREFIX = "isthmus-transit-"
PORT_NAME = "isthmus-transit"
_ROUTE_QUOTA = "router_route"
# How long a request waits for a worker that is just making what it is to remove.
_PATIENCE_S, _PAUSE_S = 5.0, 0.2


@dataclass(frozen=True, slots=True)
class Addressing:
    """The addresses of one transit network."""

    ipv4: IPv4Network
    ipv6: IPv6Network

    @property
    def router(self) -> tuple[IpAddress, IpAddress]:
        """Return the router's addresses."""
        return self.ipv4[1], self.ipv6[1]

    @property
    def pe(self) -> tuple[IpAddress, IpAddress]:
        """Return the PE's addresses, which Neutron has for the subnets' gateways."""
        return self.ipv4[2], self.ipv6[2]


def addressing_of(ipv4: IPv4Network, options: TransitOptions) -> Addressing:
    """Return the addresses of the transit network that has an IPv4 prefix.

    Its IPv6 prefix is at the same place of its own range. After a change of the ranges, networks
    made before may be outside of them; they keep their place modulo the range.
    """
    distance = int(ipv4.network_address) - int(options.ipv4_range.network_address)
    number = (distance // ipv4.num_addresses) % 2 ** (64 - options.ipv6_range.prefixlen)
    start = int(options.ipv6_range.network_address) + (number << 64)
    return Addressing(ipv4, IPv6Network((start, 64)))


class Transits:
    """Makes, corrects and removes transit networks.

    Args:
        options: the operator's.
    """

    def __init__(self, options: TransitOptions) -> None:
        self._options = options

    def ensure(self, router_id: str) -> None:
        """Make a router's transit network and its interface there, if they are not.

        Raises:
            InOtherHands: another worker is making or removing it.
            DriverUnavailable: the router is just going.
            IntentConflict: Neutron refuses it, or no prefix is left.
        """
        found = transactions.read(transits.read, router_ids=[router_id]).get(router_id)
        if found is not None and found.router_mac is not None:
            if claims.is_fresh(found.claimed_at):
                raise InOtherHands(f"Another worker is at the transit network of {router_id}.")
            return
        transit = self._claim(router_id)
        addressing = addressing_of(transit.ipv4_prefix, self._options)
        try:
            _make_network(transit, addressing)
            _make_interface(transit, addressing)
        except Exception as error:
            transactions.write(transits.release, router_id)
            raise _explained(error, router_id) from error
        transactions.write(transits.release, router_id)
        LOG.info("transit.created router=%s network=%s", router_id, transit.network_id)

    def _claim(self, router_id: str) -> TransitRecord:
        transit: TransitRecord | None
        try:
            transit = _claim(router_id, self._options.ipv4_range)
        except ValueError as error:
            raise IntentConflict(
                "No transit network is left for another router.", str(error)
            ) from error
        except db_exceptions.DBReferenceError as error:
            raise DriverUnavailable(f"Router {router_id} is going.") from error
        if transit is None:
            raise InOtherHands(f"Another worker is at the transit network of {router_id}.")
        return transit

    def ensure_routes(self, router_id: str) -> None:
        """Make a router's routes towards its PE what they should be.

        Raises:
            DriverUnavailable: the router is just changing.
            IntentConflict: Neutron refuses them: the router may have no more routes.
        """
        transit, router, current = _read_routing(router_id)
        if transit is None or router is None or transit.router_mac is None:
            return
        addressing = addressing_of(transit.ipv4_prefix, self._options)
        destinations = list_destinations(
            self._options.aggregates, router.gateway_families, has_ipv6=router.has_ipv6
        )
        plan = plan_routes(current, destinations, addressing.pe)
        quotas.know(_ROUTE_QUOTA)
        try:
            if plan.remove:
                _l3().remove_extraroutes(attach.own_context(), router_id, _body(plan.remove))
            if plan.add:
                _l3().add_extraroutes(attach.own_context(), router_id, _body(plan.add))
        except Exception as error:
            raise _explained(error, router_id) from error
        if plan.add or plan.remove:
            LOG.info(
                "transit.routed router=%s added=%d removed=%d",
                router_id,
                len(plan.add),
                len(plan.remove),
            )

    def remove_unused(self, router_ids: Collection[str] | None = None) -> list[str]:
        """Remove the transit networks of routers that are in no VPN; all such, or of these.

        Returns:
            The routers whose transit network is left for the next time: another worker is at it,
            or it could not be removed, which is logged.
        """
        left = []
        for router_id in transactions.read(transits.read_unused, router_ids):
            transit = transactions.write(transits.claim_removal, router_id)
            if transit is None:
                left.append(router_id)
                continue
            try:
                self._remove(transit)
            except Exception as error:
                # A tenant may be changing the router's routes at this moment.
                LOG.warning("transit.not_removed router=%s error=%s", router_id, error)
                transactions.write(transits.release, router_id)
                left.append(router_id)
        return left

    def remove_now(self, router_ids: Collection[str]) -> None:
        """Remove what there is of these routers' transit networks if they are in no VPN any more.

        For whoever took them out, so that the routers can be deleted at once: Neutron keeps a
        router that has interfaces. What can't be done now is left to the worker.
        """
        patience = time.monotonic() + _PATIENCE_S
        left: Collection[str] = router_ids
        while left and time.monotonic() < patience:
            left = self.remove_unused(left)
            if left:
                time.sleep(_PAUSE_S)

    def remove_orphans(self) -> None:
        """Remove networks made as transit networks that no row knows of.

        The row comes first and goes last, so there are none unless a worker was taken for dead
        while it was at one.
        """
        for orphan in transactions.read(transits.read_orphans, NAME_PREFIX):
            try:
                self._remove(orphan)
            except exceptions.NeutronException as error:
                LOG.warning("transit.orphan_kept network=%s error=%s", orphan.network_id, error)

    def _remove(self, transit: TransitRecord) -> None:
        context, router_id = attach.own_context(), transit.router_id
        _, _, current = _read_routing(router_id)
        next_hops = addressing_of(transit.ipv4_prefix, self._options).pe
        ours = tuple(route for route in current if route[1] in next_hops)
        if ours:
            _ignoring_absence(lambda: _l3().remove_extraroutes(context, router_id, _body(ours)))
        if transit.router_mac is not None:
            interface = {"port_id": transit.router_port_id}
            _ignoring_absence(lambda: _l3().remove_router_interface(context, router_id, interface))
        with db_api.CONTEXT_READER.using(context):
            attached = attachments.read(context, [transit.network_id])
        for attachment in attached.values():
            attach.remove(attachment.network_id, attachment.port_id)
        _ignoring_absence(
            lambda: directory.get_plugin().delete_network(context, transit.network_id)
        )
        transactions.write(_forget, transit)
        LOG.info("transit.removed router=%s network=%s", router_id, transit.network_id)


def _l3() -> Any:
    return directory.get_plugin(plugin_types.L3)


def _body(routes: Collection[Route]) -> dict[str, Any]:
    listed = [{"destination": str(to), "nexthop": str(via)} for to, via in routes]
    return {"router": {"routes": listed}}


def _make_network(transit: TransitRecord, addressing: Addressing) -> None:
    core, context = directory.get_plugin(), attach.own_context()
    if not core.get_networks(context, filters={"id": [transit.network_id]}):
        network = {
            "id": transit.network_id,
            "tenant_id": "",
            "project_id": "",
            "name": f"{NAME_PREFIX}{transit.router_id}",
            "admin_state_up": True,
            "shared": False,
            "port_security_enabled": False,
        }
        plugin_utils.create_network(core, context, {"network": network}, check_allow_post=False)
    there = core.get_subnets(context, filters={"network_id": [transit.network_id]})
    versions = {subnet["ip_version"] for subnet in there}
    prefixes: tuple[IpPrefix, ...] = (addressing.ipv4, addressing.ipv6)
    for prefix, gateway in zip(prefixes, addressing.pe, strict=True):
        if prefix.version in versions:
            continue
        subnet = {
            "tenant_id": "",
            "project_id": "",
            "network_id": transit.network_id,
            "ip_version": prefix.version,
            "cidr": str(prefix),
            "gateway_ip": str(gateway),
            "enable_dhcp": False,
        }
        plugin_utils.create_subnet(core, context, {"subnet": subnet}, check_allow_post=False)


def _make_interface(transit: TransitRecord, addressing: Addressing) -> None:
    core, context = directory.get_plugin(), attach.own_context()
    if not core.get_ports(context, filters={"id": [transit.router_port_id]}):
        port = {
            "id": transit.router_port_id,
            "tenant_id": "",
            "project_id": "",
            "name": PORT_NAME,
            "network_id": transit.network_id,
            "admin_state_up": True,
            "device_owner": "",
            "device_id": "",
            "fixed_ips": [{"ip_address": str(address)} for address in addressing.router],
            "port_security_enabled": False,
            "security_groups": [],
        }
        plugin_utils.create_port(core, context, {"port": port}, check_allow_post=False)
    interface = {"port_id": transit.router_port_id}
    _l3().add_router_interface(context, transit.router_id, interface)


def _ignoring_absence(work: Callable[[], object]) -> None:
    with contextlib.suppress(exceptions.NotFound):
        work()


def _explained(error: Exception, router_id: str) -> Exception:
    if isinstance(error, exceptions.NotFound):
        return DriverUnavailable(f"Router {router_id} is going or changing: {error}")
    if isinstance(error, exceptions.NeutronException):
        sentence = f"Router {router_id} can't be connected to the provider's network"
        return IntentConflict(f"{sentence}.", f"{sentence}: {error}")
    return error


@db_api.retry_db_errors
def _read_routing(
    router_id: str,
) -> tuple[TransitRecord | None, RouterRecord | None, list[Route]]:
    context = neutron_context.get_admin_context()
    with db_api.CONTEXT_READER.using(context):
        transit = transits.read(context, router_ids=[router_id]).get(router_id)
        router = router_facts.read_routers(context, [router_id]).get(router_id)
        routes = router_facts.read_routes(context, [router_id]).get(router_id, [])
        return transit, router, routes


def _forget(context: Context, transit: TransitRecord) -> None:
    transits.forget(context, transit.router_id, transit.network_id)
    # A router that was associated anew while its old transit network went needs another.
    journal.append(context, membership.read_vpns_of_router(context, transit.router_id))


@db_api.retry_db_errors
def _claim(router_id: str, within: IPv4Network) -> TransitRecord | None:
    context = neutron_context.get_admin_context()
    with db_api.CONTEXT_WRITER.using(context):
        if not transits.claim(context, router_id, within):
            return None
        return transits.read(context, router_ids=[router_id])[router_id]
