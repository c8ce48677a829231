# SPDX-License-Identifier: Apache-2.0
"""What may be asked for. Each refusal is a sentence a tenant understands.

Pure: no I/O, no clock, no logging.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from isthmus.db.records import NetworkRecord, SubnetRecord, VpnRecord
from isthmus.model.errors import IntentConflict, InvalidValue, NotPermitted
from isthmus.model.ids import RouteDistinguisher, RouteTarget

L3 = "l3"
ROUTER_PORT_PREFIX = "network:router"
MAX_TARGETS = 1000
MAX_VNI = 2**24 - 1


@dataclass(frozen=True, slots=True)
class AssociationRequest:
    """A network that is to join a VPN, with what decides whether it may.

    Attributes:
        network: the network.
        network_project_id: whose it is.
        is_external: it is a provider's network to the outside.
        vpn: the VPN.
        others: networks that are in the VPN already.
        gateway_owners: device owner of the port that has the gateway address, by subnet id;
            subnets whose gateway address is free or our own are left out.
    """

    network: NetworkRecord
    network_project_id: str
    is_external: bool
    vpn: VpnRecord
    others: tuple[NetworkRecord, ...]
    gateway_owners: Mapping[str, str]


def check_text(attribute: str, value: object) -> None:
    """Refuse text that no database and no client could keep.

    Raises:
        InvalidValue: a NUL character or half of a surrogate pair.
    """
    if not isinstance(value, str):
        return
    try:
        value.encode()
    except UnicodeEncodeError:
        raise InvalidValue(f"'{attribute}' is not valid Unicode text.") from None
    if "\0" in value:
        raise InvalidValue(f"'{attribute}' contains a NUL character.")


def check_type(vpn_type: str) -> None:
    """Refuse types of VPN that are not carried yet."""
    if vpn_type != L3:
        raise InvalidValue(f"VPNs of type '{vpn_type}' are not supported yet; only '{L3}' is.")


def check_vni(vni: int | None) -> None:
    """Refuse what is no VXLAN network identifier (RFC 7348 §4)."""
    if vni is not None and not 1 <= vni <= MAX_VNI:
        raise InvalidValue(f"{vni} is not a VNI between 1 and {MAX_VNI}.")


def check_targets(attribute: str, values: Sequence[object]) -> list[str]:
    """Return route targets in their one spelling, each once, in order.

    Raises:
        InvalidValue: one of them is none (RFC 4360 §4), or there are too many.
    """
    if len(values) > MAX_TARGETS:
        raise InvalidValue(f"'{attribute}' has more than {MAX_TARGETS} entries.")
    return list(dict.fromkeys(str(RouteTarget.parse(str(value))) for value in values))


def check_rds(values: Sequence[object]) -> list[str]:
    """Return RDs in their one spelling, each once, in order.

    Raises:
        InvalidValue: one of them is none (RFC 4364 §4.2), or there are too many.
    """
    if len(values) > MAX_TARGETS:
        raise InvalidValue(f"'route_distinguishers' has more than {MAX_TARGETS} entries.")
    return list(dict.fromkeys(str(RouteDistinguisher.parse(str(value))) for value in values))


def check_association(request: AssociationRequest) -> None:
    """Decide whether a network may join a VPN.

    A network without subnets may: they can come later.

    Raises:
        IntentConflict: it is in the VPN already, it overlaps another network there, or a router
            or another port has its gateway address.
        NotPermitted: network and VPN belong to different projects.
    """
    network, vpn = request.network, request.vpn
    if request.network_project_id != vpn.project_id:
        raise NotPermitted(
            f"Network {network.id} does not belong to the project of BGP VPN {vpn.id}."
        )
    if request.is_external:
        raise IntentConflict(
            f"Network {network.id} is an external network; those can't be associated."
        )
    if network.id in vpn.network_ids:
        raise IntentConflict(f"Network {network.id} is already associated with BGP VPN {vpn.id}.")
    check_overlap(network.id, network.subnets, vpn.id, request.others)
    for subnet in network.subnets:
        owner = request.gateway_owners.get(subnet.id)
        if owner is not None:
            _refuse_gateway(network.id, subnet, owner)


def _refuse_gateway(network_id: str, subnet: SubnetRecord, owner: str) -> None:
    if owner.startswith(ROUTER_PORT_PREFIX):
        raise IntentConflict(
            f"The gateway address {subnet.gateway} of network {network_id} belongs to a router. "
            "Remove the subnet from the router first; networks behind routers are not "
            "supported yet."
        )
    raise IntentConflict(
        f"The gateway address {subnet.gateway} of network {network_id} is in use by another port."
    )


def check_overlap(
    network_id: str,
    subnets: Iterable[SubnetRecord],
    vpn_id: str,
    others: Iterable[NetworkRecord],
) -> None:
    """Refuse subnets that overlap a subnet of another network in the same VPN and region.

    Raises:
        IntentConflict: naming both.
    """
    mine = list(subnets)
    for other in others:
        if other.id == network_id:
            continue
        for subnet in mine:
            for theirs in other.subnets:
                if _overlap(subnet, theirs):
                    raise IntentConflict(
                        f"Subnet {subnet.prefix} of network {network_id} overlaps subnet "
                        f"{theirs.prefix} of network {other.id}, which is associated with the "
                        f"same BGP VPN {vpn_id} in this region."
                    )


def _overlap(one: SubnetRecord, other: SubnetRecord) -> bool:
    return one.prefix.version == other.prefix.version and (
        one.prefix.network_address in other.prefix or other.prefix.network_address in one.prefix
    )
