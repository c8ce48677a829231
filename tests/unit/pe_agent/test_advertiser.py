# SPDX-License-Identifier: Apache-2.0
"""When hosts are told of their router without having asked."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from dataclasses import replace

from isthmus.model.intent import RouterAdvertisement
from isthmus.pe_agent.advertiser import Schedule, farewells
from isthmus.pe_agent.compile.neighbor_discovery import (
    ADVERTISE_EVERY_S,
    Link,
    advertise,
    take_leave,
)
from isthmus.pe_agent.openflow.punts import Injection
from isthmus.pe_agent.timed_sender import TimedSender
from tests.actors import subnet

RED = Link("fa:16:3e:00:00:01", 1442, (subnet("2001:db8:1::/64", RouterAdvertisement.SLAAC),))
BLUE = replace(RED, mac="fa:16:3e:00:00:02")
BY_HAND = replace(RED, subnets=(subnet("2001:db8:1::/64"),))


def ports(injections: Iterable[Injection]) -> list[int | None]:
    """Say which links were told."""
    return [injection.port for injection in injections]


def test_a_new_link_is_told_three_times_soon_then_now_and_then() -> None:
    """RFC 4861 §6.2.4."""
    schedule = Schedule()
    told_at = []
    now = 0.0
    for _ in range(5):
        frame = advertise(RED)
        assert frame is not None
        assert schedule.due({2: RED}, now) == [Injection(frame, 2)]
        assert schedule.due({2: RED}, now + 1) == []
        told_at.append(now)
        next_at = schedule.next_at()
        assert next_at is not None
        now = next_at
    every = ADVERTISE_EVERY_S
    assert told_at == [0, 2, 18, 18 + every, 18 + 2 * every]


def test_a_link_that_changed_is_new() -> None:
    """Its hosts need other flags; those of other links do not."""
    schedule = Schedule()
    schedule.due({2: RED, 3: BLUE}, 0)
    assert ports(schedule.due({2: replace(RED, mtu=1300), 3: BLUE}, 1)) == [2]


def test_a_link_that_is_gone_is_forgotten() -> None:
    """Should it come back, its hosts are told at once."""
    schedule = Schedule()
    schedule.due({2: RED}, 0)
    assert schedule.due({}, 1) == []
    assert schedule.next_at() is None
    assert ports(schedule.due({2: RED}, 1.5)) == [2]


def test_hosts_are_told_several_times_that_they_lose_their_router() -> None:
    """RFC 4861 §6.2.5 has up to three; those configured by hand are not."""
    frame = take_leave(RED)
    assert frame is not None
    assert farewells({2: RED, 3: BY_HAND}) == [Injection(frame, 2)] * 3


def test_a_link_whose_hosts_are_configured_by_hand_is_left_alone() -> None:
    """Also one that was not before."""
    schedule = Schedule()
    assert schedule.due({2: BY_HAND}, 0) == []
    assert schedule.next_at() is None
    schedule.due({2: RED}, 0)
    assert schedule.due({2: BY_HAND}, 1) == []
    assert schedule.next_at() is None


def test_the_thread_tells_new_links_at_once_and_outlives_a_failure() -> None:
    """It waits for nothing but the next time."""
    links = {2: RED}
    sent: list[int | None] = []
    is_told = threading.Semaphore(0)

    def send(injections: Iterable[Injection]) -> None:
        sent.extend(ports(injections))
        is_told.release()
        if len(sent) == 1:
            raise RuntimeError("A mistake.")

    advertiser = TimedSender("advertiser", Schedule(), lambda: dict(links), send)
    advertiser.start()
    assert is_told.acquire(timeout=5)
    links[3] = BLUE
    advertiser.look()
    assert is_told.acquire(timeout=5)
    advertiser.stop()
    assert sent[:2] == [2, 3]
