# SPDX-License-Identifier: Apache-2.0
"""Counting what was written finds every write that was not carried out, or not told of."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from ipaddress import ip_network

import pytest

from isthmus.model.vtn import ownership
from isthmus.model.vtn.documents import Answered, VtnDocument
from tests.scenario.vtn.history import Histories, History, miscounted, untold
from tests.scenario.vtn.outcome import Outcome

REFUSAL = "Of what was asked for last, this was refused: no."
TOLD = {"west": "", "east": REFUSAL}


def written(*more: Outcome) -> History:
    """Two changes by the owner, one a removal; two requests of the east, the last in vain."""
    histories = Histories()
    histories.change("vtn", Outcome.DONE)
    histories.change("vtn", Outcome.DONE, is_removal=True)
    histories.ask("vtn", "east", Outcome.DONE)
    histories.ask("vtn", "east", Outcome.DONE, is_hopeless=True)
    for outcome in more:
        histories.change("vtn", outcome)
        histories.ask("vtn", "east", outcome)
    return histories.of("vtn")


def document(generation: int = 5, answered: int = 2) -> VtnDocument:
    """The owner's, which has carried out all of it."""
    made = ownership.create("vtn", "west", "red", prefixes=[ip_network("192.0.2.0/24")])
    return replace(made, generation=generation, answered=(Answered("east", answered),))


@pytest.mark.parametrize("generation", [5, 6])
def test_all_that_was_written_is_a_generation_each(generation: int) -> None:
    """And a member that has left may be one more."""
    assert list(miscounted(written(), document(generation))) == []


@pytest.mark.parametrize(
    ("said", "sentence"),
    [
        (document(generation=4), "has generation 4, of 5 to 6"),
        (document(generation=7), "has generation 7, of 5 to 6"),
        (document(answered=1), "east asked for 2 changes, and 1 were answered"),
        (document(answered=3), "east asked for 2 changes, and 3 were answered"),
        (replace(document(), answered=()), "east asked for 2 changes, and 0 were answered"),
        (replace(document(), epoch=2), "was taken over"),
    ],
)
def test_one_less_and_one_more_is_told(said: VtnDocument, sentence: str) -> None:
    """What was overwritten before it was carried out is missing in the count."""
    assert any(sentence in each for each in miscounted(written(), said))


def test_what_was_not_answered_may_be_counted_or_not() -> None:
    """What was refused is not."""
    unknown = written(Outcome.UNKNOWN, Outcome.REFUSED)
    for generation, answered in ((5, 2), (6, 2), (6, 3), (8, 3)):
        assert list(miscounted(unknown, document(generation, answered))) == []
    assert list(miscounted(unknown, document(9, 3))) != []
    assert list(miscounted(unknown, document(6, 4))) != []


@pytest.mark.parametrize(
    ("change", "reasons", "refused", "sentence"),
    [
        (History, TOLD, 1, "east shows a refusal of what it never asked for"),
        (written, TOLD, 0, "1 requests of east had to be refused, 0 were"),
        (written, TOLD, 2, "1 requests of east had to be refused, 2 were"),
        (written, {"west": "", "east": "busy"}, 1, "what it asked for last was refused: busy"),
    ],
)
def test_who_is_not_told_of_a_refusal_is_found(
    change: Callable[[], History], reasons: dict[str, str], refused: int, sentence: str
) -> None:
    """And who is told of one that there was none of."""
    found = untold("vtn", change(), reasons, {"west": 0, "east": refused})
    assert any(sentence in each for each in found)


def test_there_is_nothing_to_say_of_a_refusal_that_is_told() -> None:
    """Later requests may have had it shown no more."""
    refused = {"west": 0, "east": 1}
    assert list(untold("vtn", written(), TOLD, refused)) == []
    later = written(Outcome.DONE)
    for reason in ("", REFUSAL):
        assert list(untold("vtn", later, {"west": "", "east": reason}, refused)) == []
