# SPDX-License-Identifier: Apache-2.0
"""Let one packet through compiled flows, as a switch would, and note which it meets.

Only what decides about IP packets is carried out; answers to ARP and neighbor discovery are not.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from ipaddress import ip_address, ip_network

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

LOCAL = "LOCAL"
_ADDRESSES = {"ip_src", "ip_dst", "ipv6_src", "ipv6_dst"}
_ETHERNET_OCTETS = 14
_MOST_HOPS = 64
_MPLS = "0x8847"


@dataclass(frozen=True, slots=True)
class Packet:
    """What is looked at.

    Attributes:
        fields: as ovs-ofctl names and writes them; of the IP header even below labels.
        labels: of the stack, top first.
        octets: of the IP packet.
    """

    fields: Mapping[str, str]
    labels: tuple[int, ...] = ()
    octets: int = 64

    def outermost(self) -> dict[str, str]:
        """Return what a switch sees of it at first: of a labelled packet, nothing below."""
        if not self.labels:
            return {**self.fields, "nw_ttl": "64"}
        frame = {name: self.fields[name] for name in ("in_port", "eth_dst") if name in self.fields}
        return frame | _label_fields(self.labels) | {"mpls_ttl": "64"}


@dataclass(frozen=True, slots=True)
class Walk:
    """What became of a packet.

    Attributes:
        flows: those it met, in order.
        fields: of the packet at the end, registers and metadata among them.
        labels: of its stack at the end.
        out: OpenFlow port it left by; None if it did not.
        is_punted: it was handed to the agent.
        most_octets: largest IP packet its path carries; None if nothing asked.
        choices: how many paths there were to choose from, where that is more than one.
        missed: the table in which nothing matched; None if none.
    """

    flows: tuple[Flow, ...] = ()
    fields: Mapping[str, str] = field(default_factory=dict)
    labels: tuple[int, ...] = ()
    out: str | None = None
    is_punted: bool = False
    most_octets: int | None = None
    choices: int = 1
    missed: int | None = None

    def flow_in(self, table: int) -> Flow | None:
        """Return the last flow it met in a table."""
        return next((flow for flow in reversed(self.flows) if flow.table == table), None)


class Walker:
    """A flow table through which packets are let.

    Args:
        flows: all of them.
        choice: which of several equal paths packets take.
    """

    def __init__(self, flows: Iterable[Flow], choice: int = 0) -> None:
        self._tables: dict[int, list[Flow]] = {}
        for flow in sorted(flows, key=lambda flow: -flow.priority):
            self._tables.setdefault(flow.table, []).append(flow)
        self._choice = choice

    def walk(self, packet: Packet) -> Walk:
        """Let a packet in."""
        done = Walk(fields=dict(packet.fields), labels=packet.labels)
        todo: list[int] = [0]
        while todo and len(done.flows) < _MOST_HOPS:
            table = todo.pop(0)
            flow = self._look_up(table, done)
            if flow is None:
                return replace(done, missed=table)
            done = replace(done, flows=(*done.flows, flow))
            for action in flow.actions:
                if isinstance(action, Goto | Resubmit):
                    todo.append(action.table)
                elif isinstance(action, Drop | ToAgent):
                    return replace(done, is_punted=isinstance(action, ToAgent))
                else:
                    done = self._act(done, action, packet)
        return done

    def _look_up(self, table: int, walk: Walk) -> Flow | None:
        fields = {
            "vlan_vid": "0",
            **{f"reg{number}": "0" for number in range(8)},
            **walk.fields,
            **_label_fields(walk.labels),
        }
        for flow in self._tables.get(table, ()):
            if all(_matches(name, wanted, fields) for name, wanted in flow.match):
                return flow
        return None

    def _act(self, walk: Walk, action: Action, packet: Packet) -> Walk:
        match action:
            case CheckPacketLarger(octets):
                most = octets - _ETHERNET_OCTETS
                is_larger = str(int(packet.octets > most))
                return replace(_set(walk, "reg0", is_larger), most_octets=most)
            case Multipath(links):
                chosen = replace(walk, choices=max(walk.choices, links))
                return _set(chosen, _register(action.register), str(self._choice % links))
            case PushMpls():
                return replace(walk, labels=(0, *walk.labels))
            case PopMpls(ethertype):
                popped = walk.labels[1:]
                return replace(_set(walk, "eth_type", f"0x{ethertype:04x}"), labels=popped)
            case SetField(name, value):
                return _set(walk, name, value)
            case Move():
                return _move(walk, action)
            case Output(port):
                is_back = str(port) == walk.fields.get("in_port")
                return walk if is_back else replace(walk, out=str(port))
            case OutputToInPort():
                return replace(walk, out=walk.fields.get("in_port"))
            case ForgetInPort():
                return _set(walk, "in_port", "0")
            case DecTtl() | _:
                return walk


def _set(walk: Walk, name: str, value: str) -> Walk:
    if name.startswith("mpls_"):
        return walk
    return replace(walk, fields={**walk.fields, name: value})


def _move(walk: Walk, move: Move) -> Walk:
    """Fill in a label from a register; swaps of addresses concern answers only."""
    if move.target.startswith("OXM_OF_MPLS_LABEL") and walk.labels:
        label = int(walk.fields.get(_register(move.source), "0"), 0)
        return replace(walk, labels=(label, *walk.labels[1:]))
    return walk


def _register(nxm: str) -> str:
    """``reg1`` of ``NXM_NX_REG1[0..19]``."""
    return nxm.partition("[")[0].removeprefix("NXM_NX_").lower()


def _label_fields(labels: tuple[int, ...]) -> dict[str, str]:
    if not labels:
        return {}
    return {
        "eth_type": _MPLS,
        "mpls_label": str(labels[0]),
        "mpls_bos": str(int(len(labels) == 1)),
    }


def _matches(name: str, wanted: str, fields: Mapping[str, str]) -> bool:
    value = fields.get(name)
    if value is None:
        return False
    if name in _ADDRESSES:
        return ip_address(value) in ip_network(wanted)
    if value == wanted:
        return True
    text, _, mask_text = wanted.partition("/")
    try:
        mask = int(mask_text, 0) if mask_text else -1
        return int(value, 0) & mask == int(text, 0) & mask
    except ValueError:
        return False
