# SPDX-License-Identifier: Apache-2.0
"""Wait for the lab's parts, and say what was waited for and where to read why it did not come."""

from __future__ import annotations

import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

#: How long anything may take to start, s: everything else starts beside it, on two processors.
START_S = 240
_DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class NeverCame(TimeoutError):
    """Something waited for did not happen.

    Attributes:
        log: where to read why, if anywhere.
    """

    def __init__(self, what: str, seconds: float, log: Path | None) -> None:
        super().__init__(f"{what}: waited {seconds:g} s in vain")
        self.log = log


def wait_until(
    condition: Callable[[], object],
    seconds: float,
    what: str,
    log: Path | None = None,
    every_s: float = 0.1,
) -> None:
    """Return as soon as ``condition`` holds.

    Raises:
        NeverCame: it did not within ``seconds``.
    """
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise NeverCame(what, seconds, log)
        time.sleep(every_s)


def answers(url: str) -> bool:
    """Whether a service answers HTTP at all, with anything but a server error."""
    try:
        with _DIRECT.open(url, timeout=5):
            return True
    except urllib.error.HTTPError as refusal:
        return refusal.code < 500
    except OSError:
        return False
