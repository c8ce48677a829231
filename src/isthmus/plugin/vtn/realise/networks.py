# SPDX-License-Identifier: Apache-2.0
"""The network and subnets of a VTN, made and mended by Neutron's core plug-in."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from typing import Any

from neutron_lib import constants, exceptions
from neutron_lib.context import Context
from neutron_lib.plugins import directory
from neutron_lib.plugins import utils as plugin_utils

from isthmus.db import attachments, gateways, neutron_facts
from isthmus.db.vtn import realisations
from isthmus.db.vtn.realisations import RealisationRecord, SubnetPlan
from isthmus.model.errors import DriverUnavailable, IntentConflict
from isthmus.model.vtn.merge import Wanted
from isthmus.plugin import attach, transactions
from isthmus.plugin.vtn.realise.drift import Found, FoundNetwork, FoundSubnet
from isthmus.plugin.vtn.realise.paying import reserved

LOG = logging.getLogger(__name__)

# A host makes its own address of such a prefix (RFC 4862 §5.5.3); of longer ones DHCP gives them.
_SLAAC_LENGTH = 64


def ensure(
    wanted: Wanted,
    project_id: str,
    record: RealisationRecord,
    found: Found,
    *,
    keeps_names: bool = False,
) -> None:
    """Make the network and its subnets what they are to be; touch nothing that is right.

    Args:
        wanted: what is to be.
        project_id: whose they are.
        record: with the ids they have or are to have.
        found: what there is.
        keeps_names: one that somebody else gave the network stays.

    Raises:
        IntentConflict: Neutron refuses it, or the tenant's quota does.
        DriverUnavailable: it is just going.
    """
    network = found.network
    if network is None:
        _make_network(wanted, project_id, record)
    elif record.network_name in (None, network.name) or not keeps_names:
        _mend_network(wanted, record, network)
    there = found.subnets
    for plan in record.subnets:
        if plan.prefix not in wanted.prefixes:
            if plan.id in there:
                _remove_subnet(plan, record.network_id)
            transactions.write(realisations.drop_subnet, plan.id)
    for plan in record.subnets:
        if plan.prefix in wanted.prefixes:
            _ensure_subnet(wanted, project_id, record, plan, there.get(plan.id))


def _ensure_subnet(
    wanted: Wanted,
    project_id: str,
    record: RealisationRecord,
    plan: SubnetPlan,
    subnet: FoundSubnet | None,
) -> None:
    if subnet is None:
        _make_subnet(wanted, project_id, record, plan)
    elif not subnet.has_gateway:
        _update_subnet(plan, {"gateway_ip": str(plan.prefix[1])})
    if not plan.was_made:
        transactions.write(realisations.make_subnet, plan.id)


def _make_network(wanted: Wanted, project_id: str, record: RealisationRecord) -> None:
    core, context = directory.get_plugin(), attach.own_context()
    body = {
        "id": record.network_id,
        "tenant_id": project_id,
        "project_id": project_id,
        "name": wanted.name,
        "description": wanted.description,
        "admin_state_up": True,
        "shared": False,
    }
    with _explained(wanted), reserved(context, project_id, "network"):
        plugin_utils.create_network(core, context, {"network": body}, check_allow_post=False)
    transactions.write(realisations.name_network, record.vtn_id, wanted.name)
    LOG.info("vtn.network_created vtn=%s network=%s", record.vtn_id, record.network_id)


def _mend_network(wanted: Wanted, record: RealisationRecord, network: FoundNetwork) -> None:
    if network.name != wanted.name or not network.is_up:
        change = {"name": wanted.name, "admin_state_up": True}
        with _explained(wanted):
            core = directory.get_plugin()
            core.update_network(attach.own_context(), network.id, {"network": change})
        LOG.info("vtn.network_changed vtn=%s network=%s", record.vtn_id, network.id)
    if record.network_name != wanted.name:
        transactions.write(realisations.name_network, record.vtn_id, wanted.name)


def _make_subnet(
    wanted: Wanted, project_id: str, record: RealisationRecord, plan: SubnetPlan
) -> None:
    context = attach.own_context()
    body: dict[str, Any] = {
        "id": plan.id,
        "tenant_id": project_id,
        "project_id": project_id,
        "name": wanted.name,
        "network_id": record.network_id,
        "ip_version": plan.prefix.version,
        "cidr": str(plan.prefix),
        "enable_dhcp": True,
    }
    if plan.prefix.version == constants.IP_VERSION_6:
        mode = constants.IPV6_SLAAC
        if plan.prefix.prefixlen != _SLAAC_LENGTH:
            mode = constants.DHCPV6_STATEFUL
        body |= {"ipv6_ra_mode": mode, "ipv6_address_mode": mode}
    with _explained(wanted), reserved(context, project_id, "subnet"):
        core = directory.get_plugin()
        plugin_utils.create_subnet(core, context, {"subnet": body}, check_allow_post=False)
    LOG.info("vtn.subnet_created vtn=%s subnet=%s", record.vtn_id, plan.id)


def _update_subnet(plan: SubnetPlan, change: dict[str, Any]) -> None:
    try:
        directory.get_plugin().update_subnet(attach.own_context(), plan.id, {"subnet": change})
    except exceptions.NeutronException as error:
        sentence = f"Subnet {plan.id} ({plan.prefix}) can't be put right"
        raise IntentConflict(f"{sentence}.", f"{sentence}: {error}") from error


def _remove_subnet(plan: SubnetPlan, network_id: str) -> None:
    """Remove a subnet whose prefix was taken back.

    Raises:
        IntentConflict: ports have addresses of it.
    """
    transactions.write(_release_addresses, network_id, plan.id)
    try:
        directory.get_plugin().delete_subnet(attach.own_context(), plan.id)
    except exceptions.InUse as error:
        raise IntentConflict(
            f"Subnet {plan.id} ({plan.prefix}) is to go, and ports have addresses of it. "
            "Delete those ports."
        ) from error


def _release_addresses(context: Context, network_id: str, subnet_id: str) -> None:
    """Have our own ports give back their addresses of a subnet."""
    ours = [each.port_id for each in attachments.read(context, [network_id]).values()]
    for ports in gateways.read_ports(context, [network_id]).values():
        ours += [each.port_id for each in ports]
    for port_id in ours:
        neutron_facts.release_addresses_of_port(context, port_id, subnet_id)


@contextlib.contextmanager
def _explained(wanted: Wanted) -> Iterator[None]:
    try:
        yield
    except exceptions.NotFound as error:
        raise DriverUnavailable(f"The network of {wanted.name!r} is going: {error}") from error
    except exceptions.NeutronException as error:
        sentence = f"Neutron refuses the network of virtual tenant network {wanted.name!r}"
        raise IntentConflict(f"{sentence}: {error}") from error


def remove(record: RealisationRecord) -> None:
    """Remove the network with all that hangs on it; both may be gone already.

    Not in our own name: our guard then takes our ports away first, as for a tenant.

    Raises:
        IntentConflict: a port came onto it meanwhile.
    """
    context = transactions.admin_context()
    try:
        directory.get_plugin().delete_network(context, record.network_id)
    except exceptions.NetworkNotFound:
        return
    except exceptions.InUse as error:
        raise IntentConflict(
            f"Network {record.network_id} is in use and can't go yet. Delete its ports.",
            f"Network {record.network_id} can't be deleted: {error}",
        ) from error
    LOG.info("vtn.network_removed vtn=%s network=%s", record.vtn_id, record.network_id)


def ports_left(record: RealisationRecord, count: int) -> IntentConflict:
    """Return why a member that is to go can't yet."""
    ports = "a port" if count == 1 else f"{count} ports"
    return IntentConflict(
        f"Network {record.network_id} still has {ports}. Delete them; the network goes by itself "
        "then."
    )
