# SPDX-License-Identifier: Apache-2.0
"""How a server is on networks: what a template wants, what there is, and what is between them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Wanted:
    """One interface that a template wants; what is empty is left to the compute API.

    Attributes:
        network_id: its network.
        port_id: a port made beforehand, whose network is its own.
        address: the fixed address it has to have.
    """

    network_id: str = ""
    port_id: str = ""
    address: str = ""

    def body(self) -> dict[str, str]:
        """Return it as a server's creation names it."""
        if self.port_id:
            return {"port": self.port_id}
        return {"uuid": self.network_id} | ({"fixed_ip": self.address} if self.address else {})

    def attachment(self) -> dict[str, Any]:
        """Return it as it is attached to a server there is."""
        if self.port_id:
            return {"port_id": self.port_id}
        fixed = {"fixed_ips": [{"ip_address": self.address}]} if self.address else {}
        return {"net_id": self.network_id} | fixed


@dataclass(frozen=True, slots=True)
class Present:
    """One interface that a server has."""

    port_id: str
    network_id: str
    addresses: tuple[str, ...] = ()

    def is_as(self, wanted: Wanted) -> bool:
        """Whether it is what is wanted."""
        if wanted.port_id:
            return wanted.port_id == self.port_id
        is_addressed = not wanted.address or wanted.address in self.addresses
        return wanted.network_id == self.network_id and is_addressed


def present(interfaces: Iterable[Mapping[str, Any]]) -> list[Present]:
    """Return what a server has.

    Args:
        interfaces: as the compute API shows them.
    """
    return [
        Present(
            str(each["port_id"]),
            str(each["net_id"]),
            tuple(str(fixed["ip_address"]) for fixed in each.get("fixed_ips") or ()),
        )
        for each in interfaces
    ]


def difference(
    wanted: Sequence[Wanted], has: Sequence[Present]
) -> tuple[list[Present], list[Wanted]]:
    """Return what a server has too much, and what it lacks.

    Who asks for a certain port or address comes first; the others take any that is left.
    """
    left, missing = list(has), []
    for each in sorted(wanted, key=lambda one: (not one.port_id, not one.address)):
        found = next((one for one in left if one.is_as(each)), None)
        if found is None:
            missing.append(each)
        else:
            left.remove(found)
    return left, [each for each in wanted if each in missing]


def bound(wanted: Sequence[Wanted], has: Sequence[Present]) -> list[Present]:
    """Return what nobody else may have while this server has it: certain ports and addresses."""
    return [
        each
        for each in has
        if any((one.port_id or one.address) and each.is_as(one) for one in wanted)
    ]


def is_choosy(properties: Mapping[str, Any]) -> bool:
    """Whether a template wants certain ports or addresses."""
    own = {key: properties.get(key) for key in ("port", "fixed_ip")}
    listed = (own, *(properties.get("networks") or ()))
    return any(each.get("port") or each.get("fixed_ip") for each in listed)


def live(has: Sequence[Present]) -> list[dict[str, Any]]:
    """Return interfaces as a template would have them, each by its port."""
    return [{"port": each.port_id} for each in has]


def check(properties: Mapping[str, Any]) -> str:
    """Return what is wrong with a server's interfaces, a sentence; empty if nothing is."""
    if properties.get("port") and properties.get("fixed_ip"):
        return "A port has its addresses: give port or fixed_ip."
    for each in properties.get("networks") or ():
        # What another resource will be has no value yet.
        if each.get("network") and each.get("port"):
            return "Each of networks is a network or a port, one of them."
        if each.get("port") and each.get("fixed_ip"):
            return "A port has its addresses: fixed_ip goes with a network."
    return ""


def addresses_of(
    shown: Mapping[str, Sequence[Mapping[str, Any]]], interfaces: Iterable[Mapping[str, Any]]
) -> dict[str, list[dict[str, Any]]]:
    """Return a server's addresses, by name and by id of each network, with their ports.

    Args:
        shown: its addresses as the compute API has them, by the network's name.
        interfaces: its interfaces, likewise.
    """
    by_mac = {str(each.get("mac_addr")): each for each in interfaces}
    found: dict[str, list[dict[str, Any]]] = {}
    for name, entries in shown.items():
        for entry in entries:
            of = by_mac.get(str(entry.get("OS-EXT-IPS-MAC:mac_addr")), {})
            is_fixed = entry.get("OS-EXT-IPS:type", "fixed") == "fixed"
            told = {**entry, "port": of.get("port_id") if is_fixed else None}
            for key in dict.fromkeys((name, str(of.get("net_id") or name))):
                found.setdefault(key, []).append(told)
    return found
