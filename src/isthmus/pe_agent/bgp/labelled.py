# SPDX-License-Identifier: Apache-2.0
"""Labelled unicast: the labels P routers tell towards PEs, and the one this PE tells. Pure.

RFC 8277. Several P routers, or one with several paths, may tell as good a way to one PE each: all
of the best are kept, so that what is sent there can be spread.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address

from isthmus.config.bgp import BgpConfig
from isthmus.model.errors import InvalidValue
from isthmus.model.ids import Label, NullLabel
from isthmus.model.route import LabelledRoute
from isthmus.pe_agent.bgp.gobgp_api import attribute_pb2, gobgp_pb2, nlri_pb2
from isthmus.pe_agent.bgp.mapping import (
    LABELLED_IPV4,
    decode_attributes,
    decode_ipv4,
    decode_next_hop,
    encode_path,
    is_learnt,
)

_HOST_BITS = 32
_LONG_LIVED_STALE = 0xFFFF0006
"""RFC 9494 §4.2: a last resort."""

_Rank = tuple[bool, int, int, int, int]


@dataclass(frozen=True, slots=True)
class Labels:
    """What can be read from a table of labelled unicast.

    Attributes:
        routes: for each PE all that are equally good.
        junk: neighbor and NLRI as text → why it can't be used.
        has_stale: a neighbor that is away has told some of it; they go without an event.
    """

    routes: frozenset[LabelledRoute]
    junk: Mapping[tuple[str, str], str]
    has_stale: bool


def encode_own(config: BgpConfig) -> gobgp_pb2.Path:
    """Encode the label this PE is reached by: its own, or implicit null, which has it popped."""
    label = NullLabel.IMPLICIT if config.transport_label is None else config.transport_label.value
    address = str(config.router_id)
    nlri = nlri_pb2.NLRI(
        labeled_prefix=nlri_pb2.LabeledIPAddressPrefix(
            labels=[int(label)], prefix_len=_HOST_BITS, prefix=address
        )
    )
    return encode_path(LABELLED_IPV4, nlri, str(config.core_address))


def decode_labelled(path: gobgp_pb2.Path) -> LabelledRoute:
    """Read the way into an LSP.

    Raises:
        InvalidValue: not to one host, not exactly one label, a reserved label that says nothing
            about what to push, or a next hop that is none.
    """
    if path.nlri.WhichOneof("nlri") != "labeled_prefix":
        raise InvalidValue("It is not a labelled prefix.")
    nlri = path.nlri.labeled_prefix
    if nlri.prefix_len != _HOST_BITS:
        raise InvalidValue(f"{nlri.prefix}/{nlri.prefix_len} is not the address of one PE.")
    if len(nlri.labels) != 1:
        raise InvalidValue(f"{len(nlri.labels)} labels; exactly one can be pushed.")
    reach = decode_attributes(path).get("mp_reach")
    if reach is None or len(reach.next_hops) != 1:
        raise InvalidValue("There is not exactly one next hop.")
    next_hop = decode_next_hop(reach.next_hops[0])
    if next_hop.is_multicast or next_hop.is_unspecified or next_hop.is_loopback:
        raise InvalidValue(f"{next_hop} can't be a next hop.")
    return LabelledRoute(decode_ipv4(nlri.prefix), next_hop, _read_label(nlri.labels[0]))


def read_table(paths: Iterable[gobgp_pb2.Path], config: BgpConfig) -> Labels:
    """Read a whole table and choose, for each PE, all of the best paths.

    Long-lived stale ones are a last resort; then the highest local preference wins, the shortest AS
    path, the lowest origin, the lowest MED, whoever it came from (RFC 4271 §9.1.2.2 without its
    last steps, which choose among equals).

    Args:
        paths: of all neighbors, the daemon's own among them.
        config: this PE's; it needs no label to itself.
    """
    own = {config.router_id, config.core_address}
    best: dict[IPv4Address, tuple[_Rank, set[LabelledRoute]]] = {}
    junk: dict[tuple[str, str], str] = {}
    has_stale = False
    for path in paths:
        if not is_learnt(path):
            continue
        has_stale = has_stale or path.stale
        try:
            route = decode_labelled(path)
        except InvalidValue as error:
            junk[(path.neighbor_ip, " ".join(str(path.nlri).split()))] = error.for_operator
            continue
        if not own.isdisjoint((route.pe, route.next_hop)):
            continue
        rank = _rank(path)
        known = best.get(route.pe)
        if known is None or rank < known[0]:
            best[route.pe] = (rank, {route})
        elif rank == known[0]:
            known[1].add(route)
    routes = frozenset(route for _, equals in best.values() for route in equals)
    return Labels(routes, junk, has_stale)


def _read_label(value: int) -> Label | NullLabel:
    return NullLabel(value) if value in (NullLabel.EXPLICIT, NullLabel.IMPLICIT) else Label(value)


def _rank(path: gobgp_pb2.Path) -> _Rank:
    attributes = decode_attributes(path)
    communities = attributes["communities"].communities if "communities" in attributes else ()
    local_pref = attributes["local_pref"].local_pref if "local_pref" in attributes else 100
    segments = attributes["as_path"].segments if "as_path" in attributes else ()
    as_set = attribute_pb2.AsSegment.TYPE_AS_SET
    length = sum(1 if one.type == as_set else len(one.numbers) for one in segments)
    origin = attributes["origin"].origin if "origin" in attributes else 0
    med = attributes["multi_exit_disc"].med if "multi_exit_disc" in attributes else 0
    return (_LONG_LIVED_STALE in communities, -local_pref, length, origin, med)
