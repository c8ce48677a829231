# SPDX-License-Identifier: Apache-2.0
"""What other PEs hear of a prefix that two PEs have (RFC 4364 §4.2): RDs decide."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address

import pytest

from isthmus.model.ids import RouteDistinguisher
from isthmus.model.route import VpnRoute
from tests.contract.bgp_speaker_contract import RED
from tests.functional.bgp.backbone import A, B
from tests.functional.bgp.network import GoBgpd, eventually
from tests.functional.bgp.three_pes import MakePe, tagged

pytestmark = pytest.mark.functional

SHARED = RouteDistinguisher.parse("64500:7")
REDS = frozenset([RED])


def path(pe: IPv4Address, *, local_pref: int = 100) -> VpnRoute:
    """A PE's path to the prefix, with the RD that its VPN was given."""
    return replace(tagged(1, RED, pe=pe), rd=SHARED, local_pref=local_pref)


def test_with_rds_of_their_own_both_paths_are_heard(reflector: GoBgpd, make_pe: MakePe) -> None:
    """So traffic is shared, and the other is known when one goes."""
    a, b, c = make_pe("pe-a"), make_pe("pe-b"), make_pe("pe-c")
    of_a, of_b = tagged(1, RED), tagged(1, RED, pe=B)
    c.says(imports=REDS)
    a.says(of_a, imports=REDS)
    b.says(of_b, imports=REDS)
    c.eventually_has(of_a, of_b)


def test_with_one_rd_a_single_path_is_heard_and_the_next_when_it_goes(
    reflector: GoBgpd, make_pe: MakePe
) -> None:
    """The prefix stays reachable; a PE that has it itself needs nobody's path."""
    a, b, c = make_pe("pe-a"), make_pe("pe-b"), make_pe("pe-c")
    paths = {A: path(A), B: path(B)}
    c.says(imports=REDS)
    a.says(paths[A], imports=REDS)
    b.says(paths[B], imports=REDS)
    eventually(
        lambda: reflector.learnt_from(A) | reflector.learnt_from(B), {*paths.values()}.__eq__
    )
    heard = eventually(lambda: c.speaker.rib().routes, lambda routes: len(routes) == 1)
    (first,) = heard
    gone, stays = (a, B) if first == paths[A] else (b, A)
    gone.says(imports=REDS)
    c.eventually_has(paths[stays])
    gone.eventually_has(paths[stays])


def test_with_one_rd_the_preferred_path_is_heard(reflector: GoBgpd, make_pe: MakePe) -> None:
    """By the PE that has the other as well, which takes its own again when that goes."""
    a, b, c = make_pe("pe-a"), make_pe("pe-b"), make_pe("pe-c")
    better = path(B, local_pref=200)
    c.says(imports=REDS)
    a.says(path(A), imports=REDS)
    c.eventually_has(path(A))
    b.says(better, imports=REDS)
    for pe in (a, c):
        pe.eventually_has(better)
    b.says(imports=REDS)
    c.eventually_has(path(A))
    a.eventually_has()
