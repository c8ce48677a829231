# SPDX-License-Identifier: Apache-2.0
"""Whoever wakes the worker never waits for the broker, nor fails with it."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable

import pytest

from isthmus.model.errors import DriverUnavailable
from isthmus.rpc.senders import PeSender, Waker


def eventually(holds: Callable[[], object]) -> None:
    """Wait until something holds."""
    end = time.monotonic() + 5
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.005)


class Broker:
    """Stands for a transport that is slow or away."""

    def __init__(self) -> None:
        self.asked = 0
        self.gate = threading.Event()

    def __call__(self) -> object:
        """Be asked for a connection; give none."""
        self.asked += 1
        self.gate.wait(5)
        raise ConnectionRefusedError


def test_a_caller_does_not_wait_for_a_broker_that_hangs() -> None:
    """The commit is done; the worker polls anyway."""
    broker = Broker()
    waker = Waker(broker)
    start = time.monotonic()
    for _ in range(100):
        waker.wake()
    assert time.monotonic() - start < 1
    eventually(lambda: broker.asked == 1)
    broker.gate.set()


def test_many_calls_become_few_messages_and_a_failure_is_not_the_last(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """A message says only: look."""
    broker = Broker()
    broker.gate.set()
    waker = Waker(broker)
    waker.wake()
    eventually(lambda: broker.asked == 1)
    waker.wake()
    eventually(lambda: broker.asked == 2)
    assert "worker.not_woken" in caplog.text


FORKS = """
import os, time
from isthmus.rpc.senders import Waker
asked = []
waker = Waker(lambda: asked.append(1))
waker.wake()
while not asked: time.sleep(0.005)
child = os.fork()
if child == 0:
    waker.wake()
    end = time.monotonic() + 5
    while len(asked) < 2 and time.monotonic() < end: time.sleep(0.005)
    os._exit(2 - len(asked))
raise SystemExit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""


def test_a_waker_used_before_a_fork_works_after_it() -> None:
    """Neutron forks its workers after it made the plug-in; threads don't survive that."""
    done = subprocess.run([sys.executable, "-c", FORKS], timeout=30, check=False)
    assert done.returncode == 0


def test_a_broker_that_is_away_is_a_reason_to_try_again() -> None:
    """Intent stays in the journal meanwhile."""

    def away() -> object:
        raise ConnectionRefusedError

    with pytest.raises(DriverUnavailable, match="pe-1") as error:
        PeSender(away).send_removal("pe-1", "vpn")
    assert error.value.retryable
    assert "pe-1" not in error.value.for_tenant
