# SPDX-License-Identifier: Apache-2.0
"""How often each network was written about, and what its owner's document must say of that. Pure.

A value that another has overwritten is seen nowhere any more. That it was carried out in between
is seen by the counts: every change is a generation of its own, every request has a number, and of
the requests only those were refused whose site has been told so.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from isthmus.model.vtn.documents import VtnDocument
from tests.scenario.vtn.outcome import Outcome

#: What a site shows of a network of which something was refused.
REFUSED = "this was refused:"


@dataclass(slots=True)
class Count:
    """How many there were.

    Attributes:
        done: acknowledged.
        unknown: not answered: they may have been carried out.
    """

    done: int = 0
    unknown: int = 0

    def add(self, outcome: Outcome) -> None:
        """Count one more; one that was refused is none."""
        self.done += outcome is Outcome.DONE
        self.unknown += outcome is Outcome.UNKNOWN

    @property
    def most(self) -> int:
        """How many may have been carried out."""
        return self.done + self.unknown

    def __contains__(self, number: int) -> bool:
        return self.done <= number <= self.most

    def __str__(self) -> str:
        return f"{self.done}" if self.done == self.most else f"{self.done} to {self.most}"


@dataclass(slots=True)
class History:
    """What was written about one network, but for its creation and its deletion.

    Attributes:
        changes: its owner's, removals of members among them.
        removals: of members.
        asked: requests, by the site that asks.
        hopeless: those among them that the owner has to refuse.
        is_last_hopeless: whether a site's newest request is one.
    """

    changes: Count = field(default_factory=Count)
    removals: Count = field(default_factory=Count)
    asked: dict[str, Count] = field(default_factory=lambda: defaultdict(Count))
    hopeless: dict[str, Count] = field(default_factory=lambda: defaultdict(Count))
    is_last_hopeless: dict[str, bool] = field(default_factory=dict)


class Histories:
    """Of all networks; many write it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._found: dict[str, History] = defaultdict(History)

    def change(self, vtn: str, outcome: Outcome, *, is_removal: bool = False) -> None:
        """Note a change by the owner."""
        with self._lock:
            found = self._found[vtn]
            found.changes.add(outcome)
            if is_removal:
                found.removals.add(outcome)

    def ask(self, vtn: str, site: str, outcome: Outcome, *, is_hopeless: bool = False) -> None:
        """Note a request of another site's."""
        with self._lock:
            found = self._found[vtn]
            found.asked[site].add(outcome)
            if is_hopeless:
                found.hopeless[site].add(outcome)
            if outcome is not Outcome.REFUSED:
                found.is_last_hopeless[site] = is_hopeless and outcome is Outcome.DONE

    def of(self, vtn: str) -> History:
        """What was written about a network."""
        with self._lock:
            return self._found[vtn]

    @property
    def hopeless(self) -> int:
        """How many requests had to be refused."""
        with self._lock:
            return sum(each.done for one in self._found.values() for each in one.hopeless.values())


def miscounted(history: History, document: VtnDocument) -> Iterator[str]:
    """A sentence for each write that left no generation, or no answer.

    The owner's document begins with generation 1. Each change is one more, each answer too, and
    one for each time that members who were removed have left.

    Args:
        history: of a network that is still there.
        document: its owner's.
    """
    name, answered = document.vtn_id, {each.site: each.number for each in document.answered}
    if document.epoch != 1:
        yield f"{name} was taken over: {document.version}"
    for site in sorted(answered.keys() | history.asked.keys()):
        asked, number = history.asked.get(site, Count()), answered.get(site, 0)
        if number not in asked:
            yield f"{name}: {site} asked for {asked} changes, and {number} were answered"
    least = 1 + history.changes.done + sum(answered.values())
    most = least + history.changes.unknown + history.removals.most
    if not least <= document.generation <= most:
        yield f"{name} has generation {document.generation}, of {least} to {most} that it had"


def untold(
    vtn: str, history: History, reasons: Mapping[str, str], refused: Mapping[str, int]
) -> Iterator[str]:
    """A sentence for each site that was not told of a refusal, or was told of one too many.

    Args:
        vtn: a network that is still there.
        history: of it.
        reasons: why it is as it is, in the words that each site shows its tenant.
        refused: how many requests each site has told its operator of as refused.
    """
    for site, reason in sorted(reasons.items()):
        hopeless = history.hopeless.get(site, Count())
        if refused.get(site, 0) not in hopeless:
            yield f"{vtn}: {hopeless} requests of {site} had to be refused, {refused[site]} were"
        is_shown = REFUSED in reason
        if history.is_last_hopeless.get(site) and not is_shown:
            yield f"{vtn}: {site} does not show that what it asked for last was refused: {reason}"
        if is_shown and not hopeless.most:
            yield f"{vtn}: {site} shows a refusal of what it never asked for: {reason}"
