# SPDX-License-Identifier: Apache-2.0
"""Tell a story on the terminal: one line a step, with ✓ or ✗ and its time."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Lock
from typing import TextIO

_WIDTH = 88


class Failed(Exception):
    """A step found something else than it should; the text says what."""


class StoryEnds(Exception):
    """What follows would make no sense."""


@dataclass
class Told:
    """What a step has to say for itself.

    Attributes:
        result: appended to the step's line.
        lines: shown below it, indented.
    """

    result: str = ""
    lines: list[str] = field(default_factory=list)


class Teller:
    """Writes the story and remembers whether every step went well.

    Attributes:
        failures: the titles of steps that ended with ✗.
    """

    def __init__(self, out: TextIO = sys.stdout, clock: Callable[[], float] = time.monotonic):
        self.failures: list[str] = []
        self._out = out
        self._clock = clock
        self._lock = Lock()

    def chapter(self, title: str) -> None:
        """Begin a part of the story."""
        self._write(f"\n{title}")

    def say(self, lines: Iterable[str]) -> None:
        """Show lines as they are, indented."""
        for line in lines:
            self._write(f"      {line}")

    @contextmanager
    def step(self, title: str, *, essential: bool = False) -> Iterator[Told]:
        """Do something and tell how it went.

        An exception is what makes it go wrong; the story goes on.

        Args:
            title: what is done.
            essential: without this the rest makes no sense.

        Raises:
            StoryEnds: an essential step went wrong.
        """
        told = Told()
        start = self._clock()
        try:
            yield told
        except Exception as reason:
            self._end("✗", title, told, start)
            self.say(str(reason).splitlines() or [repr(reason)])
            self.failures.append(title)
            if essential:
                raise StoryEnds(title) from reason
        else:
            self._end("✓", title, told, start)

    def _end(self, mark: str, title: str, told: Told, start: float) -> None:
        text = f"{title}: {told.result}" if told.result else title
        lines = [f"  {mark} {text:<{_WIDTH}} {self._clock() - start:6.1f} s"]
        lines += [f"      {line}" for line in told.lines]
        self._write("\n".join(lines))

    def _write(self, text: str) -> None:
        with self._lock:
            print(text, file=self._out, flush=True)
