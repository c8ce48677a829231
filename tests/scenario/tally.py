# SPDX-License-Identifier: Apache-2.0
"""What APIs answered to many clients' requests."""

from __future__ import annotations

import threading
from collections import Counter
from dataclasses import dataclass, field

#: Another client was faster, or what is asked is at odds with what is there; the answer says so.
AT_ODDS = {404, 409, 412}


@dataclass
class Tally:
    """What was answered to everybody together.

    Attributes:
        answers: how often, by what was asked (``list`` changes nothing) and HTTP status.
        wrong: a sentence for each answer that should not have come, and each that did not come.
        seconds: how long each took.
    """

    answers: Counter[tuple[str, int]] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, what: str, code: int, seconds: float) -> None:
        """Count an answer."""
        with self._lock:
            self.answers[what, code] += 1
            self.seconds.append(seconds)

    def blame(self, sentence: str) -> None:
        """Keep what should not have been."""
        with self._lock:
            self.wrong.append(sentence)

    @property
    def changes(self) -> int:
        """How many requests changed something."""
        return sum(n for (what, code), n in self.answers.items() if code < 300 and what != "list")

    @property
    def codes(self) -> Counter[int]:
        """How often each HTTP status was answered."""
        codes: Counter[int] = Counter()
        for (_, code), number in self.answers.items():
            codes[code] += number
        return codes

    @property
    def at_odds(self) -> int:
        """How many requests were refused for what was there."""
        return sum(number for code, number in self.codes.items() if code in AT_ODDS)

    def __str__(self) -> str:
        return ", ".join(f"{number} x {code}" for code, number in sorted(self.codes.items()))
