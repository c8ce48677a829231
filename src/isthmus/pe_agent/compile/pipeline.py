# SPDX-License-Identifier: Apache-2.0
"""The PE bridge's flow tables, as data, and the check that a flow keeps to them.

        attachment          agent (LOCAL)            core
            │                    │                    │
            ▼                    ▼                    ▼
         ┌──────────────── 0 classify ─────────────────┐
         │                       │                     ▼
         ▼                       │             5 transport label
    10 attachment ──▶ agent      │                     ▼
         │      │                ▼               6 VPN label
         │      └───────▶ 20 VRF's FIB ◀───────────────┘
         ▼                       │
    11 neighbor                  ├──▶ 21 path ──┐
    advertisement                ▼              │
                             22 limits ◀────────┘
                                 │     └──▶ agent: TTL expired, too big
                                 ▼
                             25 next hop ──▶ attachment, core

metadata   VRF number, set in tables 0 and 6 and never changed after; every flow of a VRF matches it
reg0[0]    the packet is larger than its path carries
reg0[1]    the advertisement is for another host's address
reg1       VPN label to push
reg2       transport label to push; 0 for none
reg3       OpenFlow port to leave by
reg4       which of several paths
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum

from isthmus.model.errors import InvalidValue
from isthmus.model.flow import (
    Action,
    CheckPacketLarger,
    DecTtl,
    Drop,
    Flow,
    ForgetInPort,
    Goto,
    Move,
    Multipath,
    Output,
    OutputToInPort,
    PopMpls,
    PushMpls,
    Resubmit,
    SetField,
    ToAgent,
)
from isthmus.model.ip import AddressFamily

MPLS = "0x8847"
MPLS_MULTICAST = "0x8848"
IPV4 = "0x0800"
IPV6 = "0x86dd"
ARP = "0x0806"
RARP = "0x8035"
ETHERTYPES = {AddressFamily.IPV4: IPV4, AddressFamily.IPV6: IPV6}
UNTAGGED = "0"

_FIELD_OF_NXM = {
    "NXM_OF_ETH_SRC": "eth_src",
    "NXM_OF_ETH_DST": "eth_dst",
    "NXM_NX_ARP_SHA": "arp_sha",
    "NXM_NX_ARP_THA": "arp_tha",
    "NXM_OF_ARP_SPA": "arp_spa",
    "NXM_OF_ARP_TPA": "arp_tpa",
    "NXM_OF_IP_SRC": "ip_src",
    "NXM_OF_IP_DST": "ip_dst",
    "NXM_NX_IPV6_SRC": "ipv6_src",
    "NXM_NX_IPV6_DST": "ipv6_dst",
    "NXM_NX_ND_TLL": "nd_tll",
    "NXM_NX_REG0": "reg0",
    "NXM_NX_REG1": "reg1",
    "NXM_NX_REG2": "reg2",
    "NXM_NX_REG4": "reg4",
    "OXM_OF_MPLS_LABEL": "mpls_label",
}


class IllegalFlow(InvalidValue):
    """A flow that the pipeline does not allow; the sentence names the flow and the rule."""


class DropCookie(IntEnum):
    """Cookies of the flows that count what is dropped, and why; above every VRF's number."""

    UNCLASSIFIED = 0xD0000
    NOT_OUR_TRANSPORT_LABEL = 0xD0500
    LABEL_NEVER_ADVERTISED = 0xD0600
    NOT_FOR_THE_GATEWAY = 0xD1000
    MPLS_FROM_ATTACHMENT = 0xD1001
    ADDRESS_PROBE = 0xD1002
    ANOTHER_GATEWAY = 0xD1003
    NOT_A_NEIGHBOR_ADVERTISEMENT = 0xD1100
    NO_ROUTE = 0xD2000
    NOT_UNICAST = 0xD2001
    LINK_LOCAL = 0xD2002
    NEIGHBOR_DISCOVERY = 0xD2003
    NO_PATH = 0xD2100
    TTL_OF_ZERO = 0xD2200
    NO_NEXT_HOP = 0xD2500


@dataclass(frozen=True, slots=True)
class Table:
    """One flow table.

    Attributes:
        number: OpenFlow's.
        name: what it is called in drawings and logs.
        does: one sentence.
        matches: fields its flows may match.
        sets: fields its flows may set, by whatever action.
        actions: what else its flows may do.
        next_tables: where they may go on.
        miss: what its last flow counts.
        is_per_vrf: its flows match the VRF's number, unless they only drop.
    """

    number: int
    name: str
    does: str
    matches: frozenset[str]
    sets: frozenset[str]
    actions: frozenset[type]
    next_tables: frozenset[int]
    miss: DropCookie | None
    is_per_vrf: bool = False


CLASSIFY, TRANSPORT_LABEL, VPN_LABEL = 0, 5, 6
ATTACHMENT, NEIGHBOR_ADVERTISEMENT = 10, 11
FIB, PATH, LIMITS, NEXT_HOP = 20, 21, 22, 25

# Above 100 + 128, the priority of the longest prefix.
FIB_PING, FIB_NEVER_FORWARDED = 300, 350

PIPELINE: tuple[Table, ...] = (
    Table(
        CLASSIFY,
        "classify",
        "Which VRF a frame belongs to, by the port it comes in on; MPLS from the core goes on.",
        matches=frozenset({"in_port", "eth_type", "eth_src", "eth_dst"}),
        sets=frozenset({"metadata"}),
        actions=frozenset(),
        next_tables=frozenset({TRANSPORT_LABEL, ATTACHMENT, FIB}),
        miss=DropCookie.UNCLASSIFIED,
    ),
    Table(
        TRANSPORT_LABEL,
        "transport label",
        "Pops this PE's transport label, unless the last P router has done so (RFC 3031 §3.16).",
        matches=frozenset({"eth_type", "mpls_label", "mpls_bos"}),
        sets=frozenset(),
        actions=frozenset({PopMpls}),
        next_tables=frozenset({VPN_LABEL}),
        miss=DropCookie.NOT_OUR_TRANSPORT_LABEL,
    ),
    Table(
        VPN_LABEL,
        "VPN label",
        "Each label this PE has advertised leads into its VRF, and no other label anywhere.",
        matches=frozenset({"eth_type", "mpls_label", "mpls_bos"}),
        sets=frozenset({"metadata"}),
        actions=frozenset({PopMpls}),
        next_tables=frozenset({FIB}),
        miss=DropCookie.LABEL_NEVER_ADVERTISED,
    ),
    Table(
        ATTACHMENT,
        "attachment",
        "Answers ARP and neighbor solicitations for the gateway, and for hosts of the subnet that "
        "are elsewhere; lets IP sent to its MAC into the VRF. The agent answers router "
        "solicitations, and hears of VMs that have moved here.",
        matches=frozenset(
            {
                "in_port",
                "metadata",
                "eth_type",
                "eth_src",
                "eth_dst",
                "vlan_vid",
                "arp_op",
                "arp_spa",
                "arp_tpa",
            }
            | {"ipv6_src", "ipv6_dst", "ip_proto", "nw_ttl"}
            | {"icmpv6_type", "icmpv6_code", "nd_target"}
        ),
        sets=frozenset(
            {"eth_src", "eth_dst", "arp_op", "arp_sha", "arp_tha", "arp_spa", "arp_tpa"}
            | {"ipv6_src", "ipv6_dst", "nw_ttl", "icmpv6_type", "reg0"}
        ),
        actions=frozenset({OutputToInPort, ToAgent}),
        next_tables=frozenset({NEIGHBOR_ADVERTISEMENT, FIB}),
        miss=DropCookie.NOT_FOR_THE_GATEWAY,
        is_per_vrf=True,
    ),
    Table(
        NEIGHBOR_ADVERTISEMENT,
        "neighbor advertisement",
        "Completes the answer to a neighbor solicitation and sends it back (RFC 4861 §4.4).",
        matches=frozenset({"eth_type", "ip_proto", "icmpv6_type", "icmpv6_code", "reg0"}),
        sets=frozenset({"nd_tll", "nd_options_type", "nd_reserved"}),
        actions=frozenset({OutputToInPort}),
        next_tables=frozenset(),
        miss=DropCookie.NOT_A_NEIGHBOR_ADVERTISEMENT,
    ),
    Table(
        FIB,
        "FIB",
        "Longest prefix of the VRF; the priority is 100 + its length. Answers ping to the gateway.",
        matches=frozenset(
            {"metadata", "eth_type", "ip_dst", "ip_proto", "icmp_type", "icmp_code"}
            | {"ipv6_src", "ipv6_dst", "icmpv6_type", "icmpv6_code"}
        ),
        sets=frozenset(
            {"eth_src", "eth_dst", "reg0", "reg1", "reg2", "reg3", "reg4", "tun_dst"}
            | {"ip_src", "ip_dst", "nw_ttl", "icmp_type"}
            | {"ipv6_src", "ipv6_dst", "icmpv6_type"}
        ),
        actions=frozenset({CheckPacketLarger, ForgetInPort, Multipath, Resubmit}),
        next_tables=frozenset({FIB, PATH, LIMITS}),
        miss=DropCookie.NO_ROUTE,
        is_per_vrf=True,
    ),
    Table(
        PATH,
        "path",
        "Each of several paths to a prefix; the priority is 100 + twice its length. Above it, "
        "the VRF's own paths for what comes from the core.",
        matches=frozenset({"metadata", "in_port", "eth_type", "ip_dst", "ipv6_dst", "reg4"}),
        sets=frozenset({"eth_src", "eth_dst", "reg0", "reg1", "reg2", "reg3", "tun_dst"}),
        actions=frozenset({CheckPacketLarger}),
        next_tables=frozenset({LIMITS}),
        miss=DropCookie.NO_PATH,
        is_per_vrf=True,
    ),
    Table(
        LIMITS,
        "limits",
        "Packets whose TTL expires, or that are larger than their path carries, go to the agent, "
        "which answers or fragments them (RFC 1812 §5.3.1, RFC 1191 §3, RFC 8201 §4).",
        matches=frozenset({"metadata", "eth_type", "nw_ttl", "reg0"}),
        sets=frozenset(),
        actions=frozenset({ToAgent}),
        next_tables=frozenset({NEXT_HOP}),
        miss=None,
    ),
    Table(
        NEXT_HOP,
        "next hop",
        "Decrements the TTL, pushes labels towards the core, sends.",
        matches=frozenset({"eth_type", "reg2", "reg3"}),
        sets=frozenset({"mpls_label", "mpls_tc", "mpls_ttl"}),
        actions=frozenset({DecTtl, PushMpls, ForgetInPort, Output}),
        next_tables=frozenset(),
        miss=DropCookie.NO_NEXT_HOP,
    ),
)

TABLES = {table.number: table for table in PIPELINE}


def check_flow(flow: Flow) -> None:
    """Check that ``flow`` matches, sets and goes only where its table allows.

    Raises:
        IllegalFlow: it does not.
    """
    table = TABLES.get(flow.table)
    if table is None:
        raise IllegalFlow(f"'{flow}': there is no table {flow.table}.")
    if not 0 <= flow.priority < 2**16:
        raise IllegalFlow(f"'{flow}': the priority does not fit in 16 bits.")
    _check_match(table, flow)
    _check_shape(flow)
    for action in flow.actions:
        _check_action(table, flow, action)


def check_flows(flows: Iterable[Flow]) -> None:
    """Check every flow, and that no two have the same table, priority and match.

    Raises:
        IllegalFlow: for the first that is not as declared.
    """
    seen: dict[tuple[int, int, tuple[tuple[str, str], ...]], Flow] = {}
    for flow in flows:
        check_flow(flow)
        if flow.key in seen:
            raise IllegalFlow(f"'{flow}' and '{seen[flow.key]}' match the same packets.")
        seen[flow.key] = flow


def miss_flows() -> frozenset[Flow]:
    """The last flow of each table, which counts what nothing else matched."""
    return frozenset(
        Flow.of(table.number, 0, {}, Drop(), cookie=table.miss)
        for table in PIPELINE
        if table.miss is not None
    )


def _check_match(table: Table, flow: Flow) -> None:
    fields = [name for name, _ in flow.match]
    if fields != sorted(set(fields)):
        raise IllegalFlow(f"'{flow}': its match is not in canonical order.")
    for name in fields:
        if name not in table.matches:
            raise IllegalFlow(f"'{flow}': table {table.number} does not match {name}.")
    if table.is_per_vrf and "metadata" not in fields and flow.actions != (Drop(),):
        raise IllegalFlow(f"'{flow}': it would hold for every VRF.")


def _check_shape(flow: Flow) -> None:
    """Drop stands alone, Goto stands last, and something is always said."""
    if not flow.actions or (Drop() in flow.actions and len(flow.actions) > 1):
        raise IllegalFlow(f"'{flow}': it has to drop and nothing else, or to do something.")
    if any(isinstance(action, Goto) for action in flow.actions[:-1]):
        raise IllegalFlow(f"'{flow}': nothing happens after goto_table.")


def _check_action(table: Table, flow: Flow, action: Action) -> None:
    match action:
        case Drop():
            return
        case Goto(target) | Resubmit(target):
            if target not in table.next_tables:
                raise IllegalFlow(f"'{flow}': {target} is not a next table of {table.number}.")
            if isinstance(action, Goto) and target <= table.number:
                raise IllegalFlow(f"'{flow}': goto_table only leads to later tables.")
        case SetField() | Move() | CheckPacketLarger() | Multipath():
            target_field = _field_set_by(action)
            if target_field not in table.sets:
                raise IllegalFlow(f"'{flow}': table {table.number} does not set {target_field}.")
    if not isinstance(action, Goto | SetField | Move) and type(action) not in table.actions:
        raise IllegalFlow(f"'{flow}': table {table.number} does not do '{action}'.")


def _field_set_by(action: SetField | Move | CheckPacketLarger | Multipath) -> str:
    if isinstance(action, SetField):
        return action.field
    nxm = action.target if isinstance(action, Move) else action.register
    return _FIELD_OF_NXM.get(nxm.partition("[")[0], nxm)
