# SPDX-License-Identifier: Apache-2.0
"""The VPN-IPv4 routes as the FRR route reflector shows them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from ipaddress import IPv4Network
from typing import Any

from lab import control
from lab.demo.provider_edge import VpnRoute
from lab.topology import ReflectorMake, Topology

_TABLE = "show bgp ipv4 vpn"


def frr_name(topology: Topology) -> str:
    """The machine of the reflector that is FRR."""
    return next(r.name for r in topology.route_reflectors if r.make is ReflectorMake.FRR)


def vtysh(machine: str, *commands: str) -> str:
    """What FRR answers to commands typed at its shell."""
    words = ["vtysh", "--vty_socket", "/run/frr"]
    return str(control.run_in(machine, words + [w for c in commands for w in ("-c", c)]).stdout)


def routes(machine: str) -> list[VpnRoute]:
    """Every VPN-IPv4 route of the reflector, with RD, label and route targets."""
    table = json.loads(vtysh(machine, f"{_TABLE} json") or "{}")
    by_rd = table.get("routes", {}).get("routeDistinguishers", {})
    prefixes = sorted({prefix for routes_of_rd in by_rd.values() for prefix in routes_of_rd})
    if not prefixes:
        return []
    details = vtysh(machine, *(f"{_TABLE} {prefix} json" for prefix in prefixes))
    return sorted(read_frr(_documents(details)))


def read_frr(documents: Iterable[Mapping[str, Any]]) -> Iterator[VpnRoute]:
    """Read what ``show bgp ipv4 vpn PREFIX json`` prints for each prefix. Pure."""
    for document in documents:
        for rd, entry in document.items():
            for path in entry["paths"]:
                communities = path.get("extendedCommunity", {}).get("string", "").split()
                yield VpnRoute(
                    rd=rd,
                    prefix=IPv4Network(entry["prefix"]),
                    label=path.get("remoteLabel", 0),
                    next_hop=path["nexthops"][0]["ip"],
                    route_targets=tuple(
                        word.removeprefix("RT:") for word in communities if word.startswith("RT:")
                    ),
                )


def _documents(text: str) -> Iterator[Mapping[str, Any]]:
    """The JSON documents of several commands, one after the other."""
    decoder, position = json.JSONDecoder(), 0
    while position < len(text.rstrip()):
        document, position = decoder.raw_decode(text, position)
        if document:
            yield document
        while position < len(text) and text[position].isspace():
            position += 1
