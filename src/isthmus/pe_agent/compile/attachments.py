# SPDX-License-Identifier: Apache-2.0
"""Compile an attachment circuit into flows: which VRF it belongs to, and the PE as its gateway.

The PE answers for its own addresses: ARP (RFC 826), neighbor discovery (RFC 4861), and ping to its
link-local address. What hosts send to the gateway's MAC goes on into the VRF.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from isthmus.model.flow import Action, Drop, Flow, Goto, Move, OutputToInPort, SetField, ToAgent
from isthmus.model.intent import AttachmentCircuit, Migration
from isthmus.model.ip import AddressFamily, IpAddress
from isthmus.pe_agent.compile import neighbor_discovery, pipeline
from isthmus.pe_agent.compile.gateways import Duty
from isthmus.pe_agent.compile.icmp import PUNTED_OCTETS
from isthmus.pe_agent.compile.membership import CircuitShare
from isthmus.pe_agent.compile.pipeline import DropCookie
from isthmus.pe_agent.compile.vrfs import Vrf

FOR_ANOTHER_HOST = "0x2"
"""In reg0: an advertisement is for another host's address."""

_ICMPV6 = {"eth_type": pipeline.IPV6, "ip_proto": neighbor_discovery.ICMPV6}
SOLICITATION: Mapping[str, object] = {
    **_ICMPV6,
    "icmpv6_type": neighbor_discovery.NEIGHBOR_SOLICITATION,
    "icmpv6_code": 0,
    "nw_ttl": neighbor_discovery.HOP_LIMIT,
}
"""The match on a neighbor solicitation (RFC 4861 §7.1.1)."""

_SWAP_MACS = Move("NXM_OF_ETH_SRC[]", "NXM_OF_ETH_DST[]")
_SWAP_IPV6 = Move("NXM_NX_IPV6_SRC[]", "NXM_NX_IPV6_DST[]")


def compile_attachment_flows(
    vrf: Vrf, share: CircuitShare, port: int, senders: Iterable[str]
) -> Iterator[Flow]:
    """Compile what happens to frames from one attachment circuit.

    Args:
        vrf: theirs.
        share: what it has of the circuit.
        port: the circuit's OpenFlow port.
        senders: MACs of the CEs whose frames are of this VRF alone; OVN's port security vouches
            for them.
    """
    circuit = share.circuit
    if share.is_default:
        yield _classify_flow(vrf, 100, {"in_port": port})
    for mac in senders:
        yield _classify_flow(vrf, 110, {"in_port": port, "eth_src": mac})
    from_circuit = {"in_port": port, "metadata": vrf.metadata, "vlan_vid": pipeline.UNTAGGED}
    for family in vrf.labels:
        yield Flow.of(
            pipeline.ATTACHMENT,
            90,
            from_circuit | {"eth_type": pipeline.ETHERTYPES[family], "eth_dst": circuit.mac},
            Goto(pipeline.FIB),
            cookie=vrf.number,
        )
    yield from _arrival_flows(vrf, circuit, from_circuit)
    if share.duty is Duty.STANDBY:
        # Whoever answers for the gateway's address is the gateway.
        return
    for subnet in circuit.subnets:
        if subnet.family is AddressFamily.IPV4 and AddressFamily.IPV4 in vrf.labels:
            yield Flow.of(
                pipeline.ATTACHMENT,
                100,
                from_circuit | {"eth_type": pipeline.ARP, "arp_op": 1, "arp_tpa": subnet.gateway},
                *arp_reply(circuit, subnet.gateway),
                cookie=vrf.number,
            )
            if circuit.gateways:
                yield _another_gateways_arp_flow(from_circuit, subnet.gateway)
    link = neighbor_discovery.Link.of(circuit)
    if link.subnets and AddressFamily.IPV6 in vrf.labels:
        yield from _ipv6_link_flows(vrf, link, from_circuit)


def _another_gateways_arp_flow(from_circuit: Mapping[str, object], gateway: IpAddress) -> Flow:
    """Leave a request from the gateway's own address unanswered: another gateway announces itself.

    OVN takes an answer for this PE's word that the address is its own.
    """
    return Flow.of(
        pipeline.ATTACHMENT,
        110,
        {**from_circuit, "eth_type": pipeline.ARP, "arp_op": 1, "arp_spa": gateway},
        Drop(),
        cookie=DropCookie.ANOTHER_GATEWAY,
    )


def _arrival_flows(
    vrf: Vrf, circuit: AttachmentCircuit, from_circuit: Mapping[str, object]
) -> Iterator[Flow]:
    """Have the agent told when a VM that is arriving begins to run here.

    Its hypervisor says so by a RARP request in its name; OVN waits for the same.
    """
    for host in circuit.hosts:
        if host.migration is Migration.ARRIVING:
            yield Flow.of(
                pipeline.ATTACHMENT,
                100,
                {**from_circuit, "eth_type": pipeline.RARP, "eth_src": host.mac},
                ToAgent(PUNTED_OCTETS, vrf.number),
                cookie=vrf.number,
            )


def compile_neighbor_advertisement_flows() -> Iterator[Flow]:
    """Compile the second half of the answer to a neighbor solicitation (RFC 4861 §4.4).

    Open vSwitch sets fields of an advertisement only in a packet that has matched as one. For the
    PE's own addresses the flags say router, solicited, override; for another host's solicited only,
    so that the host's own word counts for more (§7.2.8).
    """
    of_others = {"reg0": f"{FOR_ANOTHER_HOST}/{FOR_ANOTHER_HOST}"}
    for priority, match, flags in ((10, {}, "0xe0000000"), (20, of_others, "0x40000000")):
        yield Flow.of(
            pipeline.NEIGHBOR_ADVERTISEMENT,
            priority,
            {
                **_ICMPV6,
                "icmpv6_type": neighbor_discovery.NEIGHBOR_ADVERTISEMENT,
                "icmpv6_code": 0,
                **match,
            },
            Move("NXM_OF_ETH_SRC[]", "NXM_NX_ND_TLL[]"),
            SetField("nd_options_type", "2"),
            SetField("nd_reserved", flags),
            OutputToInPort(),
        )


def _classify_flow(vrf: Vrf, priority: int, match: Mapping[str, object]) -> Flow:
    return Flow.of(
        pipeline.CLASSIFY,
        priority,
        match,
        SetField("metadata", vrf.metadata),
        Goto(pipeline.ATTACHMENT),
        cookie=vrf.number,
    )


def arp_reply(circuit: AttachmentCircuit, address: IpAddress) -> tuple[Action, ...]:
    """Turn a request for ``address`` into the PE's reply and send it back (RFC 826)."""
    return (
        _SWAP_MACS,
        SetField("eth_src", circuit.mac),
        SetField("arp_op", "2"),
        Move("NXM_NX_ARP_SHA[]", "NXM_NX_ARP_THA[]"),
        Move("NXM_OF_ARP_SPA[]", "NXM_OF_ARP_TPA[]"),
        SetField("arp_sha", circuit.mac),
        SetField("arp_spa", str(address)),
        OutputToInPort(),
    )


def _ipv6_link_flows(
    vrf: Vrf, link: neighbor_discovery.Link, from_circuit: Mapping[str, object]
) -> Iterator[Flow]:
    """Compile the router's part in neighbor discovery on one link."""
    for address in link.addresses():
        for_address = {**from_circuit, **SOLICITATION, "nd_target": address}
        yield Flow.of(
            pipeline.ATTACHMENT,
            100,
            for_address,
            *answer_from(link.mac, address),
            SetField("icmpv6_type", str(neighbor_discovery.NEIGHBOR_ADVERTISEMENT)),
            Goto(pipeline.NEIGHBOR_ADVERTISEMENT),
            cookie=vrf.number,
        )
        # A host that has no address yet sends no option that could become that of an answer.
        yield Flow.of(
            pipeline.ATTACHMENT,
            110,
            {**for_address, "ipv6_src": "::"},
            ToAgent(PUNTED_OCTETS, vrf.number),
            cookie=vrf.number,
        )
        if address.is_link_local:
            yield Flow.of(
                pipeline.ATTACHMENT,
                100,
                {**from_circuit, **_ICMPV6, "icmpv6_type": 128, "icmpv6_code": 0}
                | {"ipv6_dst": address},
                *answer_from(link.mac, address),
                SetField("icmpv6_type", "129"),
                SetField("nw_ttl", "64"),
                OutputToInPort(),
                cookie=vrf.number,
            )
    if link.advertised:
        yield Flow.of(
            pipeline.ATTACHMENT,
            100,
            {
                **from_circuit,
                **SOLICITATION,
                "icmpv6_type": neighbor_discovery.ROUTER_SOLICITATION,
            },
            ToAgent(PUNTED_OCTETS, vrf.number),
            cookie=vrf.number,
        )


def answer_from(mac: str, address: IpAddress) -> tuple[Action, ...]:
    """Send an IPv6 packet back to its sender, from ``mac`` and ``address``."""
    return (
        _SWAP_MACS,
        SetField("eth_src", mac),
        _SWAP_IPV6,
        SetField("ipv6_src", str(address)),
    )
