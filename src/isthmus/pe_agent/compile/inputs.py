# SPDX-License-Identifier: Apache-2.0
"""What the compiler turns into what, as two values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from ipaddress import IPv4Address

from isthmus.model.flow import Flow
from isthmus.model.gateways import GatewayView
from isthmus.model.ids import RouteTarget
from isthmus.model.intent import VrfIntent
from isthmus.model.route import LabelledRoute, VpnRoute
from isthmus.pe_agent.compile.gateways import Announcement
from isthmus.pe_agent.compile.icmp import PuntContext
from isthmus.pe_agent.compile.neighbor_discovery import Link
from isthmus.pe_agent.compile.numbers import LabelKey, VrfKey


@dataclass(frozen=True, slots=True)
class Numbers:
    """VRF numbers and labels this PE has given out; kept over restarts.

    A number that was given stays with its VRF as long as the VRF exists, so that a restarted PE
    advertises what its neighbors already have.

    Attributes:
        by_vrf: VRF → its number; the number names the VRF in the pipeline and in its RD.
        labels: VRF and address family → its VPN label.
        last_vrf: the VRF number given last; 0 if none was.
        last_label: the label given last; 0 if none was. New ones are given after it, so that a
            label is not used again while a distant PE may still hold its withdrawn route.
    """

    by_vrf: Mapping[VrfKey, int] = field(default_factory=dict)
    labels: Mapping[LabelKey, int] = field(default_factory=dict)
    last_vrf: int = 0
    last_label: int = 0


@dataclass(frozen=True, slots=True)
class Inputs:
    """Everything a PE's routes and flows depend on, besides its configuration.

    Attributes:
        intents: VPN id → its part on this PE.
        routes: best paths learnt from BGP neighbors.
        core_port: OpenFlow port to the core; None while there is none.
        circuit_ports: attachment's Neutron port id → OpenFlow port on the PE bridge.
        plugged_hosts: Neutron ports of VMs that are plugged on this host.
        arrived: Neutron ports of those VMs that were arriving and run here now.
        numbers: what was given out before.
        gateways: what is seen of the other gateways of the region.
        labelled: the ways into LSPs to other PEs, for each PE all that are equally good.
        next_hop_macs: MACs of the routers they lead over, of those that answer.
    """

    intents: Mapping[str, VrfIntent]
    routes: frozenset[VpnRoute]
    core_port: int | None
    circuit_ports: Mapping[str, int]
    plugged_hosts: frozenset[str]
    numbers: Numbers
    gateways: GatewayView = field(default_factory=GatewayView)
    labelled: frozenset[LabelledRoute] = frozenset()
    next_hop_macs: Mapping[IPv4Address, str] = field(default_factory=dict)
    arrived: frozenset[str] = frozenset()

    def without_others(self) -> Inputs:
        """Return what is left without what neighbors told of ways to other PEs.

        What this PE tells neighbors, and the numbers it gives out, depend on nothing else.
        """
        return replace(self, routes=frozenset(), labelled=frozenset(), next_hop_macs={})


@dataclass(frozen=True, slots=True)
class Compiled:
    """What should be, given the inputs.

    Attributes:
        routes: everything this PE advertises.
        flows: the whole flow table of the PE bridge.
        numbers: those given out now; to be kept before routes and flows are installed.
        problems: VPN id → why this PE can't serve all of it, one sentence for the operator.
        punts: VRF number → what an answer to a packet punted from that VRF needs.
        links: OpenFlow port of an attachment → what the PE, as its IPv6 router, says there.
        import_rts: route targets of the routes its VRFs take from other PEs.
        announcements: OpenFlow port of an attachment → what tells hosts of their gateway.
        arriving: attachment's OpenFlow port and MAC of a VM that is about to run here → its Neutron
            port.
    """

    routes: frozenset[VpnRoute]
    flows: frozenset[Flow]
    numbers: Numbers
    problems: Mapping[str, str]
    punts: Mapping[int, PuntContext] = field(default_factory=dict)
    links: Mapping[int, Link] = field(default_factory=dict)
    import_rts: frozenset[RouteTarget] = frozenset()
    announcements: Mapping[int, Announcement] = field(default_factory=dict)
    arriving: Mapping[tuple[int, str], str] = field(default_factory=dict)
