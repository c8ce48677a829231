# SPDX-License-Identifier: Apache-2.0
"""Compile VRFs and what they forward by into the PE bridge's flows.

Split horizon comes with OpenFlow: what came from the core never leaves by the core's port again,
unless the PE itself answers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from isthmus.model.flow import (
    Action,
    DecTtl,
    Drop,
    Flow,
    ForgetInPort,
    Goto,
    Move,
    Output,
    PopMpls,
    PushMpls,
    Resubmit,
    SetField,
)
from isthmus.model.ip import AddressFamily, IpAddress, family_of
from isthmus.model.provider_edge import Encapsulation, ProviderEdge
from isthmus.pe_agent.compile import neighbor_discovery, pipeline
from isthmus.pe_agent.compile.attachments import (
    compile_attachment_flows,
    compile_neighbor_advertisement_flows,
)
from isthmus.pe_agent.compile.core_link import CoreLink
from isthmus.pe_agent.compile.forwarding import DESTINATIONS, compile_fib_flows
from isthmus.pe_agent.compile.icmp import injection_mac
from isthmus.pe_agent.compile.limits import compile_limit_flows, compile_shared_limit_flows
from isthmus.pe_agent.compile.membership import Senders
from isthmus.pe_agent.compile.pipeline import DropCookie
from isthmus.pe_agent.compile.rib import Fib
from isthmus.pe_agent.compile.virtual_subnet import (
    compile_address_probe_flows,
    compile_virtual_subnet_flows,
)
from isthmus.pe_agent.compile.vrfs import Vrf

_NOT_UNICAST = {
    AddressFamily.IPV4: ("0.0.0.0/8", "127.0.0.0/8", "224.0.0.0/3"),
    # Unspecified and loopback, IPv4-mapped, multicast.
    AddressFamily.IPV6: ("::/127", "::ffff:0.0.0.0/96", "ff00::/8"),
}
_LINK_LOCAL = "fe80::/10"


def compile_shared_flows(core: CoreLink) -> Iterator[Flow]:
    """Compile the flows that belong to no VRF: the core's way in and out, and what is dropped."""
    yield from pipeline.miss_flows()
    for ethertype in (pipeline.MPLS, pipeline.MPLS_MULTICAST):
        yield Flow.of(
            pipeline.ATTACHMENT,
            110,
            {"eth_type": ethertype},
            Drop(),
            cookie=DropCookie.MPLS_FROM_ATTACHMENT,
        )
    yield from compile_neighbor_advertisement_flows()
    yield from compile_address_probe_flows()
    yield from _never_forwarded()
    yield from compile_shared_limit_flows()
    if core.port is not None:
        yield from _flows_from_core(core.pe, core.port)
        yield from _flows_to_core(core.pe, core.port)


def compile_vrf_flows(
    vrf: Vrf,
    fib: Fib,
    circuit_ports: Mapping[str, int],
    senders: Senders,
    core: CoreLink,
) -> Iterator[Flow]:
    """Compile the flows of one VRF: its attachments, its gateways, its FIB.

    Args:
        vrf: gives number and circuits.
        fib: where each prefix leads.
        circuit_ports: attachment's Neutron port → OpenFlow port, of those plugged.
        senders: MACs of ports that are in more VPNs than their network.
        core: leads to remote paths.
    """
    for family in vrf.labels:
        ethertype = pipeline.ETHERTYPES[family]
        yield Flow.of(
            pipeline.CLASSIFY,
            100,
            {"in_port": "LOCAL", "eth_src": injection_mac(vrf.number), "eth_type": ethertype},
            SetField("metadata", vrf.metadata),
            Goto(pipeline.FIB),
            cookie=vrf.number,
        )
    yield from compile_limit_flows(vrf, core.pe)
    for share in vrf.shares:
        port = circuit_ports.get(share.circuit.port_id)
        if port is not None:
            macs = senders.get((vrf.key, share.circuit.port_id), ())
            yield from compile_attachment_flows(vrf, share, port, macs)
    for gateway in {subnet.gateway for c in vrf.circuits for subnet in c.subnets}:
        # Pings to a link-local one never get here.
        if family_of(gateway) in vrf.labels and not (
            gateway.version == 6 and gateway.is_link_local
        ):
            yield _ping_flow(vrf, gateway)
    yield from compile_virtual_subnet_flows(vrf, fib, circuit_ports)
    yield from compile_fib_flows(vrf, fib, core)


def compile_label_flow(vrf: Vrf, family: AddressFamily) -> Flow:
    """Compile the way from the core into a VRF by a label that has been advertised."""
    return Flow.of(
        pipeline.VPN_LABEL,
        10,
        {"eth_type": pipeline.MPLS, "mpls_bos": 1, "mpls_label": vrf.labels[family]},
        SetField("metadata", vrf.metadata),
        PopMpls(int(pipeline.ETHERTYPES[family], 16)),
        Goto(pipeline.FIB),
        cookie=vrf.number,
    )


def compile_delivery_flows(
    ends: Iterable[tuple[int, AddressFamily]], pe: ProviderEdge
) -> Iterator[Flow]:
    """Compile the last step towards attachments: decrement the TTL and send.

    Args:
        ends: attachments' OpenFlow ports, with each address family that is delivered there.
        pe: says whether it is a hop.
    """
    for port, family in sorted(set(ends)):
        # Two subnets of one network share its attachment: a packet may leave where it came in.
        yield Flow.of(
            pipeline.NEXT_HOP,
            10,
            {"eth_type": pipeline.ETHERTYPES[family], "reg3": port},
            *_hop(pe),
            ForgetInPort(),
            Output(port),
        )


def _never_forwarded() -> Iterator[Flow]:
    """Compile the flows for what no router forwards, whatever routes there are."""
    for family, prefixes in _NOT_UNICAST.items():
        for prefix in prefixes:
            yield _drop_flow(DropCookie.NOT_UNICAST, family, {DESTINATIONS[family]: prefix})
    ipv6 = AddressFamily.IPV6
    for field in ("ipv6_src", "ipv6_dst"):
        yield _drop_flow(DropCookie.LINK_LOCAL, ipv6, {field: _LINK_LOCAL}, above=1)
    # No host of another link may redirect ours or call itself their router.
    for kind in range(neighbor_discovery.ROUTER_SOLICITATION, neighbor_discovery.REDIRECT + 1):
        match: dict[str, object] = {"ip_proto": neighbor_discovery.ICMPV6, "icmpv6_type": kind}
        yield _drop_flow(DropCookie.NEIGHBOR_DISCOVERY, ipv6, match, above=2)


def _drop_flow(
    cookie: DropCookie, family: AddressFamily, match: Mapping[str, object], above: int = 0
) -> Flow:
    return Flow.of(
        pipeline.FIB,
        pipeline.FIB_NEVER_FORWARDED + above,
        {"eth_type": pipeline.ETHERTYPES[family], **match},
        Drop(),
        cookie=cookie,
    )


def _flows_from_core(pe: ProviderEdge, port: int) -> Iterator[Flow]:
    to_us = {"in_port": port, "eth_type": pipeline.MPLS}
    # A GRE tunnel delivers MPLS without any Ethernet header of the core.
    if pe.encapsulation is Encapsulation.MPLS:
        to_us |= {"eth_dst": pe.core_mac}
    yield Flow.of(pipeline.CLASSIFY, 100, to_us, Goto(pipeline.TRANSPORT_LABEL))
    if pe.transport_label is not None and pe.encapsulation is Encapsulation.MPLS:
        yield Flow.of(
            pipeline.TRANSPORT_LABEL,
            20,
            {"eth_type": pipeline.MPLS, "mpls_bos": 0, "mpls_label": pe.transport_label},
            PopMpls(0x8847),
            Goto(pipeline.VPN_LABEL),
        )
    yield Flow.of(
        pipeline.TRANSPORT_LABEL,
        10,
        {"eth_type": pipeline.MPLS, "mpls_bos": 1},
        Goto(pipeline.VPN_LABEL),
    )


def _flows_to_core(pe: ProviderEdge, port: int) -> Iterator[Flow]:
    for ethertype in pipeline.ETHERTYPES.values():
        to_core = {"eth_type": ethertype, "reg3": port}
        yield Flow.of(
            pipeline.NEXT_HOP,
            20,
            to_core | {"reg2": 0},
            *_hop(pe),
            *_push_label("NXM_NX_REG1"),
            Output(port),
        )
        if pe.encapsulation is Encapsulation.MPLS:
            yield Flow.of(
                pipeline.NEXT_HOP,
                10,
                to_core,
                *_hop(pe),
                *_push_label("NXM_NX_REG1"),
                *_push_label("NXM_NX_REG2"),
                Output(port),
            )


def _hop(pe: ProviderEdge) -> tuple[Action, ...]:
    """Be one router on the packet's way, or none that traceroute can tell."""
    return () if pe.hide_from_traceroute else (DecTtl(),)


def _push_label(register: str) -> tuple[Action, ...]:
    """Push the label in ``register``.

    The pipe model (RFC 3443 §3.2): the core's TTL does not depend on the packet's, or packets
    with a low TTL would die in a P router, which can't answer. Open vSwitch would also copy the
    low bits of the DSCP into the traffic class.
    """
    return (
        PushMpls(),
        Move(f"{register}[0..19]", "OXM_OF_MPLS_LABEL[]"),
        SetField("mpls_tc", "0"),
        SetField("mpls_ttl", "255"),
    )


def _ping_flow(vrf: Vrf, gateway: IpAddress) -> Flow:
    """Turn an echo request to a gateway into its reply and route that (RFC 792, RFC 4443 §4).

    Sent back where it came from it would reach the core without labels if a remote host asked.
    """
    if gateway.version == 4:
        source, destination, protocol, icmp = "ip_src", "ip_dst", 1, "icmp"
        swap = Move("NXM_OF_IP_SRC[]", "NXM_OF_IP_DST[]")
        request, reply = 8, 0
    else:
        source, destination, protocol, icmp = (
            "ipv6_src",
            "ipv6_dst",
            neighbor_discovery.ICMPV6,
            "icmpv6",
        )
        swap = Move("NXM_NX_IPV6_SRC[]", "NXM_NX_IPV6_DST[]")
        request, reply = 128, 129
    ethertype = pipeline.ETHERTYPES[family_of(gateway)]
    return Flow.of(
        pipeline.FIB,
        pipeline.FIB_PING,
        {"metadata": vrf.metadata, "eth_type": ethertype, destination: gateway}
        | {"ip_proto": protocol, f"{icmp}_type": request, f"{icmp}_code": 0},
        swap,
        SetField(source, str(gateway)),
        SetField(f"{icmp}_type", str(reply)),
        SetField("nw_ttl", "65"),
        ForgetInPort(),
        Resubmit(pipeline.FIB),
        cookie=vrf.number,
    )
