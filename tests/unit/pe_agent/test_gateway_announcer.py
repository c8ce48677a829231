# SPDX-License-Identifier: Apache-2.0
"""Hosts hear of their gateway at once and a few times more, and never of one that is not theirs."""

from __future__ import annotations

from ipaddress import IPv4Address

import pytest

from isthmus.pe_agent.compile.gateways import Announcement
from isthmus.pe_agent.gateway_announcer import Schedule
from isthmus.pe_agent.openflow.punts import Injection

FRAMES = (b"arp", b"neighbor advertisement")
WHAT = Announcement(FRAMES)
OTHER = frozenset({IPv4Address("192.0.2.12")})


def times_told(schedule: Schedule, until: float, what: Announcement = WHAT) -> list[float]:
    """Return when port 4 was told something, with nothing else happening."""
    told, now = [], 0.0
    while now <= until:
        if schedule.due({4: what}, now):
            told.append(now)
        next_at = schedule.next_at()
        if next_at is None:
            break
        now = next_at
    return told


FIRST_TIMES = [0.0, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0, 2.0]


def test_hosts_are_told_at_once_and_seven_times_more() -> None:
    """Within two seconds; then it is known. At first often, as OVN has yet to carry a new port."""
    assert times_told(Schedule(), until=60) == pytest.approx(FIRST_TIMES)


def test_every_frame_goes_out_of_its_port() -> None:
    """As it was compiled."""
    assert Schedule().due({4: WHAT}, 0.0) == [Injection(frame, 4) for frame in FRAMES]


def test_what_was_lost_and_won_back_is_told_again() -> None:
    """In between another PE was the gateway, and hosts know that one."""
    schedule = Schedule()
    assert schedule.due({4: WHAT}, 0.0)
    assert not schedule.due({}, 0.01)
    assert schedule.next_at() is None
    assert schedule.due({4: WHAT}, 0.02)


def test_hosts_are_told_again_when_another_gateway_is_heard() -> None:
    """It may have served until now, though this one has all the while."""
    schedule = Schedule()
    alone, together = Announcement(FRAMES, unheard=OTHER), Announcement(FRAMES, heard=OTHER)
    assert schedule.due({4: alone}, 0.0)
    assert not schedule.due({4: alone}, 0.01)
    assert schedule.due({4: together}, 0.02)
    assert schedule.due({4: alone}, 0.03)


def test_while_another_gateway_is_not_heard_hosts_are_told_for_longer() -> None:
    """It may not know that it is cut off before a hold time of nine seconds is over."""
    alone = Announcement(FRAMES, unheard=OTHER)
    expected = pytest.approx([*FIRST_TIMES, 6.0, 10.0, 14.0])
    assert times_told(Schedule(), until=60, what=alone) == expected


def test_another_address_is_told_at_once() -> None:
    """Without waiting for the next repetition of the old one."""
    schedule = Schedule()
    schedule.due({4: WHAT}, 0.0)
    assert schedule.due({4: Announcement((b"other",))}, 0.01) == [Injection(b"other", 4)]
