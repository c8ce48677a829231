# SPDX-License-Identifier: Apache-2.0
"""Labels that P routers tell are read, refused, and all that are equally good are kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from ipaddress import IPv4Address

import pytest

from isthmus.config.bgp import BgpConfig
from isthmus.model.errors import InvalidValue
from isthmus.model.ids import Label, NullLabel
from isthmus.model.route import LabelledRoute
from isthmus.pe_agent.bgp.gobgp_api import attribute_pb2, gobgp_pb2
from isthmus.pe_agent.bgp.labelled import decode_labelled, encode_own, read_table
from isthmus.pe_agent.bgp.validate import check_path
from tests.contract.bgp_speaker_contract import LSP, OTHER_LSP, OTHER_P, OTHER_PE, PE, P
from tests.fakes.gobgpd import labelled_path

CONFIG = BgpConfig(64500, PE, (IPv4Address("192.0.2.101"),), labelled_neighbors=(P,))
Change = Callable[[gobgp_pb2.Path], None]


def path(route: LabelledRoute = LSP, neighbor: IPv4Address = P) -> gobgp_pb2.Path:
    """A label as a neighbor tells it."""
    return labelled_path(route, str(neighbor))


@pytest.mark.parametrize("label", [Label(16), Label(2**20 - 1), *NullLabel])
def test_a_label_is_read_as_it_was_told(label: Label | NullLabel) -> None:
    """RFC 8277; explicit and implicit null are labels of their own (RFC 3032 §2.1)."""
    route = LabelledRoute(OTHER_PE, P, label)
    assert decode_labelled(path(route)) == route


def _set_labels(*labels: int) -> Change:
    def change(path: gobgp_pb2.Path) -> None:
        path.nlri.labeled_prefix.labels[:] = labels

    return change


def _set_prefix(prefix: str, length: int = 32) -> Change:
    def change(path: gobgp_pb2.Path) -> None:
        nlri = path.nlri.labeled_prefix
        nlri.prefix, nlri.prefix_len = prefix, length

    return change


def _set_next_hops(*next_hops: str) -> Change:
    def change(path: gobgp_pb2.Path) -> None:
        path.pattrs[2].mp_reach.next_hops[:] = next_hops

    return change


def _of_another_kind(path: gobgp_pb2.Path) -> None:
    path.nlri.prefix.prefix = "10.0.0.0"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (_set_labels(), "0 labels"),
        (_set_labels(1016, 1017), "2 labels"),
        (_set_labels(1), "1 is not an MPLS label"),
        (_set_labels(15), "15 is not an MPLS label"),
        (_set_labels(2**20), "1048576 is not an MPLS label"),
        (_set_prefix("192.0.2.0", 24), "not the address of one PE"),
        (_set_prefix("nowhere"), "not an IPv4 address"),
        (_set_next_hops(), "not exactly one next hop"),
        (_set_next_hops("192.0.2.1", "192.0.2.2"), "not exactly one next hop"),
        (_set_next_hops("2001:db8::1"), "No tunnel can lead"),
        (_set_next_hops("0.0.0.0"), "can't be a next hop"),
        (_set_next_hops("224.0.0.1"), "can't be a next hop"),
        (_of_another_kind, "not a labelled prefix"),
    ],
)
def test_what_can_not_be_used_is_refused_with_a_sentence(change: Change, words: str) -> None:
    """A packet sent by it would be lost or go to another PE."""
    junk = path()
    change(junk)
    with pytest.raises(InvalidValue, match=words):
        decode_labelled(junk)

    labels = read_table([junk, path(OTHER_LSP)], CONFIG)
    assert labels.routes == {OTHER_LSP}
    assert [words in reason for reason in labels.junk.values()] == [True]


def test_all_that_are_equally_good_are_kept() -> None:
    """Two P routers, and two labels of one (RFC 8277 §5: several paths)."""
    second = replace(LSP, label=Label(1017))
    table = [path(), path(second), path(OTHER_LSP, OTHER_P)]
    assert read_table(table, CONFIG).routes == {LSP, second, OTHER_LSP}


def _prefer_less(path: gobgp_pb2.Path) -> None:
    path.pattrs[1].local_pref.local_pref = 99


def _take_longer(path: gobgp_pb2.Path) -> None:
    kind = attribute_pb2.AsSegment.TYPE_AS_SEQUENCE
    path.pattrs.add().as_path.segments.add(type=kind, numbers=[64501, 64502])


def _be_incomplete(path: gobgp_pb2.Path) -> None:
    path.pattrs[0].origin.origin = 2


def _be_further(path: gobgp_pb2.Path) -> None:
    path.pattrs.add().multi_exit_disc.med = 10


def _be_long_stale(path: gobgp_pb2.Path) -> None:
    path.pattrs.add().communities.communities.append(0xFFFF0006)
    path.pattrs[1].local_pref.local_pref = 200


@pytest.mark.parametrize(
    "worsen", [_prefer_less, _take_longer, _be_incomplete, _be_further, _be_long_stale]
)
def test_the_better_path_is_the_only_one(worsen: Change) -> None:
    """RFC 4271 §9.1.2.2, and RFC 9494 §4.3 for long-lived stale ones, the last resort."""
    worse = path(OTHER_LSP, OTHER_P)
    worsen(worse)
    assert read_table([worse, path()], CONFIG).routes == {LSP}
    assert read_table([path(), worse], CONFIG).routes == {LSP}
    assert read_table([worse], CONFIG).routes == {OTHER_LSP}


def test_what_leads_here_is_no_way_to_another_pe() -> None:
    """What this PE told, what comes back of it, and what names it as the next hop."""
    own, returned = path(LabelledRoute(PE, P, Label(1011))), path(replace(LSP, next_hop=PE))
    unsent = path()
    unsent.neighbor_ip = ""
    labels = read_table([own, returned, unsent], CONFIG)
    assert labels.routes == frozenset()
    assert not labels.junk


def test_stale_paths_are_noted() -> None:
    """They go without an event: somebody has to look again."""
    stale = path()
    stale.stale = True
    assert read_table([stale], CONFIG).has_stale
    assert read_table([stale], CONFIG).routes == {LSP}
    assert not read_table([path()], CONFIG).has_stale


@pytest.mark.parametrize(
    ("label", "told"), [(None, NullLabel.IMPLICIT), (Label(1011), Label(1011))]
)
def test_this_pe_tells_the_label_it_is_reached_by(
    label: Label | None, told: Label | NullLabel
) -> None:
    """Its transport label, or implicit null: the router before it pops."""
    own = encode_own(replace(CONFIG, transport_label=label))
    check_path(own)
    assert decode_labelled(own) == LabelledRoute(PE, PE, told)


def test_a_pe_with_another_address_on_the_core_link_tells_that() -> None:
    """A router that resolves next hops takes no route to an address by way of itself."""
    on_link = IPv4Address("198.51.100.11")
    config = replace(CONFIG, labelled_address=on_link)
    own = encode_own(config)
    check_path(own)
    assert decode_labelled(own) == LabelledRoute(PE, on_link, NullLabel.IMPLICIT)
    assert read_table([path(replace(LSP, next_hop=on_link))], config).routes == frozenset()
