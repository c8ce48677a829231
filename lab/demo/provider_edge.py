# SPDX-License-Identifier: Apache-2.0
"""What a provider edge really holds: ports, flows, labels and routes, read from the daemons."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network
from typing import Any

from lab import control, places

# Path attribute types (RFC 4760 §3, RFC 4360 §2) and the sub-type of a route target (RFC 4360 §4)
_MP_REACH_NLRI, _EXTENDED_COMMUNITIES, _RT = 14, 16, 2
_FLOW = re.compile(
    r"cookie=(?P<cookie>0x[0-9a-f]+),.*?table=(?P<table>\d+), n_packets=(?P<packets>\d+),"
    r".*?priority=(?P<priority>\d+)(?P<match>\S*) actions=(?P<actions>.*)"
)


@dataclass(frozen=True, slots=True)
class InstalledFlow:
    """One flow as Open vSwitch shows it.

    Attributes:
        match: as ovs-ofctl writes it, comma first.
        packets: how many matched so far.
    """

    table: int
    priority: int
    match: str
    actions: str
    packets: int
    cookie: int

    @property
    def label(self) -> int | None:
        """The MPLS label it matches, if it does."""
        found = re.search(r"mpls_label=(\d+)", self.match)
        return int(found[1]) if found else None


@dataclass(frozen=True, slots=True, order=True)
class VpnRoute:
    """A VPN-IPv4 route as a BGP daemon holds it (RFC 4364 §4.3)."""

    rd: str
    prefix: IPv4Network
    label: int
    next_hop: str
    route_targets: tuple[str, ...]


def flows(host: str) -> list[InstalledFlow]:
    """The flows of a host's PE bridge."""
    command = ["ovs-ofctl", "-O", "OpenFlow15", "dump-flows", "--no-names", "br-pe"]
    return read_flows(control.run_in(host, command).stdout)


def read_flows(dumped: str) -> list[InstalledFlow]:
    """Read what ``ovs-ofctl dump-flows`` prints. Pure."""
    return [
        InstalledFlow(
            table=int(match["table"]),
            priority=int(match["priority"]),
            match=match["match"],
            actions=match["actions"],
            packets=int(match["packets"]),
            cookie=int(match["cookie"], 16),
        )
        for line in dumped.splitlines()
        if (match := _FLOW.search(line))
    ]


def flows_towards(host: str, prefix: IPv4Network) -> list[InstalledFlow]:
    """The flows that carry packets to addresses within ``prefix``."""
    return [
        flow
        for flow in flows(host)
        if (found := re.search(r"nw_dst=([\d./]+)", flow.match))
        and IPv4Network(found[1]).subnet_of(prefix)
    ]


def vpn_labels(host: str) -> set[int]:
    """The labels a host takes from the core and looks up in a VRF (RFC 4364 §5)."""
    return {
        flow.label
        for flow in flows(host)
        if flow.label is not None and "mpls_bos=1" in flow.match and "drop" not in flow.actions
    }


def circuits(host: str) -> set[str]:
    """The attachment circuits' ports in a host's integration and PE bridges."""
    names = set()
    for bridge in ("br-int", "br-pe"):
        names |= set(control.run_in(host, ["ovs-vsctl", "list-ports", bridge]).stdout.split())
    return {name for name in names if re.match(r"[ip]pe", name) and name != "pe-core"}


def routes(host: str) -> list[VpnRoute]:
    """Every VPN-IPv4 route a host's BGP daemon holds, its own and the others'."""
    command = [str(places.BIN / "gobgp"), "--target", "unix:///run/isthmus/gobgpd.sock"]
    text = control.run_in(host, [*command, "-j", "global", "rib", "-a", "vpnv4"]).stdout
    return read_gobgp(json.loads(text or "{}"))


def read_gobgp(rib: Mapping[str, list[Mapping[str, Any]]]) -> list[VpnRoute]:
    """Read what ``gobgp -j global rib -a vpnv4`` prints. Pure."""
    found = []
    for paths in rib.values():
        for path in paths:
            nlri = path["nlri"]
            attributes = {attribute["type"]: attribute for attribute in path["attrs"]}
            communities = attributes.get(_EXTENDED_COMMUNITIES, {}).get("value", [])
            found.append(
                VpnRoute(
                    rd="{admin}:{assigned}".format(**nlri["rd"]),
                    prefix=IPv4Network(nlri["prefix"]),
                    label=nlri["labels"][0],
                    next_hop=attributes[_MP_REACH_NLRI]["nexthop"],
                    route_targets=tuple(c["value"] for c in communities if c["subtype"] == _RT),
                )
            )
    return sorted(found)


def look(host: str) -> dict[str, Any]:
    """What a host's agent says of itself; empty while no agent answers."""
    done = control.run_in(host, ["isthmus-pe-agent", "look", "--json"], check=False)
    return dict(json.loads(done.stdout)) if done.returncode == 0 else {}


def is_in_force(host: str) -> bool:
    """Whether a host's agent has put everything it was told in place, with BGP to build on."""
    held = look(host)
    return bool(
        held
        and held["agent"]["may_write_flows"]
        and held["agent"]["rib_is_complete"]
        and not held["agent"]["failures"]
        and all(vpn["in_force"] for vpn in held["tables"]["vpns"])
        and all(neighbor["established"] for neighbor in held["tables"]["neighbors"])
    )
