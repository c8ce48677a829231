# SPDX-License-Identifier: Apache-2.0
"""What may be asked for. Each refusal is a sentence a tenant understands.

Pure: no I/O, no clock, no logging.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import ip_network

from isthmus.db.records import Kind, SubnetRecord, VpnRecord
from isthmus.model.errors import IntentConflict, InvalidValue, NotPermitted
from isthmus.model.ids import RouteDistinguisher, RouteTarget
from isthmus.model.ip import IpPrefix
from isthmus.model.text import is_narrow

L3 = "l3"
ROUTER_PORT_PREFIX = "network:router"
MAX_TARGETS = 1000
MAX_VNI = 2**24 - 1
MAX_LOCAL_PREF = 2**32 - 1
MAX_ROUTES = 100


@dataclass(frozen=True, slots=True)
class Member:
    """What is in a VPN, or is to join it, with the subnets it stands for.

    Attributes:
        subnets: a port's are its addresses, each with the id of its subnet.
        is_hidden: it is another project's, and whoever asks may not be told of it.
    """

    kind: Kind
    id: str
    subnets: tuple[SubnetRecord, ...]
    is_hidden: bool = False

    def __str__(self) -> str:
        return f"{self.kind} {self.id}"

    @property
    def at_start(self) -> str:
        """Return its name for the start of a sentence."""
        return f"{self.kind.capitalize()} {self.id}"


@dataclass(frozen=True, slots=True)
class AssociationRequest:
    """Something that is to join a VPN, with what decides whether it may.

    Attributes:
        joining: the network, router or port.
        project_id: whose it is.
        is_external: it is a provider's network to the outside, or on one.
        vpn: the VPN.
        others: what is in the VPN already.
        gateway_owners: device owner of the port that has the gateway address, by subnet id, of
            the subnets whose gateway addresses the PE would have to answer for; those whose
            address is free or our own are left out.
        rivals: VPNs that make it impossible, as they are named to the tenant, by what is in them:
            of a network the routers it is attached to, of a router the networks attached to it.
        is_guest: the VPN is shared with its project.
    """

    joining: Member
    project_id: str
    is_external: bool
    vpn: VpnRecord
    others: tuple[Member, ...]
    gateway_owners: Mapping[str, tuple[SubnetRecord, str]]
    rivals: Mapping[str, str]
    is_guest: bool = False


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


def check_narrow_text(attribute: str, value: object) -> None:
    """Refuse text that Neutron's own tables could not keep, whatever their character set.

    Raises:
        InvalidValue: as ``check_text``, or a character of more than three octets in UTF-8.
    """
    check_text(attribute, value)
    if isinstance(value, str) and not is_narrow(value):
        raise InvalidValue(f"'{attribute}' contains a character beyond U+FFFF, such as an emoji.")


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


def check_local_pref(value: int | None) -> None:
    """Refuse what is no LOCAL_PREF (RFC 4271 §5.1.5)."""
    if value is not None and not 0 <= value <= MAX_LOCAL_PREF:
        raise InvalidValue(f"{value} is not a 'local_pref' between 0 and {MAX_LOCAL_PREF}.")


def check_route(prefix: str) -> IpPrefix:
    """Return the prefix of a port association's route.

    Raises:
        InvalidValue: it has host bits, or is one that is never routed.
    """
    try:
        parsed = ip_network(prefix)
    except ValueError:
        raise InvalidValue(f"'{prefix}' is not a prefix without host bits.") from None
    first = parsed.network_address
    if parsed.prefixlen and (first.is_multicast or first.is_link_local or first.is_loopback):
        raise InvalidValue(f"{prefix} is never routed, so a VPN can't carry it.")
    return parsed


def check_association(request: AssociationRequest) -> None:
    """Decide whether a network, router or port may join a VPN.

    A network without subnets may, and a router without interfaces: they can come later.

    Raises:
        IntentConflict: it is in the VPN already, it overlaps something there, or a router or
            another port has its gateway address.
        NotPermitted: it and the VPN belong to different projects, and the VPN is not shared.
    """
    joining, vpn = request.joining, request.vpn
    name = joining.at_start
    if request.project_id != vpn.project_id and not request.is_guest:
        raise NotPermitted(f"{name} does not belong to the project of BGP VPN {vpn.id}.")
    if request.is_external:
        raise IntentConflict(
            f"{name} is {'on ' if joining.kind is Kind.PORT else ''}an external network; those "
            "can't be associated."
        )
    if joining.id in vpn.ids_of(joining.kind):
        raise IntentConflict(f"{name} is already associated with BGP VPN {vpn.id}.")
    for rival, their_vpns in request.rivals.items():
        raise IntentConflict(
            f"{name} is attached to {rival}, which is associated with {their_vpns}. Only one of "
            "the two can be associated."
        )
    check_overlap(joining, vpn.id, request.others)
    for subnet, owner in request.gateway_owners.values():
        _refuse_gateway(joining, subnet, owner)


def _refuse_gateway(joining: Member, subnet: SubnetRecord, owner: str) -> None:
    if owner.startswith(ROUTER_PORT_PREFIX):
        raise IntentConflict(
            f"The gateway address {subnet.gateway} of {joining} belongs to a router. "
            "Associate the router instead, or remove the subnet from it first."
        )
    raise IntentConflict(
        f"The gateway address {subnet.gateway} of {joining} is in use by another port."
    )


def check_overlap(member: Member, vpn_id: str, others: Iterable[Member]) -> None:
    """Refuse subnets that overlap a subnet of something else in the same VPN and region.

    Raises:
        IntentConflict: naming both, but to a tenant nothing that is hidden.
    """
    for other in others:
        if (other.kind, other.id) == (member.kind, member.id):
            continue
        for subnet in member.subnets:
            for theirs in other.subnets:
                if subnet.id != theirs.id and _overlap(subnet, theirs):
                    mine = f"{_what(member)} {subnet.prefix} of {member} overlaps"
                    there = f"associated with the same BGP VPN {vpn_id} in this region."
                    full = f"{mine} {_what(other).lower()} {theirs.prefix} of {other}, which is"
                    hidden = f"{mine} something of another project that is"
                    raise IntentConflict(
                        f"{hidden if other.is_hidden else full} {there}", f"{full} {there}"
                    )


def _what(member: Member) -> str:
    return "Address" if member.kind is Kind.PORT else "Subnet"


def _overlap(one: SubnetRecord, other: SubnetRecord) -> bool:
    return one.prefix.version == other.prefix.version and (
        one.prefix.network_address in other.prefix or other.prefix.network_address in one.prefix
    )
