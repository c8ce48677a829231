# SPDX-License-Identifier: Apache-2.0
"""The worker keeps at what failed, lets new changes through, and never dies."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from functools import partial

import pytest

from isthmus.config.plugin import PluginOptions
from isthmus.model.errors import DriverUnavailable, InOtherHands, IntentConflict, IsthmusError
from isthmus.plugin.worker import Journal, Worker

OPTIONS = PluginOptions(
    attachment_mode="distributed",
    driver="noop",
    poll_interval_s=0.01,
    resync_interval_s=3600,
    dispatch_threads=2,
    retry_interval_s=10,
    max_retry_interval_s=60,
    pe_down_time_s=75,
    report_time_s=30,
)


class Memory:
    """A journal in memory, and a dispatcher that does as it is told."""

    def __init__(self) -> None:
        self.due: dict[str, int] = {}
        self.existing: list[str] = []
        self.failures: dict[str, Exception] = {}
        self.dispatched: list[str] = []
        self.refusals: dict[str, IsthmusError] = {}
        self.is_away = False
        self.gate = threading.Event()
        self.gate.set()

    def read_due(self) -> dict[str, int]:
        """Return what is due, unless the database is away."""
        if self.is_away:
            raise ConnectionError
        return dict(self.due)

    def sweep(self) -> list[str]:
        """Return every VPN."""
        return list(self.existing)

    def record_refusal(self, vpn_id: str, error: IsthmusError) -> None:
        """Remember a refusal."""
        self.refusals[vpn_id] = error

    def dispatch(self, vpn_id: str) -> None:
        """Dispatch, or fail."""
        self.gate.wait(5)
        self.dispatched.append(vpn_id)
        if vpn_id in self.failures:
            raise self.failures[vpn_id]
        self.due.pop(vpn_id, None)


class Clock:
    """Time that passes when told to."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


@pytest.fixture
def memory() -> Memory:
    """An empty journal."""
    return Memory()


@pytest.fixture
def clock() -> Clock:
    """A clock at zero."""
    return Clock()


@pytest.fixture
def worker(memory: Memory, clock: Clock) -> Iterator[Worker]:
    """A running worker."""
    journal = Journal(memory.read_due, memory.sweep, memory.record_refusal)
    running = Worker(memory, journal, OPTIONS, clock)
    running.start()
    yield running
    running.stop()


def eventually(holds: Callable[[], object]) -> None:
    """Wait until something holds."""
    end = time.monotonic() + 5
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.005)


@pytest.mark.usefixtures("worker")
def test_what_is_due_is_dispatched(memory: Memory) -> None:
    """Without anybody waking it: it polls."""
    memory.due = {"red": 1, "blue": 2}
    eventually(lambda: not memory.due)
    assert sorted(memory.dispatched) == ["blue", "red"]


@pytest.mark.usefixtures("worker")
def test_a_failure_is_tried_again_after_its_pause(memory: Memory, clock: Clock) -> None:
    """And not before; the pause doubles."""
    memory.failures["red"] = DriverUnavailable("no broker")
    memory.due = {"red": 1}
    eventually(lambda: memory.dispatched == ["red"])
    time.sleep(0.1)
    assert memory.dispatched == ["red"]
    clock.now = 10.1
    eventually(lambda: len(memory.dispatched) == 2)
    clock.now = 25
    time.sleep(0.1)
    assert len(memory.dispatched) == 2
    del memory.failures["red"]
    clock.now = 31
    eventually(lambda: not memory.due)
    assert not memory.refusals


@pytest.mark.usefixtures("worker")
def test_waiting_for_another_worker_does_not_lengthen_the_pause(
    memory: Memory, clock: Clock
) -> None:
    """However often: the other one is done in seconds."""
    memory.failures["red"] = InOtherHands("another one makes it")
    memory.due = {"red": 1}

    def was_dispatched(times: int) -> bool:
        return len(memory.dispatched) == times

    for times in range(1, 5):
        eventually(partial(was_dispatched, times))
        time.sleep(0.1)
        clock.now += 10.1


@pytest.mark.usefixtures("worker")
def test_a_new_change_does_not_wait_for_the_pause(memory: Memory) -> None:
    """The tenant may have mended what was wrong."""
    memory.failures["red"] = IntentConflict("The gateway address is taken.")
    memory.due = {"red": 1}
    eventually(lambda: memory.refusals)
    del memory.failures["red"]
    memory.due = {"red": 2}
    eventually(lambda: not memory.due)


@pytest.mark.usefixtures("worker")
def test_one_vpn_that_fails_does_not_hold_up_another(memory: Memory) -> None:
    """Whatever it fails with."""
    memory.failures["red"] = ZeroDivisionError("a mistake of ours")
    memory.due = {"red": 1, "blue": 2}
    eventually(lambda: "blue" not in memory.due)
    assert "red" in memory.due


@pytest.mark.usefixtures("worker")
def test_the_database_may_be_away(memory: Memory) -> None:
    """The loop outlives it."""
    memory.is_away = True
    memory.due = {"red": 1}
    time.sleep(0.1)
    assert not memory.dispatched
    memory.is_away = False
    eventually(lambda: not memory.due)


def test_a_vpn_is_never_dispatched_twice_at_once(memory: Memory, worker: Worker) -> None:
    """Whatever is journalled meanwhile."""
    memory.gate.clear()
    memory.due = {"red": 1}
    for number in range(2, 6):
        worker.wake()
        time.sleep(0.02)
        memory.due = {"red": number}
    assert memory.dispatched == []
    memory.gate.set()
    eventually(lambda: not memory.due)


def test_everything_is_checked_once_at_the_start_and_at_each_resync(
    memory: Memory, worker: Worker, clock: Clock
) -> None:
    """So that a change that no event told of is found."""
    memory.existing = ["red", "blue"]
    clock.now = 3601
    worker.wake()
    eventually(lambda: sorted(memory.dispatched) == ["blue", "red"])
    time.sleep(0.05)
    assert len(memory.dispatched) == 2
