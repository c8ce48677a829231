# SPDX-License-Identifier: Apache-2.0
"""Put a VPN's intent together from what the tables say. Pure.

network association   the network: its gateway addresses, every CE on it
router association    its transit network: every CE behind the router, by the router's MAC
port association      the port's network, of it the port alone, and what the port has behind it
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from isthmus.db.records import (
    BOTH,
    EXPORT,
    IMPORT,
    AssociationRecord,
    AttachmentRecord,
    CustomerPort,
    GatewayPortRecord,
    Kind,
    NetworkRecord,
    PortRoute,
    RouterRecord,
    SubnetRecord,
    TransitRecord,
    VpnRecord,
)
from isthmus.model.errors import InvalidValue
from isthmus.model.ids import RouteDistinguisher, RouteTarget
from isthmus.model.intent import (
    AttachedHost,
    AttachedPrefix,
    AttachedSubnet,
    BoundHost,
    BoundPrefix,
    GatewayPort,
    Migration,
    NetworkAttachment,
    VpnIntent,
)
from isthmus.model.ip import IpAddress, IpPrefix, ip_order


@dataclass(frozen=True, slots=True)
class Picture:
    """What the tables say of one VPN.

    Attributes:
        vpn: the VPN.
        associations: of its routers and ports.
        networks: every network that PEs attach to for it, without the subnets that they must not
            answer for.
        attached: the attachments of those that there are, with a MAC each.
        gateways: gateways' ports on those that are in gateway mode.
        ports: every CE on those networks and behind its routers.
        routers: its routers.
        transits: their transit networks.
        passed_on: the prefixes of other VPNs that its ports pass on, by VPN.
    """

    vpn: VpnRecord
    associations: tuple[AssociationRecord, ...]
    networks: Mapping[str, NetworkRecord]
    attached: Mapping[str, AttachmentRecord]
    gateways: Mapping[str, tuple[GatewayPortRecord, ...]]
    ports: tuple[CustomerPort, ...]
    routers: Mapping[str, RouterRecord]
    transits: Mapping[str, TransitRecord]
    passed_on: Mapping[str, frozenset[IpPrefix]]


def compose(picture: Picture) -> VpnIntent:
    """Put the intent together.

    Left out are networks without an attachment and those none of whose subnets can be carried.
    """
    vpn = picture.vpn
    both = vpn.targets_of(BOTH)
    whole = [_of_network(picture, network_id) for network_id in vpn.network_ids]
    routed = [_of_router(picture, a) for a in picture.associations if a.kind is Kind.ROUTER]
    made = [attachment for attachment in (*whole, *routed) if attachment is not None]
    attachments = _with_ports(picture, {a.network_id: a for a in made})
    return VpnIntent(
        vpn_id=vpn.id,
        generation=vpn.generation,
        import_rts=_route_targets(both + vpn.targets_of(IMPORT)),
        export_rts=_route_targets(both + vpn.targets_of(EXPORT)),
        rds=tuple(RouteDistinguisher.parse(rd) for rd in vpn.rds),
        attachments=tuple(sorted(attachments, key=lambda a: (not a.is_whole, a.network_id))),
        local_pref=vpn.local_pref,
    )


def _route_targets(values: Iterable[str]) -> frozenset[RouteTarget]:
    return frozenset(RouteTarget.parse(value) for value in values)


def _bare(
    picture: Picture, network_id: str, subnets: Iterable[SubnetRecord] | None = None
) -> NetworkAttachment | None:
    """Return a network's attachment, nobody reached through it yet."""
    network, attached = picture.networks.get(network_id), picture.attached.get(network_id)
    if network is None or attached is None or attached.mac is None:
        return None
    found = tuple(
        sorted(
            AttachedSubnet(subnet.prefix, subnet.gateway, subnet.advertisement)
            for subnet in (network.subnets if subnets is None else subnets)
            if subnet.gateway is not None
        )
    )
    if not found:
        return None
    return NetworkAttachment(
        network_id=network_id,
        port_id=attached.port_id,
        mac=attached.mac.lower(),
        mtu=network.mtu,
        subnets=found,
        hosts=(),
        gateways=tuple(
            GatewayPort(port.pe, port.address, port.port_id, port.mac)
            for port in picture.gateways.get(network_id, ())
            if port.address is not None and port.mac is not None
        ),
    )


def _of_network(picture: Picture, network_id: str) -> NetworkAttachment | None:
    bare = _bare(picture, network_id)
    if bare is None:
        return None
    carried = _carried(picture.networks[network_id])
    hosts = _hosts(port for port in picture.ports if port.subnet_id in carried)
    return replace(bare, hosts=tuple(sorted(hosts)))


def _carried(network: NetworkRecord) -> frozenset[str]:
    return frozenset(subnet.id for subnet in network.subnets if subnet.is_carried)


def _of_router(picture: Picture, association: AssociationRecord) -> NetworkAttachment | None:
    router = picture.routers.get(association.target_id)
    transit = picture.transits.get(association.target_id)
    if router is None or transit is None or transit.router_mac is None:
        return None
    network = picture.networks.get(transit.network_id)
    subnets = () if network is None else network.subnets
    bare = _bare(
        picture,
        transit.network_id,
        [s for s in subnets if s.prefix.version == 4 or router.has_ipv6],
    )
    if bare is None:
        return None
    behind = frozenset(routed.subnet.id for routed in router.subnets)
    mac = transit.router_mac
    prefixes = {routed.subnet.prefix for routed in router.subnets}
    if association.is_advertising:
        ours = [subnet.prefix for subnet in subnets]
        prefixes |= {to for to, via in router.routes if not any(via in net for net in ours)}
    return replace(
        bare,
        hosts=tuple(sorted(_hosts((p for p in picture.ports if p.subnet_id in behind), mac))),
        prefixes=tuple(
            BoundPrefix("", AttachedPrefix(prefix, mac))
            for prefix in sorted(prefixes, key=ip_order)
        ),
    )


def _with_ports(
    picture: Picture, attachments: Mapping[str, NetworkAttachment]
) -> list[NetworkAttachment]:
    """Add what associated ports have behind them, and the ports of networks not yet there."""
    result = dict(attachments)
    for association in picture.associations:
        if association.kind is not Kind.PORT:
            continue
        addresses = [p for p in picture.ports if p.port_id == association.target_id]
        if not addresses:
            continue
        network_id = addresses[0].network_id
        attachment = result.get(network_id) or _bare(picture, network_id)
        if attachment is None:
            continue
        if network_id not in attachments:
            attachment = replace(attachment, is_whole=False)
        result[network_id] = _with_port(picture, attachment, association, addresses)
    return list(result.values())


def _with_port(
    picture: Picture,
    attachment: NetworkAttachment,
    association: AssociationRecord,
    addresses: list[CustomerPort],
) -> NetworkAttachment:
    carried = _carried(picture.networks[attachment.network_id])
    hosts = list(attachment.hosts)
    if not attachment.is_whole:
        hosts += [
            replace(bound, host=replace(bound.host, is_advertised=association.is_advertising))
            for bound in _hosts(port for port in addresses if port.subnet_id in carried)
        ]
    port = addresses[0]
    prefixes = [
        BoundPrefix(
            host_name,
            AttachedPrefix(prefix, port.mac, port.port_id, route.local_pref, migration),
        )
        for prefix, route in _behind(picture, association).items()
        for host_name, migration in _whereabouts(port)
    ]
    return replace(
        attachment,
        hosts=tuple(sorted(hosts)),
        prefixes=tuple(sorted([*attachment.prefixes, *prefixes])),
    )


def _behind(picture: Picture, association: AssociationRecord) -> Mapping[IpPrefix, PortRoute]:
    """Return what a port has behind it, each prefix once: one that is named counts first."""
    routes: dict[IpPrefix, PortRoute] = {}
    for route in association.routes:
        if route.vpn_id is not None:
            for prefix in picture.passed_on.get(route.vpn_id, ()):
                routes.setdefault(prefix, route)
    named = {route.prefix: route for route in association.routes if route.prefix is not None}
    return routes | named


def _hosts(ports: Iterable[CustomerPort], mac: str | None = None) -> Iterable[BoundHost]:
    """Return CEs with all their addresses, reached by a router's MAC or by their own."""
    addresses: dict[str, list[IpAddress]] = {}
    first: dict[str, CustomerPort] = {}
    for port in ports:
        first.setdefault(port.port_id, port)
        addresses.setdefault(port.port_id, []).append(port.address)
    for port_id, found in addresses.items():
        port = first[port_id]
        try:
            host = AttachedHost(port_id, mac or port.mac, tuple(sorted(found, key=ip_order)))
        except InvalidValue:
            # A tenant may give a port a MAC no frame can be sent to; it harms only itself.
            continue
        if mac is not None:
            # Behind a router OVN finds it, wherever it runs.
            yield BoundHost(port.host_name, host)
            continue
        for host_name, migration in _whereabouts(port):
            yield BoundHost(host_name, replace(host, migration=migration))


def _whereabouts(port: CustomerPort) -> Iterator[tuple[str, Migration]]:
    """Return where a VM runs, and where it will."""
    if port.moves_to is None:
        yield port.host_name, Migration.NONE
    else:
        yield port.host_name, Migration.LEAVING
        yield port.moves_to, Migration.ARRIVING
