# SPDX-License-Identifier: Apache-2.0
"""Who has arrived, for as long as that is news."""

from __future__ import annotations

from isthmus.pe_agent.arrivals import Arrivals


def test_an_arrival_is_news_once() -> None:
    """Hypervisors repeat themselves."""
    news: list[str] = []
    arrivals = Arrivals(lambda: news.append("changed"))
    for port in ("vm1", "vm1", "vm2"):
        arrivals.note(port)
    assert arrivals.snapshot() == {"vm1", "vm2"}
    assert news == ["changed", "changed"]


def test_who_is_not_awaited_any_more_is_forgotten() -> None:
    """Intent has it here by now, or nova has given up; it may come a second time."""
    arrivals = Arrivals(lambda: None)
    arrivals.note("vm1")
    arrivals.note("vm2")
    arrivals.forget_others({"vm2", "vm3"})
    assert arrivals.snapshot() == {"vm2"}
