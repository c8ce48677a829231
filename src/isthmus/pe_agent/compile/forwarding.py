# SPDX-License-Identifier: Apache-2.0
"""Compile a VRF's FIB into flows: one way to a prefix, or several among which packets are spread.

A packet's way is chosen by a hash of its addresses and ports (RFC 2992's highest random weight),
so that what belongs together stays together, and no more than its share moves when a way is added
or the last one goes. What a prefix has in the table of paths is told by the prefix itself: a
change of one prefix's ways touches no other flow.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from isthmus.model.flow import (
    Action,
    CheckPacketLarger,
    Flow,
    Goto,
    Multipath,
    SetField,
)
from isthmus.model.ip import AddressFamily, IpPrefix, family_of
from isthmus.model.provider_edge import Encapsulation, TransportNextHop
from isthmus.pe_agent.compile import pipeline
from isthmus.pe_agent.compile.core_link import CoreLink, path_mtu
from isthmus.pe_agent.compile.lsps import transport_register
from isthmus.pe_agent.compile.rib import MOST_PATHS, Fib, Path, RemotePath
from isthmus.pe_agent.compile.routes import LocalPath
from isthmus.pe_agent.compile.vrfs import Vrf

DESTINATIONS = {AddressFamily.IPV4: "ip_dst", AddressFamily.IPV6: "ipv6_dst"}
"""The field that a FIB looks at."""

_ETHERNET_OCTETS = 14
_REG0 = "NXM_NX_REG0"
_REG4 = "NXM_NX_REG4"


def compile_fib_flows(vrf: Vrf, fib: Fib, core: CoreLink) -> Iterator[Flow]:
    """Compile where each prefix of a VRF leads."""
    mtu = path_mtu(vrf, core)
    for prefix, paths in fib.paths.items():
        ways = list(islice(_ways(paths, core, mtu), MOST_PATHS))
        own = fib.from_core.get(prefix) if fib.from_core else None
        if len(ways) == 1 and own is None:
            yield _flow(vrf, prefix, pipeline.FIB, 100 + prefix.prefixlen, {}, ways[0])
        else:
            yield from _choice(vrf, prefix, ways)
            if own is not None and core.port is not None:
                yield from _from_core(vrf, prefix, (own, len(ways)), core.port)


def _choice(vrf: Vrf, prefix: IpPrefix, ways: list[tuple[Action, ...]]) -> Iterator[Flow]:
    """Choose among several ways; each has a flow of its own in the table of paths."""
    choose = (Multipath(len(ways), _REG4),) if len(ways) > 1 else ()
    choice = (*choose, Goto(pipeline.PATH))
    yield _flow(vrf, prefix, pipeline.FIB, 100 + prefix.prefixlen, {}, choice)
    for number, actions in enumerate(ways):
        chosen: dict[str, object] = {"reg4": number}
        yield _flow(vrf, prefix, pipeline.PATH, 100 + 2 * prefix.prefixlen, chosen, actions)


def _from_core(
    vrf: Vrf, prefix: IpPrefix, own: tuple[tuple[LocalPath, ...], int], core_port: int
) -> Iterator[Flow]:
    """Deliver what comes from the core to the VRF's own CEs, whatever other ways there are.

    The choice has been made among all ways; the own ones share it as far as it goes.
    """
    paths, choices = own
    came: dict[str, object] = {"in_port": core_port}
    priority = 101 + 2 * prefix.prefixlen
    if len(paths) == 1:
        yield _flow(vrf, prefix, pipeline.PATH, priority, came, _local_actions(paths[0]))
        return
    for number in range(choices):
        actions = _local_actions(paths[number % len(paths)])
        chosen = came | {"reg4": number}
        yield _flow(vrf, prefix, pipeline.PATH, priority, chosen, actions)


def _flow(
    vrf: Vrf,
    prefix: IpPrefix,
    table: int,
    priority: int,
    match: dict[str, object],
    actions: tuple[Action, ...],
) -> Flow:
    family = family_of(prefix)
    match |= {"metadata": vrf.metadata, "eth_type": pipeline.ETHERTYPES[family]}
    # Open vSwitch tells a /0 match from no match only by its absence.
    if prefix.prefixlen:
        is_host = prefix.prefixlen == prefix.max_prefixlen
        match[DESTINATIONS[family]] = prefix.network_address if is_host else prefix
    return Flow.of(table, priority, match, *actions, cookie=vrf.number)


def _ways(paths: tuple[Path, ...], core: CoreLink, mtu: int) -> Iterator[tuple[Action, ...]]:
    for path in paths:
        if isinstance(path, LocalPath):
            yield _local_actions(path)
        elif core.pe.encapsulation is Encapsulation.MPLS_IN_GRE:
            yield _towards_core(path, core, mtu, SetField("tun_dst", str(path.next_hop)))
        else:
            for hop in core.hops(path.next_hop):
                yield _towards_core(path, core, mtu, *_lsp_actions(hop, core))


def _local_actions(path: LocalPath) -> tuple[Action, ...]:
    return (
        SetField("eth_src", path.gateway_mac),
        SetField("eth_dst", path.mac),
        SetField("reg3", str(path.port)),
        *_check_size(path.mtu),
    )


def _towards_core(
    path: RemotePath, core: CoreLink, mtu: int, *tunnel: Action
) -> tuple[Action, ...]:
    return (
        SetField("reg1", str(path.label)),
        *tunnel,
        SetField("reg3", str(core.port)),
        *_check_size(mtu),
    )


def _lsp_actions(hop: TransportNextHop, core: CoreLink) -> tuple[Action, ...]:
    pushed = transport_register(hop)
    return (
        *((SetField("reg2", str(pushed)),) if pushed else ()),
        SetField("eth_src", core.pe.core_mac),
        SetField("eth_dst", hop.mac),
    )


def _check_size(mtu: int) -> tuple[Action, ...]:
    # The switch counts the Ethernet header, IP does not.
    return CheckPacketLarger(mtu + _ETHERNET_OCTETS, _REG0), Goto(pipeline.LIMITS)
