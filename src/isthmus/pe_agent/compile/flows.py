# SPDX-License-Identifier: Apache-2.0
"""Compile VRFs and what they forward by into the PE bridge's flows.

Split horizon comes with OpenFlow: what came from the core never leaves by the core's port again,
unless the PE itself answers.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network

from isthmus.model.flow import (
    Action,
    CheckPacketLarger,
    DecTtl,
    Drop,
    Flow,
    ForgetInPort,
    Goto,
    Move,
    Output,
    OutputToInPort,
    PopMpls,
    PushMpls,
    Resubmit,
    SetField,
    ToAgent,
)
from isthmus.model.intent import AttachedSubnet, AttachmentCircuit
from isthmus.model.provider_edge import Encapsulation, ProviderEdge
from isthmus.pe_agent.compile import pipeline
from isthmus.pe_agent.compile.icmp import PUNTED_OCTETS, injection_mac
from isthmus.pe_agent.compile.pipeline import DropCookie
from isthmus.pe_agent.compile.rib import Path, RemotePath
from isthmus.pe_agent.compile.routes import LocalHost
from isthmus.pe_agent.compile.vrfs import Vrf

_ETHERNET_OCTETS = 14
_LABEL_OCTETS = 4
_GRE_OCTETS = 20 + 4
_REG0 = "NXM_NX_REG0"


@dataclass(frozen=True, slots=True)
class CoreLink:
    """This PE's way to all others.

    Attributes:
        pe: its addresses, its encapsulation and the LSPs it knows.
        port: OpenFlow port to the core; None while there is none.
    """

    pe: ProviderEdge
    port: int | None

    @property
    def overhead(self) -> int:
        """Octets around an IP packet on the core link, without the Ethernet header."""
        if self.pe.encapsulation is Encapsulation.MPLS_IN_GRE:
            return _GRE_OCTETS + _LABEL_OCTETS
        return 2 * _LABEL_OCTETS

    @property
    def payload(self) -> int:
        """Largest IP packet that crosses the core, in octets."""
        return self.pe.core_mtu - self.overhead

    def reaches(self, next_hop: IPv4Address) -> bool:
        """Tell whether a tunnel leads to the PE ``next_hop``."""
        if self.port is None:
            return False
        return self.pe.encapsulation is Encapsulation.MPLS_IN_GRE or next_hop in self.pe.remote_pes


def path_mtu(vrf: Vrf, core: CoreLink) -> int:
    """Return the largest IP packet a VRF sends to other PEs, in octets.

    None is larger than its largest network carries, and none than the core does. A smaller network
    at the far end is answered for by the PE there, which knows it.
    """
    return min(core.payload, max(circuit.mtu for circuit in vrf.circuits))


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
    for prefix in ("0.0.0.0/8", "127.0.0.0/8", "224.0.0.0/3"):
        yield Flow.of(
            pipeline.FIB,
            250,
            {"eth_type": pipeline.IPV4, "ip_dst": prefix},
            Drop(),
            cookie=DropCookie.NOT_UNICAST,
        )
    yield Flow.of(pipeline.TOO_BIG, 10, {"reg0": "0x1/0x1"}, ToAgent(PUNTED_OCTETS))
    yield Flow.of(pipeline.TOO_BIG, 0, {}, Goto(pipeline.NEXT_HOP))
    if core.port is not None:
        yield from _flows_from_core(core.pe, core.port)
        yield from _flows_to_core(core.pe, core.port)


def compile_vrf_flows(
    vrf: Vrf,
    paths: Mapping[IPv4Network, Path],
    circuit_ports: Mapping[str, int],
    core: CoreLink,
) -> Iterator[Flow]:
    """Compile the flows of one VRF: its attachments, its gateways, its FIB.

    Args:
        vrf: gives number and circuits.
        paths: where each prefix leads.
        circuit_ports: attachment's Neutron port → OpenFlow port, of those plugged.
        core: leads to remote paths.
    """
    cookie = vrf.number
    yield Flow.of(
        pipeline.CLASSIFY,
        100,
        {"in_port": "LOCAL", "eth_src": injection_mac(vrf.number), "eth_type": pipeline.IPV4},
        SetField("metadata", vrf.metadata),
        Goto(pipeline.FIB),
        cookie=cookie,
    )
    for circuit in vrf.circuits:
        port = circuit_ports.get(circuit.port_id)
        if port is not None:
            yield from _attachment_flows(vrf, circuit, port)
    for gateway in sorted({subnet.gateway for c in vrf.circuits for subnet in c.subnets}):
        yield _ping_flow(vrf, gateway)
    mtu = path_mtu(vrf, core)
    for prefix, path in paths.items():
        yield _fib_flow(vrf, prefix, _path_actions(path, core, mtu))


def compile_label_flow(vrf: Vrf) -> Flow:
    """Compile the way from the core into a VRF whose label has been advertised."""
    return Flow.of(
        pipeline.VPN_LABEL,
        10,
        {"eth_type": pipeline.MPLS, "mpls_bos": 1, "mpls_label": vrf.label},
        SetField("metadata", vrf.metadata),
        PopMpls(0x0800),
        Goto(pipeline.FIB),
        cookie=vrf.number,
    )


def compile_delivery_flows(ports: Iterable[int]) -> Iterator[Flow]:
    """Compile the last step towards attachments: decrement the TTL and send."""
    for port in sorted(set(ports)):
        # Two subnets of one network share its attachment: a packet may leave where it came in.
        yield Flow.of(
            pipeline.NEXT_HOP,
            10,
            {"eth_type": pipeline.IPV4, "reg3": port},
            DecTtl(),
            ForgetInPort(),
            Output(port),
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
    yield Flow.of(
        pipeline.NEXT_HOP,
        20,
        {"eth_type": pipeline.IPV4, "reg2": 0, "reg3": port},
        DecTtl(),
        *_push_label("NXM_NX_REG1"),
        Output(port),
    )
    if pe.encapsulation is Encapsulation.MPLS:
        yield Flow.of(
            pipeline.NEXT_HOP,
            10,
            {"eth_type": pipeline.IPV4, "reg3": port},
            DecTtl(),
            *_push_label("NXM_NX_REG1"),
            *_push_label("NXM_NX_REG2"),
            Output(port),
        )


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


def _attachment_flows(vrf: Vrf, circuit: AttachmentCircuit, port: int) -> Iterator[Flow]:
    cookie = vrf.number
    yield Flow.of(
        pipeline.CLASSIFY,
        100,
        {"in_port": port},
        SetField("metadata", vrf.metadata),
        Goto(pipeline.ATTACHMENT),
        cookie=cookie,
    )
    from_circuit = {"in_port": port, "metadata": vrf.metadata, "vlan_vid": pipeline.UNTAGGED}
    yield Flow.of(
        pipeline.ATTACHMENT,
        90,
        from_circuit | {"eth_type": pipeline.IPV4, "eth_dst": circuit.mac},
        Goto(pipeline.FIB),
        cookie=cookie,
    )
    for subnet in circuit.subnets:
        yield Flow.of(
            pipeline.ATTACHMENT,
            100,
            from_circuit | {"eth_type": pipeline.ARP, "arp_op": 1, "arp_tpa": subnet.gateway},
            *_arp_reply(circuit, subnet),
            cookie=cookie,
        )


def _arp_reply(circuit: AttachmentCircuit, subnet: AttachedSubnet) -> tuple[Action, ...]:
    """Turn a request for the gateway into its reply and send it back (RFC 826)."""
    return (
        Move("NXM_OF_ETH_SRC[]", "NXM_OF_ETH_DST[]"),
        SetField("eth_src", circuit.mac),
        SetField("arp_op", "2"),
        Move("NXM_NX_ARP_SHA[]", "NXM_NX_ARP_THA[]"),
        Move("NXM_OF_ARP_SPA[]", "NXM_OF_ARP_TPA[]"),
        SetField("arp_sha", circuit.mac),
        SetField("arp_spa", str(subnet.gateway)),
        OutputToInPort(),
    )


def _ping_flow(vrf: Vrf, gateway: IPv4Address) -> Flow:
    """Turn an echo request to a gateway into its reply and route that (RFC 792).

    Sent back where it came from it would reach the core without labels if a remote host asked.
    """
    return Flow.of(
        pipeline.FIB,
        200,
        {"metadata": vrf.metadata, "eth_type": pipeline.IPV4, "ip_dst": gateway}
        | {"ip_proto": 1, "icmp_type": 8, "icmp_code": 0},
        Move("NXM_OF_IP_SRC[]", "NXM_OF_IP_DST[]"),
        SetField("ip_src", str(gateway)),
        SetField("icmp_type", "0"),
        SetField("nw_ttl", "65"),
        ForgetInPort(),
        Resubmit(pipeline.FIB),
        cookie=vrf.number,
    )


def _fib_flow(vrf: Vrf, prefix: IPv4Network, actions: tuple[Action, ...]) -> Flow:
    match: dict[str, object] = {"metadata": vrf.metadata, "eth_type": pipeline.IPV4}
    # Open vSwitch tells a /0 match from no match only by its absence.
    if prefix.prefixlen:
        match["ip_dst"] = prefix.network_address if prefix.prefixlen == 32 else prefix
    return Flow.of(pipeline.FIB, 100 + prefix.prefixlen, match, *actions, cookie=vrf.number)


def _path_actions(path: Path, core: CoreLink, mtu: int) -> tuple[Action, ...]:
    if isinstance(path, RemotePath):
        towards = (*_tunnel_actions(path, core.pe), SetField("reg3", str(core.port)))
    else:
        mtu = path.mtu
        towards = _delivery_actions(path)
    # The switch counts the Ethernet header, IP does not.
    return (*towards, CheckPacketLarger(mtu + _ETHERNET_OCTETS, _REG0), Goto(pipeline.TOO_BIG))


def _delivery_actions(host: LocalHost) -> tuple[Action, ...]:
    return (
        SetField("eth_src", host.gateway_mac),
        SetField("eth_dst", host.mac),
        SetField("reg3", str(host.port)),
    )


def _tunnel_actions(path: RemotePath, pe: ProviderEdge) -> tuple[Action, ...]:
    vpn_label = SetField("reg1", str(path.label))
    if pe.encapsulation is Encapsulation.MPLS_IN_GRE:
        return vpn_label, SetField("tun_dst", str(path.next_hop))
    hop = pe.remote_pes[path.next_hop]
    transport_label = (SetField("reg2", str(hop.label)),) if hop.label is not None else ()
    return (
        vpn_label,
        *transport_label,
        SetField("eth_src", pe.core_mac),
        SetField("eth_dst", hop.mac),
    )
