# SPDX-License-Identifier: Apache-2.0
"""What ping prints at its end."""

from __future__ import annotations

import pytest

from lab.demo.guest import Pinged
from lab.demo.terminal import Failed

IPUTILS = """
--- 10.2.0.11 ping statistics ---
1000 packets transmitted, 998 received, 0.2% packet loss, time 9990ms
rtt min/avg/max/mdev = 0.912/1.204/3.010/0.210 ms
"""
NOTHING = "3 packets transmitted, 0 received, 100% packet loss, time 2003ms\n"


def test_counts_and_round_trip_times_are_read() -> None:
    """Minimum, average and maximum."""
    pinged = Pinged.read(IPUTILS)
    assert (pinged.sent, pinged.received, pinged.lost) == (1000, 998, 2)
    assert pinged.rtt_ms == (0.912, 1.204, 3.01)
    assert str(pinged) == "998 of 1000 answered, rtt 0.91/1.20/3.01 ms"


def test_without_an_answer_there_is_no_round_trip_time() -> None:
    """And none is made up."""
    assert Pinged.read(NOTHING) == Pinged(3, 0, None)


def test_anything_else_is_shown_as_it_is() -> None:
    """Such as a network that can't be reached."""
    with pytest.raises(Failed, match="Network is unreachable"):
        Pinged.read("ping: connect: Network is unreachable")


def ended(sent: int, received: int, *answered: int) -> Pinged:
    """Read the end of what ping prints when it is ended; 100 may have been on their way."""
    lines = [f"64 bytes from 10.1.0.5: icmp_seq={number} ttl=62 time=3.2 ms" for number in answered]
    summary = f"{sent} packets transmitted, {received} received, 3% packet loss, time 2990ms"
    return Pinged.read_ended("\n".join([*lines, "", "--- statistics ---", summary]), 100)


def test_what_was_on_its_way_when_ping_was_ended_does_not_count() -> None:
    """Numbers begin with 1."""
    found = ended(300, 297, 296, 297)
    assert (found.sent, found.lost) == (297, 0)


def test_what_was_lost_before_ping_was_ended_counts() -> None:
    """Only what was sent after the last answer may still have been on its way."""
    found = ended(300, 290, 296, 297)
    assert (found.sent, found.lost) == (297, 7)


def test_whom_nobody_answers_any_more_has_lost_its_packets() -> None:
    """No packet is on its way for that long."""
    assert ended(300, 100, 99, 100).lost == 200
    assert ended(50, 0).lost == 50
