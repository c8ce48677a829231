# SPDX-License-Identifier: Apache-2.0
"""``--wait``: look until something is done, say what changes meanwhile, give up with advice."""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from osc_lib import exceptions

_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.2, 3.0
_DEFAULT_S = 300


@dataclass(frozen=True, slots=True)
class Sight:
    """How far something is.

    Attributes:
        text: for who waits.
        is_done: there is nothing more to wait for.
        is_failed: waiting is in vain.
    """

    text: str
    is_done: bool = False
    is_failed: bool = False


class Failed(exceptions.CommandError):
    """What was waited for won't come by waiting."""


class TimedOut(exceptions.CommandError):
    """It has not come in time."""


def add_options(parser: argparse.ArgumentParser, what: str) -> None:
    """Have a command take ``--wait`` and ``--timeout``."""
    parser.add_argument("--wait", action="store_true", help=f"Wait until {what}")
    parser.add_argument(
        "--timeout",
        metavar="<seconds>",
        type=_read_seconds,
        default=_DEFAULT_S,
        help=f"Longest time to wait (default: {_DEFAULT_S})",
    )


def wait(
    look: Callable[[], Sight],
    timeout_s: float,
    tell: Callable[[str], None],
    advice: str,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Look until it is done, more and more seldom.

    Args:
        look: says how far it is.
        timeout_s: how long at most.
        tell: is told whenever that changes.
        advice: what to do where time runs out, or it fails.
        clock: seconds from anywhere.
        sleep: lets them pass.

    Raises:
        Failed: it failed.
        TimedOut: it was not done in time.
    """
    end, pause, told = clock() + timeout_s, _FIRST_PAUSE_S, ""
    while True:
        sight = look()
        if sight.text != told:
            tell(sight.text)
            told = sight.text
        if sight.is_failed:
            raise Failed(f"{sight.text} {advice}".strip())
        if sight.is_done:
            return
        left = end - clock()
        if left <= 0:
            raise TimedOut(
                f"After {timeout_s:g} s: {sight.text} It goes on without this command. {advice}"
            )
        sleep(min(pause, left))
        pause = min(2 * pause, _LONGEST_PAUSE_S)


def say(name: str, status: str, reason: str | None = "") -> str:
    """Return a line on something's status."""
    return f"{name}: {status}. {reason}".strip() if reason else f"{name}: {status}."


def see(name: str, resource: Any) -> Sight:
    """Return how far something with a status is: in force, or down as it was asked to be."""
    is_off = resource.status == "DOWN" and not resource.is_admin_state_up
    text = say(name, resource.status, resource.status_reason)
    return Sight(text, is_off or resource.status == "ACTIVE", resource.status == "ERROR")


def _read_seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds")
    return seconds
