# SPDX-License-Identifier: Apache-2.0
"""Attachments as ports of Neutron: made, corrected and removed through the core plug-in.

One OVN localport per network: it exists on every chassis, so every PE of the region is reached
at the gateway address of its own VMs' network. OVN makes a localport of a port only if owner and
device id begin as below. In gateway mode it is an unbound port that only holds the gateway address
(see ``gateway_ports``). The project is empty: no tenant's quota is used.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from ipaddress import IPv6Address
from typing import Any

from neutron_lib import context as neutron_context
from neutron_lib import exceptions
from neutron_lib.context import Context
from neutron_lib.db import api as db_api
from neutron_lib.plugins import directory
from neutron_lib.plugins import utils as plugin_utils

from isthmus.db import (
    attachments,
    gateways,
    journal,
    membership,
    models,
    neutron_facts,
)
from isthmus.db.records import AttachmentRecord, NetworkRecord, SubnetRecord
from isthmus.model.errors import DriverUnavailable, InOtherHands, IntentConflict
from isthmus.plugin import transactions

LOG = logging.getLogger(__name__)

DEVICE_OWNER = "ovn-lb-hm:distributed"
DEVICE_ID_PREFIX = "ovn-lb-hm-isthmus-"
ADDRESS_OWNER = "isthmus:pe-gateway"
DEVICE_OWNERS = {models.DISTRIBUTED: DEVICE_OWNER, models.GATEWAY: ADDRESS_OWNER}
PORT_NAME = "isthmus-attachment"
_OWN = "isthmus_is_own"
Work = Callable[[], None]


def own_context() -> Context:
    """Return an administrator's context that our guards let pass."""
    context = neutron_context.get_admin_context()
    setattr(context, _OWN, True)
    return context


def is_own(context: Context) -> bool:
    """Whether a context is our own."""
    return bool(getattr(context, _OWN, False))


def wanted_addresses(network: NetworkRecord) -> tuple[tuple[str, str], ...]:
    """Return pairs of subnet id and gateway address to ask Neutron for.

    Without those Neutron refuses to any port but a router's: link-local ones, a prefix's first
    (the subnet-router anycast address of RFC 4291 §2.6.1, Neutron's usual gateway), and any of a
    subnet where it gives each port the address made of its MAC. OVN need not know them: the PE
    itself answers neighbor solicitations.
    """
    return tuple(
        sorted(
            (subnet.id, str(subnet.gateway))
            for subnet in network.subnets
            if subnet.is_carried and _may_be_asked_for(subnet)
        )
    )


def has_all(
    network: NetworkRecord, attached: AttachmentRecord, wanted: tuple[tuple[str, str], ...]
) -> bool:
    """Whether an attachment has what Neutron is to be asked for, and no more.

    What Neutron gives any port by itself is not counted: it can't be given back.
    """
    given = {subnet.id for subnet in network.subnets if subnet.is_auto_addressed}
    return wanted == tuple(pair for pair in attached.fixed_ips if pair[0] not in given)


def _may_be_asked_for(subnet: SubnetRecord) -> bool:
    gateway = subnet.gateway
    if not isinstance(gateway, IPv6Address):
        return True
    is_anycast = gateway == subnet.prefix.network_address
    return not (subnet.is_auto_addressed or gateway.is_link_local or is_anycast)


def ensure(
    network: NetworkRecord, attached: AttachmentRecord | None, mode: str = models.DISTRIBUTED
) -> Work | None:
    """Make a network's attachment what it should be; touch nothing that is right.

    Args:
        network: with its subnets as they are now.
        attached: what there is of it now.
        mode: the one a new attachment is made for.

    Returns:
        What is left to do: making the port, which is claimed already and whose id and MAC are in
        the tables, so that PEs can be told meanwhile. None if nothing is.

    Raises:
        IntentConflict: another port has the gateway address.
        InOtherHands: another worker is making or removing it.
        DriverUnavailable: the network is just going.
    """
    wanted = wanted_addresses(network)
    is_carried = any(subnet.is_carried for subnet in network.subnets)
    if is_carried:
        _refuse_taken(network, attached)
    if attached is None or attached.mac is None:
        if is_carried:
            port_id = _claim(network.id, mode)
            if port_id is None:
                raise InOtherHands(f"Another worker is at the attachment of {network.id}.")
            return lambda: _create(network, port_id, wanted, mode)
    elif not is_carried:
        remove(network.id, attached.port_id)
    elif not has_all(network, attached, wanted):
        _change(network, attached, wanted)
    return None


def _refuse_taken(network: NetworkRecord, attached: AttachmentRecord | None) -> None:
    """Look for what Neutron does not tell: a router with a gateway address that is not asked for.

    Raises:
        IntentConflict: there is one.
    """
    unasked = [
        (subnet.id, str(subnet.gateway))
        for subnet in network.subnets
        if subnet.is_carried and not _may_be_asked_for(subnet)
    ]
    taken = _read_taken(unasked, "" if attached is None else attached.port_id)
    if taken:
        raise IntentConflict(_sentence(network, taken))


def remove(network_id: str, port_id: str) -> None:
    """Remove an attachment's port, then its row; both may be gone already."""
    remove_port(port_id, lambda: _forget(network_id, port_id))
    LOG.info("attachment.removed network=%s port=%s", network_id, port_id)


def remove_port(port_id: str, forget: Callable[[], object]) -> None:
    """Remove a port of ours, then its row, also while another worker is just making the port.

    That worker looks for the row once the port is there, see ``keep_port``.
    """
    core = directory.get_plugin()
    core.delete_port(own_context(), port_id, l3_port_check=False)
    forget()
    core.delete_port(own_context(), port_id, l3_port_check=False)


def keep_port(port_id: str, is_known: Callable[[Context, str], bool]) -> bool:
    """Remove a port that was just made if its row went meanwhile; return whether it stays."""
    if transactions.read(is_known, port_id):
        return True
    directory.get_plugin().delete_port(own_context(), port_id, l3_port_check=False)
    LOG.info("port.made_in_vain port=%s", port_id)
    return False


def remake(network: NetworkRecord, attached: AttachmentRecord, mode: str) -> None:
    """Replace an attachment's port by that of another mode, with the same id and addresses.

    Neutron lets no port change from a localport into another kind.
    """
    directory.get_plugin().delete_port(own_context(), attached.port_id, l3_port_check=False)
    _create(network, attached.port_id, wanted_addresses(network), mode)


def remove_unused() -> None:
    """Remove the attachments of networks that are in no VPN.

    One that another worker is at is left to it. What fails is logged and left for the next time.
    """
    for network_id in transactions.read(attachments.read_unused):
        attached = transactions.write(attachments.claim_removal, network_id)
        if attached is None:
            continue
        try:
            remove(network_id, attached.port_id)
        except Exception:
            LOG.exception("attachment.not_removed network=%s", network_id)
            transactions.write(attachments.release, network_id)


def remove_orphans() -> None:
    """Remove ports made as attachments, of whatever mode, that no row knows of."""
    remove_orphans_of(models.Attachment, DEVICE_OWNERS.values(), DEVICE_ID_PREFIX)


def remove_orphans_of(table: Any, device_owners: Collection[str], device_id_prefix: str) -> None:
    """Remove ports of ours that no row of a table knows of.

    The row comes first and goes last, so there are none unless a worker was taken for dead while
    it was making one. No tenant can make such a port: its project is empty.
    """
    found = transactions.read(attachments.read_orphans, table, device_owners, device_id_prefix)
    for port_id in found:
        directory.get_plugin().delete_port(own_context(), port_id, l3_port_check=False)
        LOG.warning("port.orphan_removed port=%s", port_id)


@db_api.retry_db_errors
def _forget(network_id: str, port_id: str) -> None:
    context = neutron_context.get_admin_context()
    with db_api.CONTEXT_WRITER.using(context):
        attachments.forget(context, network_id, port_id)
        # A network that was associated anew while its old attachment went needs another.
        journal.append(context, membership.read_attached_vpns(context, network_id))


@db_api.retry_db_errors
def _claim(network_id: str, mode: str) -> str | None:
    context = neutron_context.get_admin_context()
    with db_api.CONTEXT_WRITER.using(context):
        port_id = attachments.claim(context, network_id)
        if port_id is not None:
            gateways.set_mode(context, network_id, mode)
        return port_id


def _create(
    network: NetworkRecord, port_id: str, wanted: tuple[tuple[str, str], ...], mode: str
) -> None:
    port = {
        "id": port_id,
        "tenant_id": "",
        "project_id": "",
        "name": PORT_NAME,
        "network_id": network.id,
        "mac_address": attachments.gateway_mac(network.id),
        "admin_state_up": True,
        "device_owner": DEVICE_OWNERS[mode],
        "device_id": f"{DEVICE_ID_PREFIX}{network.id}",
        "fixed_ips": [{"subnet_id": s, "ip_address": address} for s, address in wanted],
        "port_security_enabled": False,
        "security_groups": [],
    }
    try:
        plugin_utils.create_port(
            directory.get_plugin(), own_context(), {"port": port}, check_allow_post=False
        )
    except Exception as error:
        transactions.write(attachments.release, network.id)
        raise _explained(error, network, port_id, wanted) from error
    if keep_port(port_id, attachments.is_attachment):
        transactions.write(attachments.release, network.id)
        LOG.info("attachment.created network=%s port=%s", network.id, port_id)


def _change(
    network: NetworkRecord, attached: AttachmentRecord, wanted: tuple[tuple[str, str], ...]
) -> None:
    fixed_ips = [{"subnet_id": subnet, "ip_address": address} for subnet, address in wanted]
    body: Mapping[str, Any] = {"port": {"fixed_ips": fixed_ips}}
    try:
        directory.get_plugin().update_port(own_context(), attached.port_id, body)
    except Exception as error:
        raise _explained(error, network, attached.port_id, wanted) from error
    LOG.info("attachment.changed network=%s port=%s", network.id, attached.port_id)


def _explained(
    error: Exception, network: NetworkRecord, port_id: str, wanted: tuple[tuple[str, str], ...]
) -> Exception:
    if isinstance(error, exceptions.NotFound):
        return DriverUnavailable(f"Network {network.id} is going while it is attached: {error}")
    if isinstance(error, exceptions.Conflict | exceptions.InUse):
        sentence = _sentence(network, _read_taken(wanted, port_id))
        return IntentConflict(sentence, f"{sentence} ({error})")
    return error


def _read_taken(addresses: Sequence[tuple[str, str]], own_port_id: str) -> list[str]:
    if not addresses:
        return []
    context = neutron_context.get_admin_context()
    with db_api.CONTEXT_READER.using(context):
        owners = {
            address: neutron_facts.read_owner_of_address(context, subnet_id, address)
            for subnet_id, address in addresses
        }
    return [address for address, owner in owners.items() if owner and owner[0] != own_port_id]


def _sentence(network: NetworkRecord, taken: list[str]) -> str:
    return (
        f"The gateway address {' and '.join(taken) or 'of a subnet'} of network "
        f"{network.id} is in use by another port."
    )
