# SPDX-License-Identifier: Apache-2.0
"""From labels told by routers on the core link to LSPs this PE can enter."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from ipaddress import IPv4Address

from isthmus.model.ids import Label, NullLabel
from isthmus.model.provider_edge import ProviderEdge, TransportNextHop
from isthmus.model.route import LabelledRoute

_EXPLICIT_NULL = 2**20
"""Its 20 bits are 0, and it is not 0."""

MOST_HOPS = 8
"""As many as what leads to one prefix is spread over at most."""


@dataclass(frozen=True, slots=True)
class Lsps:
    """The LSPs to other PEs, configured and learnt.

    Attributes:
        hops: PE → every equally good way in, in order.
        reasons: PE → why no label told of it can be used, for the operator.
    """

    hops: Mapping[IPv4Address, tuple[TransportNextHop, ...]] = field(default_factory=dict)
    reasons: Mapping[IPv4Address, str] = field(default_factory=dict)


def join_lsps(
    pe: ProviderEdge, told: Iterable[LabelledRoute], macs: Mapping[IPv4Address, str]
) -> Lsps:
    """Join what is configured with what is learnt; of one PE, configuration wins.

    A way whose next hop nobody answers for does not count while another does.

    Args:
        pe: its configured LSPs and next hops' MACs.
        told: labels, for each PE all that are equally good.
        macs: who is on the core link.
    """
    macs = {**macs, **pe.next_hop_macs}
    by_pe: dict[IPv4Address, list[LabelledRoute]] = {}
    for route in told:
        if route.pe not in pe.remote_pes:
            by_pe.setdefault(route.pe, []).append(route)
    hops: dict[IPv4Address, tuple[TransportNextHop, ...]] = {}
    hops.update((remote, (hop,)) for remote, hop in pe.remote_pes.items())
    reasons: dict[IPv4Address, str] = {}
    for remote, routes in by_pe.items():
        usable = [route for route in sorted(routes, key=_order) if route.next_hop in macs]
        if usable:
            ways = (TransportNextHop(_pushed(one.label), macs[one.next_hop]) for one in usable)
            hops[remote] = tuple(dict.fromkeys(ways))[:MOST_HOPS]
        else:
            silent = ", ".join(str(one) for one in sorted({route.next_hop for route in routes}))
            reasons[remote] = (
                f"The label towards the remote PE {remote} can't be used: no MAC address is known "
                f"of its next hop {silent}, which answers no ARP on the core link."
            )
    return Lsps(hops, reasons)


def transport_register(hop: TransportNextHop) -> int:
    """Return what the register of the transport label says: 20 bits to push, 0 for none."""
    if hop.label is None:
        return 0
    return _EXPLICIT_NULL if hop.label is NullLabel.EXPLICIT else hop.label.value


def _pushed(label: Label | NullLabel) -> Label | NullLabel | None:
    """Return what goes on the wire: nothing for implicit null."""
    return None if label is NullLabel.IMPLICIT else label


def _order(route: LabelledRoute) -> tuple[IPv4Address, int]:
    label = route.label
    return (route.next_hop, label.value)
