# SPDX-License-Identifier: Apache-2.0
"""A document's text is understood once, and what is kept of texts is bounded."""

from __future__ import annotations

import pytest

from isthmus.db.vtn.readings import Readings
from isthmus.model.errors import InvalidValue
from isthmus.model.vtn.documents import SiteDocument
from isthmus.model.vtn.encoding import encode


def text(beat: int) -> str:
    """Write a document of the same length whatever the beat."""
    return encode(SiteDocument("west", "a", beat, 64500))


LENGTH = len(text(1))


def test_a_text_that_was_read_before_is_known() -> None:
    """Most of a network's documents are as they were when one of them changes."""
    readings = Readings(10 * LENGTH)
    first = readings.read("site", "west", text(1))
    assert readings.read("site", "west", text(1)) is first
    assert readings.length == LENGTH


def test_another_text_under_the_same_name_is_another_document() -> None:
    """A text counts, not where it stood when it was read."""
    readings = Readings(10 * LENGTH)
    readings.read("site", "west", text(1))
    again = readings.read("site", "west", text(2))
    assert isinstance(again, SiteDocument)
    assert again.beat == 2


@pytest.mark.parametrize(("kind", "name"), [("site", "east"), ("vtn", "west")])
def test_a_text_that_is_known_is_refused_in_a_place_where_it_does_not_belong(
    kind: str, name: str
) -> None:
    """A site might publish another one's."""
    readings = Readings(10 * LENGTH)
    readings.read("site", "west", text(1))
    with pytest.raises(InvalidValue):
        readings.read(kind, name, text(1))
    assert readings.length == LENGTH


def test_what_was_not_read_for_longest_goes_first() -> None:
    """What is asked for again and again stays."""
    readings = Readings(2 * LENGTH)
    first, second = (readings.read("site", "west", text(beat)) for beat in (1, 2))
    readings.read("site", "west", text(1))
    readings.read("site", "west", text(3))
    assert readings.length == 2 * LENGTH
    assert readings.read("site", "west", text(1)) is first
    assert readings.read("site", "west", text(2)) is not second


def test_a_text_that_is_longer_than_all_that_may_be_kept_is_read_nonetheless() -> None:
    """Others decide how much they publish."""
    readings = Readings(LENGTH - 1)
    assert isinstance(readings.read("site", "west", text(1)), SiteDocument)
    assert readings.length == 0
