# SPDX-License-Identifier: Apache-2.0
"""What the scenarios count on holds by the rules themselves, whatever is done in which order."""

from __future__ import annotations

from contextlib import suppress
from itertools import count

from hypothesis import given, settings
from hypothesis import strategies as st

from isthmus.model.errors import IsthmusError
from isthmus.model.vtn import ownership, requests
from isthmus.model.vtn.documents import Change, Operation
from tests.scenario.vtn.history import Histories, miscounted
from tests.scenario.vtn.outcome import Outcome
from tests.unit.model.vtn.west_and_east import VTN_RED, Sites, prefixes, vtn_red

SITES = ("west", "east", "south")
#: In which no member's part would be any more.
NOBODYS = prefixes("192.0.2.0/24")
WORDS = st.sampled_from(
    ["rename", "add", "remove", "describe", "describe", "in vain", "cut", "heal", "rest"]
)


class Writers:
    """An owner in the west, which changes its members, and a guest in the east that asks."""

    def __init__(self) -> None:
        self.sites = Sites(vtn_red(members=SITES))
        self.histories = Histories()
        self._number = count(1)
        self.rest()

    def rest(self) -> None:
        """Have all sites do what is due, each as far as it hears."""
        self.sites.rest(*SITES)

    def do(self, word: str) -> None:
        """One thing, and what the site does upon it in the same transaction."""
        match word:
            case "rename":
                self._change(Operation.UPDATE, Change(name=f"{next(self._number)}"))
            case "add":
                self._change(Operation.ADD_MEMBER, Change(member="south"))
            case "remove":
                self._change(Operation.REMOVE_MEMBER, Change(member="south"), is_removal=True)
            case "describe":
                self._ask(Change(description=f"{next(self._number)}"))
            case "in vain":
                self._ask(Change(prefixes=NOBODYS), is_hopeless=True)
            case "cut":
                if not self.sites.cut_off:
                    self.sites.cut("east")
            case "heal":
                self.sites.heal()
            case "rest":
                self.rest()

    def _change(self, operation: Operation, change: Change, *, is_removal: bool = False) -> None:
        with suppress(IsthmusError):
            document = ownership.change(self.sites.view("west"), operation, change)
            self.sites.put("west", document)
            self.histories.change(VTN_RED, Outcome.DONE, is_removal=is_removal)
            self.sites.keep_up("west")

    def _ask(self, change: Change, *, is_hopeless: bool = False) -> None:
        view, number = self.sites.view("east"), next(self._number)
        asked = requests.ask(view, f"{number}", float(number), Operation.UPDATE, change)
        self.sites.put("east", asked)
        self.histories.ask(VTN_RED, "east", Outcome.DONE, is_hopeless=is_hopeless)


@settings(max_examples=60)
@given(st.lists(WORDS, max_size=25))
def test_every_write_is_a_generation_and_every_request_has_its_answer(words: list[str]) -> None:
    """However sites are cut off meanwhile; and who asked in vain is told so, once for each."""
    writers = Writers()
    for word in words:
        writers.do(word)
    writers.do("heal")
    writers.rest()
    document = writers.sites.view("west").document
    assert document is not None
    history = writers.histories.of(VTN_RED)
    assert list(miscounted(history, document)) == []
    refused = sum(result == "refused" for _, result, _ in writers.sites.settled)
    assert refused == history.hopeless["east"].done
