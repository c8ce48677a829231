# SPDX-License-Identifier: Apache-2.0
"""Read the whole intent of one VPN at this site."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType

from neutron_lib.context import Context

from isthmus.db import attachments, gateways, models, neutron_facts, vpns
from isthmus.db.gateways import GatewayPortRecord
from isthmus.db.records import AttachmentRecord, CustomerPort, NetworkRecord, VpnRecord
from isthmus.model.errors import InvalidValue
from isthmus.model.ids import RouteDistinguisher, RouteTarget
from isthmus.model.intent import (
    AttachedHost,
    AttachedSubnet,
    BoundHost,
    GatewayPort,
    NetworkAttachment,
    VpnIntent,
)
from isthmus.model.ip import IpAddress, ip_order


def read_intent(context: Context, vpn_id: str, *, lock: bool = False) -> VpnIntent | None:
    """Return what is wanted of a VPN, one consistent picture if the caller holds a transaction.

    An attachment whose port is being made counts as made: its id and MAC are known. Subnets whose
    gateway address a router has are left out, so that hosts never have two gateways; so are
    networks without an attachment, or none of whose subnets can be carried. None if there is no
    such VPN. ``lock`` keeps the attachments from going until the caller's transaction ends.
    """
    vpn = vpns.read_one(context, vpn_id)
    if vpn is None:
        return None
    routed = neutron_facts.read_routed_subnets(context, vpn.network_ids)
    networks = {
        network.id: replace(
            network, subnets=tuple(s for s in network.subnets if s.id not in routed)
        )
        for network in neutron_facts.read_networks(context, vpn.network_ids).values()
    }
    attached = attachments.read(context, vpn.network_ids, lock=lock)
    ports = neutron_facts.read_customer_ports(context, vpn.network_ids)
    gateway_ports = gateways.read_ports(
        context, [n for n, attachment in attached.items() if attachment.mode == models.GATEWAY]
    )
    return compose(vpn, networks, attached, ports, gateway_ports)


def compose(
    vpn: VpnRecord,
    networks: Mapping[str, NetworkRecord],
    attached: Mapping[str, AttachmentRecord],
    ports: Iterable[CustomerPort],
    gateway_ports: Mapping[str, tuple[GatewayPortRecord, ...]] = MappingProxyType({}),
) -> VpnIntent:
    """Put the intent together from what the tables say."""
    ports_of: dict[str, list[CustomerPort]] = defaultdict(list)
    for port in ports:
        ports_of[port.network_id].append(port)
    both = vpn.targets_of(models.BOTH)
    return VpnIntent(
        vpn_id=vpn.id,
        generation=vpn.generation,
        import_rts=_route_targets(both + vpn.targets_of(models.IMPORT)),
        export_rts=_route_targets(both + vpn.targets_of(models.EXPORT)),
        rds=tuple(RouteDistinguisher.parse(rd) for rd in vpn.rds),
        attachments=tuple(
            replace(
                _attachment(networks[network_id], attached[network_id], ports_of[network_id]),
                gateways=_gateways(gateway_ports.get(network_id, ())),
            )
            for network_id in sorted(vpn.network_ids)
            if network_id in networks
            and network_id in attached
            and attachments.is_there_or_coming(attached[network_id])
            and any(subnet.is_carried for subnet in networks[network_id].subnets)
        ),
    )


def _gateways(ports: Iterable[GatewayPortRecord]) -> tuple[GatewayPort, ...]:
    return tuple(
        GatewayPort(port.pe, port.address, port.port_id, port.mac)
        for port in ports
        if port.address is not None and port.mac is not None
    )


def _route_targets(values: Iterable[str]) -> frozenset[RouteTarget]:
    return frozenset(RouteTarget.parse(value) for value in values)


def _attachment(
    network: NetworkRecord, attached: AttachmentRecord, ports: Iterable[CustomerPort]
) -> NetworkAttachment:
    carried = {subnet.id: subnet for subnet in network.subnets if subnet.is_carried}
    addresses: dict[CustomerPort, list[IpAddress]] = {}
    first_of: dict[str, CustomerPort] = {}
    for port in ports:
        if port.subnet_id in carried:
            first = first_of.setdefault(port.port_id, port)
            addresses.setdefault(first, []).append(port.address)
    return NetworkAttachment(
        network_id=network.id,
        port_id=attached.port_id,
        mac=(attached.mac or attachments.gateway_mac(network.id)).lower(),
        mtu=network.mtu,
        subnets=tuple(
            sorted(
                AttachedSubnet(subnet.prefix, subnet.gateway, subnet.advertisement)
                for subnet in carried.values()
                if subnet.gateway is not None
            )
        ),
        hosts=tuple(sorted(_hosts(addresses))),
    )


def _hosts(addresses: Mapping[CustomerPort, list[IpAddress]]) -> Iterable[BoundHost]:
    for port, found in addresses.items():
        try:
            host = AttachedHost(port.port_id, port.mac, tuple(sorted(found, key=ip_order)))
        except InvalidValue:
            # A tenant may give a port a MAC no frame can be sent to; it harms only itself.
            continue
        yield BoundHost(port.host_name, host)
