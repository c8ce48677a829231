# SPDX-License-Identifier: Apache-2.0
"""OpenFlow without any library: flows as values.

OpenFlow 1.5 with Nicira's extensions; fields and values as ovs-ofctl writes them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class SetField:
    """``set_field:value->field``. ``value`` as ovs-ofctl writes it."""

    field: str
    value: str

    def __str__(self) -> str:
        return f"set_field:{self.value}->{self.field}"


@dataclass(frozen=True, slots=True, order=True)
class Move:
    """``move:source->target``, both with their bit ranges, such as ``NXM_NX_REG1[0..19]``."""

    source: str
    target: str

    def __str__(self) -> str:
        return f"move:{self.source}->{self.target}"


@dataclass(frozen=True, slots=True, order=True)
class PushMpls:
    """Push a label stack entry; its label, class and TTL are set after."""

    def __str__(self) -> str:
        return "push_mpls:0x8847"


@dataclass(frozen=True, slots=True, order=True)
class PopMpls:
    """Pop the top label stack entry; ``ethertype`` of what is then on top."""

    ethertype: int

    def __str__(self) -> str:
        return f"pop_mpls:0x{self.ethertype:04x}"


@dataclass(frozen=True, slots=True, order=True)
class DecTtl:
    """Decrement the IP TTL; an expired packet goes to the agent instead."""

    def __str__(self) -> str:
        return "dec_ttl"


@dataclass(frozen=True, slots=True, order=True)
class CheckPacketLarger:
    """Set bit 0 of ``register`` when the frame, Ethernet header included, exceeds ``octets``."""

    octets: int
    register: str

    def __str__(self) -> str:
        return f"check_pkt_larger({self.octets})->{self.register}[0]"


@dataclass(frozen=True, slots=True, order=True)
class Multipath:
    """Set ``register`` to one of 0 … ``links`` - 1, the same for all packets of a connection.

    By highest random weight (RFC 2992 §2.2) over addresses, protocol and ports, in such a way that
    both directions give the same.
    """

    links: int
    register: str

    def __str__(self) -> str:
        return f"multipath(symmetric_l3l4+udp,0,hrw,{self.links},0,{self.register}[])"


@dataclass(frozen=True, slots=True, order=True)
class Goto:
    """Continue in a later table."""

    table: int

    def __str__(self) -> str:
        return f"goto_table:{self.table}"


@dataclass(frozen=True, slots=True, order=True)
class Resubmit:
    """Look the packet up in ``table`` with its fields as they are now, then go on here."""

    table: int

    def __str__(self) -> str:
        return f"resubmit(,{self.table})"


@dataclass(frozen=True, slots=True, order=True)
class Output:
    """Send out of an OpenFlow port."""

    port: int

    def __str__(self) -> str:
        return f"output:{self.port}"


@dataclass(frozen=True, slots=True, order=True)
class OutputToInPort:
    """Send back where the packet came from."""

    def __str__(self) -> str:
        return "in_port"


@dataclass(frozen=True, slots=True, order=True)
class ForgetInPort:
    """Let the packet leave by the port it came in on, should a later look-up say so."""

    def __str__(self) -> str:
        return "set_field:0->in_port"


@dataclass(frozen=True, slots=True, order=True)
class ToAgent:
    """Hand the first ``octets`` of the packet to the agent.

    Attributes:
        octets: Ethernet header included.
        meter: drops what exceeds its rate; None for no limit.
        is_ttl_expired: tells the agent that this is why.
    """

    octets: int
    meter: int | None = None
    is_ttl_expired: bool = False

    def __str__(self) -> str:
        reason = "reason=invalid_ttl," if self.is_ttl_expired else ""
        meter = "" if self.meter is None else f",meter_id={self.meter}"
        return f"controller({reason}max_len={self.octets}{meter})"


@dataclass(frozen=True, slots=True, order=True)
class Drop:
    """Drop; the flow's counter says how many."""

    def __str__(self) -> str:
        return "drop"


Action = (
    SetField
    | Move
    | PushMpls
    | PopMpls
    | DecTtl
    | CheckPacketLarger
    | Multipath
    | Goto
    | Resubmit
    | Output
    | OutputToInPort
    | ForgetInPort
    | ToAgent
    | Drop
)


@dataclass(frozen=True, slots=True)
class Flow:
    """One flow entry.

    Attributes:
        table: table number.
        priority: 0-65535, the highest that matches wins.
        match: field and value as ovs-ofctl writes them, in any order; ``value/mask`` where masked.
        actions: in order.
        cookie: 64 bits that name what the flow belongs to; 0 if nothing.
    """

    table: int
    priority: int
    match: tuple[tuple[str, str], ...]
    actions: tuple[Action, ...]
    cookie: int = 0

    @classmethod
    def of(
        cls,
        table: int,
        priority: int,
        match: Mapping[str, object],
        *actions: Action,
        cookie: int = 0,
    ) -> Flow:
        """Make a flow whose match is in canonical order, so that equal flows are equal values."""
        fields = tuple(sorted((name, str(value)) for name, value in match.items()))
        return cls(table, priority, fields, actions, cookie)

    @property
    def key(self) -> tuple[int, int, tuple[tuple[str, str], ...]]:
        """What identifies the flow in a switch: table, priority and match."""
        return self.table, self.priority, self.match

    def __str__(self) -> str:
        """The flow as a line of ``ovs-ofctl add-flows``."""
        match = "".join(f",{name}={value}" for name, value in self.match)
        actions = ",".join(str(action) for action in self.actions)
        head = f"cookie=0x{self.cookie:x},table={self.table},priority={self.priority}"
        return f"{head}{match} actions={actions}"
