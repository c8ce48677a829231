# SPDX-License-Identifier: Apache-2.0
"""Reflectors send what is asked for and nothing else (RFC 4684); nothing needed is ever missing.

A reflector is GoBGP with the family; FRR 8.4 lacks it, is not asked, and sends everything.
"""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from isthmus.model.route import VpnRoute
from tests.contract.bgp_speaker_contract import BLUE, RED
from tests.functional.bgp.backbone import A, B, counting_withdrawals
from tests.functional.bgp.network import (
    CoreNetwork,
    FrrReflector,
    GoBgpd,
    eventually,
)
from tests.functional.bgp.three_pes import CLIENTS, FRR, GREEN, REFLECTOR, MakePe, tagged

pytestmark = pytest.mark.functional


def test_a_pe_hears_what_it_imports_and_nothing_else(reflector: GoBgpd, make_pe: MakePe) -> None:
    """Also what it begins to import later; what it imports no more goes."""
    a, b = make_pe("pe-a"), make_pe("pe-b")
    a.says(tagged(1, RED), tagged(2, BLUE), tagged(3, GREEN))
    b.says(imports=frozenset([RED]))
    b.eventually_has(tagged(1, RED))
    eventually(lambda: reflector.asked_by(B) == {RED})

    b.says(imports=frozenset([RED, BLUE]))
    b.eventually_has(tagged(1, RED), tagged(2, BLUE))
    b.says(imports=frozenset([BLUE]))
    b.eventually_has(tagged(2, BLUE))


def test_two_pes_of_one_vpn_hear_each_other(reflector: GoBgpd, make_pe: MakePe) -> None:
    """Each asks for what it sends itself; a reflector tells a client of its own interest."""
    a, b = make_pe("pe-a"), make_pe("pe-b")
    a.says(tagged(1, RED), imports=frozenset([RED]))
    b.says(tagged(2, RED, pe=B), imports=frozenset([RED]))
    a.eventually_has(tagged(2, RED, pe=B))
    b.eventually_has(tagged(1, RED))


def test_a_target_given_up_takes_no_route_that_another_calls_for(
    reflector: GoBgpd, make_pe: MakePe
) -> None:
    """GoBGP withdraws all routes of a target that is given up, at the reflector and at the PE.

    B gives up RED and still imports BLUE; C gives up RED, which nobody else wants any more.
    """
    a, b, c = make_pe("pe-a"), make_pe("pe-b"), make_pe("pe-c")
    both = tagged(1, RED, BLUE)
    a.says(both)
    b.says(imports=frozenset([RED, BLUE]))
    c.says(imports=frozenset([RED]))
    b.eventually_has(both)
    c.eventually_has(both)

    with counting_withdrawals(b) as lost:
        b.says(imports=frozenset([BLUE]))
        time.sleep(0.5)
        c.says()
        c.eventually_has()
        time.sleep(0.5)  # for what must not come
        assert b.speaker.rib().routes == {both}
    assert lost == []
    assert reflector.learnt_from(A) == {both}


def test_unrelated_targets_come_and_go_without_a_loss(reflector: GoBgpd, make_pe: MakePe) -> None:
    """VPNs of others on the same PEs."""
    a, b = make_pe("pe-a"), make_pe("pe-b")
    a.says(tagged(1, RED), tagged(2, BLUE))
    b.says(imports=frozenset([RED]))
    b.eventually_has(tagged(1, RED))
    with counting_withdrawals(b) as lost:
        for imports in ([RED, BLUE], [RED, BLUE, GREEN], [RED, GREEN], [RED]):
            b.says(imports=frozenset(imports))
            time.sleep(0.2)
        a.says(tagged(1, RED))
        b.eventually_has(tagged(1, RED))
        eventually(lambda: reflector.asked_by(B) == {RED})
    assert [one for one in lost if "10.1.0.1/32" in one] == []


def test_a_crashed_daemon_loses_no_route(reflector: GoBgpd, make_pe: MakePe) -> None:
    """Memberships are kept, and repeated, as routes are: at the far PE and at its own."""
    a, b = make_pe("pe-a"), make_pe("pe-b")
    theirs = tagged(2, RED, pe=B)
    a.says(tagged(1, RED), imports=frozenset([RED]))
    b.says(theirs, imports=frozenset([RED]))
    a.eventually_has(theirs)
    b.eventually_has(tagged(1, RED))
    eventually(lambda: a.speaker.rib().is_complete and b.speaker.rib().is_complete)
    opened = reflector.sessions_opened_with(A)
    with counting_withdrawals(b) as lost:
        a.daemon.restart()
        seen: set[frozenset[VpnRoute]] = set()

        def is_back() -> bool:
            seen.add(a.speaker.rib().routes)
            return reflector.sessions_opened_with(A) > opened

        eventually(is_back, within_s=30)
        eventually(lambda: not reflector.has_stale_routes(), within_s=30)
        deadline = time.monotonic() + 3
        while time.monotonic() < deadline:
            seen.add(a.speaker.rib().routes)
            time.sleep(0.05)
        assert seen == {frozenset([theirs])}
    assert lost == []


def test_a_fresh_agent_is_complete_only_with_what_it_asked_for(
    reflector: GoBgpd, make_pe: MakePe
) -> None:
    """Or it would replace flows of a former life by fewer."""
    a = make_pe("pe-a")
    table = [tagged(host, RED) for host in range(1, 201)]
    a.says(*table, imports=frozenset([RED]))
    eventually(lambda: len(reflector.learnt_from(A)) == len(table))
    b = make_pe("pe-b")
    b.says(imports=frozenset([RED]))
    eventually(lambda: b.speaker.rib().is_complete, within_s=30)
    assert b.speaker.rib().routes == frozenset(table)


def test_a_reflector_without_the_family_sends_everything(
    core: CoreNetwork, reflector: GoBgpd, make_pe: MakePe
) -> None:
    """The session works as ever, beside one that is asked."""
    frr = FrrReflector(core, "rr-frr", FRR, list(CLIENTS.values()))
    try:
        a, b = make_pe("pe-a", REFLECTOR, FRR), make_pe("pe-b", REFLECTOR, FRR)
        a.says(tagged(1, RED), tagged(2, BLUE))
        b.says(imports=frozenset([RED]))
        b.eventually_has(tagged(1, RED), tagged(2, BLUE))
        assert all(one.is_established for one in b.speaker.rib().neighbors)
    finally:
        frr.kill()


def test_a_pe_that_does_not_constrain_hears_everything(reflector: GoBgpd, make_pe: MakePe) -> None:
    """The option turned off, on a daemon that ran with it on."""
    a, b = make_pe("pe-a"), make_pe("pe-b")
    a.says(tagged(1, RED), tagged(2, BLUE), imports=frozenset([RED, BLUE]))
    b.says(imports=frozenset([RED]))
    b.eventually_has(tagged(1, RED))
    b.speaker.stop()
    b.config = replace(b.config, constrains_routes=False)
    b.start()
    b.says(imports=frozenset([RED]))
    b.eventually_has(tagged(1, RED), tagged(2, BLUE))
