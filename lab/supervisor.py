# SPDX-License-Identifier: Apache-2.0
"""Run a command and run it again whenever it dies, as systemd's Restart=always would.

Run by its path with the standard library only: ``supervisor.py RECORD FIRST AGAIN``. FIRST and
AGAIN are commands as JSON lists. RECORD.child says which process runs now (pid and start time),
RECORD.restarts how often it had to be started again. SIGTERM ends the command, then this.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sys
import time
from pathlib import Path

_DELAY_S = 0.5
_PATIENCE_S = 5.0


def main(record: str, first: str, again: str) -> int:
    """Supervise until SIGTERM."""
    command: list[str] = json.loads(first)
    restarts = 0
    Path(f"{record}.restarts").write_text("0\n")
    # Signals are taken synchronously, so that none falls between two steps.
    waited_for = {signal.SIGTERM, signal.SIGCHLD}
    signal.pthread_sigmask(signal.SIG_BLOCK, waited_for)
    # Without a handler an ignored SIGCHLD would never become pending.
    signal.signal(signal.SIGCHLD, lambda *_: None)
    while True:
        child = os.posix_spawnp(command[0], command, os.environ, setsigmask=[])
        Path(f"{record}.child").write_text(f"{child} {_start_time(child)}\n")
        status = _wait(child, waited_for)
        if status is None:
            return 0
        _say(f"pid={child} status={status} restarts={restarts}")
        if signal.sigtimedwait({signal.SIGTERM}, _DELAY_S):
            return 0
        command = json.loads(again)
        restarts += 1
        Path(f"{record}.restarts").write_text(f"{restarts}\n")


def _wait(child: int, waited_for: set[signal.Signals]) -> int | None:
    """Wait for the child's end; None when SIGTERM asked for it."""
    while True:
        taken = signal.sigwait(waited_for)
        if taken == signal.SIGTERM:
            _end(child)
            return None
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)


def _end(child: int) -> None:
    """Ask the command to end, insist after a while. In the lab it is an nsenter's child."""
    for target in _children(child) or [child]:
        _send(target, signal.SIGTERM)
    if not _ends(child):
        for target in (*_children(child), child):
            _send(target, signal.SIGKILL)
        _ends(child)


def _send(target: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(target, number)


def _ends(child: int) -> bool:
    end = time.monotonic() + _PATIENCE_S
    while not os.waitpid(child, os.WNOHANG)[0]:
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


def _children(parent: int) -> list[int]:
    try:
        text = Path(f"/proc/{parent}/task/{parent}/children").read_text()
    except OSError:
        return []
    return [int(number) for number in text.split()]


def _start_time(number: int) -> str:
    return Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()[19]


def _say(text: str) -> None:
    sys.stderr.write(f"lab.supervisor child.ended {text}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:4]))
