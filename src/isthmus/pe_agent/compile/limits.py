# SPDX-License-Identifier: Apache-2.0
"""Compile the last look at a packet before it leaves: is its TTL over, is it too big for its path?

The agent answers the one, and answers or fragments the other. Each VRF's packets for the agent pass
a meter, numbered like the VRF, so that one tenant's do not crowd out another's.
"""

from __future__ import annotations

from collections.abc import Iterator

from isthmus.model.flow import Drop, Flow, Goto, ToAgent
from isthmus.model.ip import AddressFamily
from isthmus.model.provider_edge import ProviderEdge
from isthmus.pe_agent.compile import pipeline
from isthmus.pe_agent.compile.icmp import PUNTED_OCTETS
from isthmus.pe_agent.compile.pipeline import DropCookie
from isthmus.pe_agent.compile.vrfs import Vrf

_WHOLE_PACKET = 0xFFFF


def compile_shared_limit_flows() -> Iterator[Flow]:
    """Compile what holds for every VRF: a TTL of zero should not have been sent at all."""
    yield Flow.of(pipeline.LIMITS, 0, {}, Goto(pipeline.NEXT_HOP))
    for ethertype in pipeline.ETHERTYPES.values():
        yield Flow.of(
            pipeline.LIMITS,
            40,
            {"eth_type": ethertype, "nw_ttl": 0},
            Drop(),
            cookie=DropCookie.TTL_OF_ZERO,
        )


def compile_limit_flows(vrf: Vrf, pe: ProviderEdge) -> Iterator[Flow]:
    """Compile which packets of a VRF the agent has to see.

    A PE hidden from traceroute leaves the TTL alone, so none is over. Of an IPv4 packet that is
    too big the agent gets all, as it may have to fragment it; that depends on a bit no flow can
    match.
    """
    for family in vrf.labels:
        of_vrf = {"metadata": vrf.metadata, "eth_type": pipeline.ETHERTYPES[family]}
        if not pe.hide_from_traceroute:
            yield Flow.of(
                pipeline.LIMITS,
                30,
                {**of_vrf, "nw_ttl": 1},
                ToAgent(PUNTED_OCTETS, vrf.number, is_ttl_expired=True),
                cookie=vrf.number,
            )
        octets = _WHOLE_PACKET if family is AddressFamily.IPV4 else PUNTED_OCTETS
        yield Flow.of(
            pipeline.LIMITS,
            10,
            {**of_vrf, "reg0": "0x1/0x1"},
            ToAgent(octets, vrf.number),
            cookie=vrf.number,
        )
