# SPDX-License-Identifier: Apache-2.0
"""The socket: for its owner alone, and not to be upset by what comes in."""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from isthmus.model.errors import InvalidValue
from isthmus.pe_agent.look.listener import LookFailed, LookingGlass, ask


def listening(path: Path, answer: Any = dict) -> Path:
    """Start a looking glass that answers what it is asked."""
    LookingGlass(path, answer).start()
    return path


def test_a_question_is_answered(tmp_path: Path) -> None:
    """One after the other, on a socket that is its owner's alone."""
    path = listening(tmp_path / "look.sock")
    for number in range(3):
        assert ask(path, {"number": number}) == {"number": number}
    assert (path.stat().st_mode & 0o777) == 0o600


def test_a_refusal_is_one_sentence(tmp_path: Path) -> None:
    """Whoever refuses."""

    def refuse(question: Mapping[str, Any]) -> Mapping[str, Any]:
        raise InvalidValue("There is no such VPN.")

    with pytest.raises(LookFailed, match="no such VPN"):
        ask(listening(tmp_path / "look.sock", refuse), {})


def test_an_answer_that_fails_does_not_end_the_listener(tmp_path: Path) -> None:
    """Its log has the reason."""
    failing = [True]

    def fail_once(question: Mapping[str, Any]) -> Mapping[str, Any]:
        if failing:
            failing.clear()
            raise ZeroDivisionError
        return {"fine": True}

    path = listening(tmp_path / "look.sock", fail_once)
    with pytest.raises(LookFailed, match="see its log"):
        ask(path, {})
    assert ask(path, {}) == {"fine": True}


@pytest.mark.parametrize("junk", [b"", b"\n", b"[]\n", b"{", b"x" * 10_000 + b"\n", b"\xff\xfe\n"])
def test_junk_is_refused(tmp_path: Path, junk: bytes) -> None:
    """And the next question is answered."""
    path = listening(tmp_path / "look.sock")
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(5)
        connection.connect(str(path))
        connection.sendall(junk)
        connection.shutdown(socket.SHUT_WR)
        with contextlib.suppress(ConnectionResetError):
            assert b"error" in connection.makefile("rb").read()
    assert ask(path, {"a": 1}) == {"a": 1}


def test_a_slow_answer_keeps_no_other_waiting(tmp_path: Path) -> None:
    """Up to some at once; what comes after waits its turn."""
    may_go = threading.Event()
    started = threading.Semaphore(0)

    def slow(question: Mapping[str, Any]) -> Mapping[str, Any]:
        if question:
            started.release()
            may_go.wait(10)
        return {}

    path = listening(tmp_path / "look.sock", slow)
    slow_ones = [threading.Thread(target=ask, args=(path, {"a": 1})) for _ in range(5)]
    for thread in slow_ones[:3]:
        thread.start()
        assert started.acquire(timeout=5)
    assert ask(path, {}) == {}
    for thread in slow_ones[3:]:
        thread.start()
    assert started.acquire(timeout=5)
    assert not started.acquire(timeout=0.1)
    may_go.set()
    assert started.acquire(timeout=5)
    for thread in slow_ones:
        thread.join(5)


def test_an_agent_that_is_away_is_named(tmp_path: Path) -> None:
    """Never started, or gone without a word."""
    path = tmp_path / "look.sock"
    with pytest.raises(LookFailed, match="start isthmus-pe-agent"):
        ask(path, {})
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
    with pytest.raises(LookFailed, match="start isthmus-pe-agent"):
        ask(path, {})


def test_a_socket_that_cannot_be_had_does_not_keep_the_agent_from_working(tmp_path: Path) -> None:
    """It is logged."""
    blocked = tmp_path / "file"
    blocked.touch()
    listening(blocked / "look.sock")
