# SPDX-License-Identifier: Apache-2.0
"""Labels outlive the daemon as routes do; who is waited for when sessions differ in kind."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address

from isthmus.config.bgp import BgpConfig
from isthmus.model.ids import Label
from isthmus.model.ip import AddressFamily
from isthmus.pe_agent.bgp.mapping import Labelled
from isthmus.pe_agent.bgp.rib import Rib
from tests.contract.bgp_speaker_contract import LSP, OTHER_LSP, PE, THEIRS, P

IPV4 = AddressFamily.IPV4
REFLECTOR = IPv4Address("192.0.2.101")
CONFIG = BgpConfig(64500, PE, (REFLECTOR,), labelled_neighbors=(P,))
ELSEWHERE = replace(LSP, pe=IPv4Address("192.0.2.13"))


def _fresh(rib: Rib, now: float = 0.0) -> None:
    rib.daemon_is_up(is_fresh=True)
    rib.replay_is_over()
    rib.neighbors_are_released(now)
    rib.session(REFLECTOR, is_established=True, families=frozenset([IPV4]))
    rib.session(P, is_established=True, families=frozenset([Labelled.IPV4]))


def _running() -> Rib:
    rib = Rib(CONFIG)
    _fresh(rib)
    rib.hear_labelled(frozenset([LSP, ELSEWHERE]))
    rib.end_of_rib(REFLECTOR, IPV4, 1)
    rib.end_of_rib(P, Labelled.IPV4, 1)
    rib.settle(1)
    assert rib.snapshot().is_complete
    return rib


def test_a_reflector_does_not_stand_in_for_a_p_router() -> None:
    """Nor the other way round: each tells what the other does not."""
    for told, family, awaited in ((REFLECTOR, IPV4, P), (P, Labelled.IPV4, REFLECTOR)):
        rib = Rib(CONFIG)
        _fresh(rib)
        rib.session(awaited, is_established=False)
        rib.end_of_rib(told, family, 1)
        rib.settle(1 + CONFIG.late_neighbor_s)
        assert not rib.snapshot().is_complete
        rib.settle(CONFIG.graceful_restart_time_s)
        assert rib.snapshot().is_complete


def test_a_label_is_stale_until_it_is_told_again() -> None:
    """What is told anew of one PE takes the place of what was; nothing else is lost."""
    rib = _running()
    rib.daemon_is_gone(10)
    assert rib.snapshot().labelled == {LSP, ELSEWHERE}
    _fresh(rib, 11)
    rib.hear_labelled(frozenset())
    assert rib.snapshot().labelled == {LSP, ELSEWHERE}
    relabelled = replace(LSP, label=Label(1099))
    rib.hear_labelled(frozenset([relabelled]))
    rib.settle(12)
    assert rib.snapshot().labelled == {relabelled, ELSEWHERE}

    rib.end_of_rib(REFLECTOR, IPV4, 13)
    rib.end_of_rib(P, Labelled.IPV4, 13)
    rib.settle(13)
    assert rib.snapshot().labelled == {relabelled}


def test_an_agent_that_finds_its_daemon_running_believes_it() -> None:
    """It has been there all the while."""
    rib = _running()
    rib.daemon_is_gone(10)
    rib.daemon_is_up(is_fresh=False)
    rib.hear_labelled(frozenset([OTHER_LSP]))
    rib.replay_is_over()
    assert rib.snapshot().labelled == {OTHER_LSP}


def test_labels_of_a_daemon_that_stays_away_are_forgotten() -> None:
    """By then a P router may have given them to other PEs."""
    rib = _running()
    rib.daemon_is_gone(10)
    deadline = rib.next_deadline(10)
    assert deadline == 10 + CONFIG.graceful_restart_time_s + CONFIG.long_lived_stale_time_s
    rib.settle(deadline)
    assert rib.snapshot().labelled == frozenset()


def test_a_neighbor_that_waits_to_be_asked_may_have_more_after_its_end_of_rib() -> None:
    """It may have sent it before it was asked for anything (RFC 4684 §6)."""
    config = replace(CONFIG, labelled_neighbors=())
    rib = Rib(config)
    _fresh(rib)
    rib.session(REFLECTOR, is_established=True, families=frozenset([IPV4]), constrains=True)
    rib.end_of_rib(REFLECTOR, IPV4, 1)
    rib.settle(1)
    assert not rib.snapshot().is_complete
    assert rib.next_deadline(1) == 1 + config.quiet_s
    rib.learn(THEIRS)
    rib.settle(2)
    assert rib.next_deadline(2.5) == 2 + config.quiet_s
    rib.settle(1 + config.quiet_s)
    assert not rib.snapshot().is_complete
    rib.settle(2 + config.quiet_s)
    assert rib.snapshot().is_complete
