# SPDX-License-Identifier: Apache-2.0
"""Gateways' ports on networks in gateway mode: made, corrected and removed in Neutron.

    address port    owner isthmus:pe-gateway   unbound; holds the gateway address (the attachment)
    gateway's port  owner isthmus:pe           bound to the PE's host; allowed the same address

OVN then takes the first for a virtual port with the others as its parents, from the moment that any
of them is allowed the address: what was a localport carries nothing from then on. So all are made
first, and allowed it after. Port security stays on, as only so does OVN know a port's MAC for sure;
the allowed address pairs let everything the VPN carries through. No tenant's quota is used: the
project is empty.

Their security group is stateless: while a network is handed from one gateway to another, a
connection's packets come in by one port and go out by the other, and OVN drops what it has not
tracked from the start on that port.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterable, Mapping
from functools import partial
from typing import Any

from neutron_lib import constants, exceptions
from neutron_lib.api.definitions import portbindings
from neutron_lib.plugins import directory
from neutron_lib.plugins import utils as plugin_utils

from isthmus.db import gateways, models
from isthmus.db.records import GatewayPortRecord, NetworkRecord
from isthmus.model.errors import DriverUnavailable, InOtherHands, IntentConflict
from isthmus.plugin import transactions
from isthmus.plugin.attach import keep_port, own_context, remove_orphans_of, remove_port

LOG = logging.getLogger(__name__)

DEVICE_OWNER_PREFIX = "isthmus:"
DEVICE_OWNER = "isthmus:pe"
DEVICE_ID_PREFIX = "isthmus-"
PORT_NAME = "isthmus-gateway"
SECURITY_GROUP = "isthmus-gateways"
# Whatever other PEs send on behalf of their VMs. Neutron takes ten at most, and for IPv6 nothing
# that holds multicast addresses: global unicast and unique local ones (RFC 4291 §2.4, RFC 4193).
_ANY_SOURCE = ("0.0.0.0/0", "2000::/3", "fc00::/7")


def ensure(
    network: NetworkRecord, ports: Iterable[GatewayPortRecord], pes: Collection[str]
) -> None:
    """Give every gateway its port on a network; take away those of PEs that are none any more.

    Args:
        network: with its subnets as they are now.
        ports: what there is of them now.
        pes: those that may be gateways.

    Raises:
        IntentConflict: the region has no gateway, or the network no address left for its port.
        InOtherHands: another worker is making one.
        DriverUnavailable: the network is just going.
    """
    if not pes:
        raise IntentConflict(
            "The provider has no gateway in this region; tell the operator.",
            f"Network {network.id} is in gateway mode, but no provider edge of this region is a "
            "gateway: set [provider_edge] gateway = true on at least one.",
        )
    there = {port.pe: port for port in ports}
    remove(port for pe, port in there.items() if pe not in pes)
    made = [_make(network, pe) for pe in pes if pe not in there or there[pe].mac is None]
    _correct(network, [*made, *(port.port_id for pe, port in there.items() if pe in pes)])


def remove(ports: Iterable[GatewayPortRecord]) -> None:
    """Remove gateways' ports, then their rows; both may be gone already."""
    for port in ports:
        remove_port(port.port_id, partial(transactions.write, gateways.forget, port.port_id))
        LOG.info("gateway_port.removed network=%s pe=%s", port.network_id, port.pe)


def remove_from(network_id: str) -> None:
    """Remove all gateways' ports from a network."""
    for ports in transactions.read(gateways.read_ports, [network_id]).values():
        remove(ports)


def remove_orphans() -> None:
    """Remove gateways' ports that no row knows of."""
    remove_orphans_of(models.GatewayPort, [DEVICE_OWNER], DEVICE_ID_PREFIX)


def remove_unused() -> None:
    """Remove gateways' ports from networks that are not attached any more.

    What fails is logged and left for the next time.
    """
    for network_id in transactions.read(gateways.read_unused_networks):
        try:
            remove_from(network_id)
        except Exception:
            LOG.exception("gateway_port.not_removed network=%s", network_id)


def _make(network: NetworkRecord, pe: str) -> str:
    port_id = transactions.write(gateways.claim, network.id, pe)
    if port_id is None:
        raise InOtherHands(f"Another worker is making the port of gateway {pe}.")
    try:
        body = _body(network, pe, port_id, _security_group())
        plugin_utils.create_port(
            directory.get_plugin(), own_context(), {"port": body}, check_allow_post=False
        )
    except exceptions.NotFound as error:
        transactions.write(gateways.release, network.id, pe)
        raise DriverUnavailable(f"Network {network.id} is going: {error}") from error
    except exceptions.IpAddressGenerationFailure as error:
        transactions.write(gateways.release, network.id, pe)
        raise IntentConflict(
            f"Network {network.id} has no address left for a gateway.",
            f"Network {network.id} has no address left for the port of gateway {pe} ({error}).",
        ) from error
    except Exception:
        transactions.write(gateways.release, network.id, pe)
        raise
    if not keep_port(port_id, gateways.is_gateway_port):
        raise DriverUnavailable(f"Network {network.id} is taken out of its VPNs just now.")
    LOG.info("gateway_port.created network=%s pe=%s port=%s", network.id, pe, port_id)
    return port_id


def _body(network: NetworkRecord, pe: str, port_id: str, security_group: str) -> dict[str, Any]:
    return {
        "id": port_id,
        "tenant_id": "",
        "project_id": "",
        "name": PORT_NAME,
        "network_id": network.id,
        "mac_address": constants.ATTR_NOT_SPECIFIED,
        "admin_state_up": True,
        "device_owner": DEVICE_OWNER,
        "device_id": f"{DEVICE_ID_PREFIX}{pe}"[:255],
        "fixed_ips": constants.ATTR_NOT_SPECIFIED,
        portbindings.HOST_ID: pe,
        "port_security_enabled": True,
        "security_groups": [security_group],
        "allowed_address_pairs": _pairs(),
    }


def _pairs(*gateway_addresses: str) -> list[dict[str, str]]:
    return [{"ip_address": address} for address in (*gateway_addresses, *_ANY_SOURCE)]


def _correct(network: NetworkRecord, port_ids: list[str]) -> None:
    """Let ports use the gateway addresses as they are now, untracked; touch none that is right."""
    if not port_ids:
        return
    core, context = directory.get_plugin(), own_context()
    wanted = _pairs(*(str(subnet.gateway) for subnet in network.subnets if subnet.is_carried))
    addresses = {pair["ip_address"] for pair in wanted}
    groups = [_security_group()]
    fields = ["id", "allowed_address_pairs", "security_groups"]
    for port in core.get_ports(context, filters={"id": port_ids}, fields=fields):
        is_allowed = {pair["ip_address"] for pair in port["allowed_address_pairs"]} == addresses
        if not is_allowed or port["security_groups"] != groups:
            change = {"allowed_address_pairs": wanted, "security_groups": groups}
            core.update_port(context, port["id"], {"port": change})
            LOG.info("gateway_port.changed network=%s port=%s", network.id, port["id"])


def _security_group() -> str:
    """Return the security group of all gateways' ports: everything goes through, untracked."""
    core, context = directory.get_plugin(), own_context()
    filters = {"name": [SECURITY_GROUP], "project_id": [""], "stateful": [False]}
    found = core.get_security_groups(context, filters=filters, fields=["id"])
    if found:
        return str(min(group["id"] for group in found))
    group: Mapping[str, Any] = core.create_security_group(
        context,
        {
            "security_group": {
                "name": SECURITY_GROUP,
                "description": "Ports of Isthmus gateways; what they may carry VPNs decide.",
                "stateful": False,
                "project_id": "",
                "tenant_id": "",
            }
        },
    )
    for ethertype in (constants.IPv4, constants.IPv6):
        core.create_security_group_rule(context, {"security_group_rule": _rule(group, ethertype)})
    return str(group["id"])


def _rule(group: Mapping[str, Any], ethertype: str) -> dict[str, Any]:
    return {
        "security_group_id": group["id"],
        "direction": constants.INGRESS_DIRECTION,
        "ethertype": ethertype,
        "project_id": "",
        "tenant_id": "",
        "protocol": None,
        "port_range_min": None,
        "port_range_max": None,
        "remote_ip_prefix": None,
        "remote_group_id": None,
        "remote_address_group_id": None,
        "description": "",
    }
