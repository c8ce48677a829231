# SPDX-License-Identifier: Apache-2.0
"""Documents as text."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from isthmus.model.errors import InvalidValue
from isthmus.model.report import Status
from isthmus.model.vtn.documents import (
    Acceptance,
    AnswerDocument,
    Answered,
    Change,
    Document,
    HeardOf,
    MemberDocument,
    MemberGrant,
    Operation,
    RequestDocument,
    Result,
    SiteDocument,
    Version,
    kind_of,
    name_of,
    vtn_of,
    writer_of,
)
from isthmus.model.vtn.encoding import LONGEST, decode, encode
from tests.unit.model.vtn.west_and_east import VTN_RED, prefixes, vtn_red

NEWER = Version(2, "east", 9)
VTN = replace(
    vtn_red("198.51.100.0/24", "2001:db8::/48"),
    members=(
        MemberGrant("east", None, prefixes("198.51.100.0/26"), NEWER),
        MemberGrant("west", "red", ()),
    ),
    answered=(Answered("east", 3),),
    took_over=(NEWER,),
    rate_kbps=1000,
    class_of_service="gold",
)
MEMBER = MemberDocument(
    VTN_RED,
    "east",
    Acceptance.ACCEPTED,
    NEWER,
    carried_out=NEWER,
    subnet_ids=("one", "two"),
    status=Status.DEGRADED,
    drift=("Somebody renamed it ü.",),
    ports=2,
)
REQUEST = RequestDocument(
    "r", "east", VTN_RED, 1, Operation.UPDATE, Change(prefixes=prefixes("::/0")), 1700000000.25
)
ANSWER = AnswerDocument("r", "west", VTN_RED, "east", 1, Result.REFUSED, "No.", "No!", NEWER)
SITE = SiteDocument("west", "i", 7, 64500, (HeardOf("east", 12),), "It is well.")
ALL: tuple[Document, ...] = (VTN, MEMBER, REQUEST, ANSWER, SITE)


@pytest.mark.parametrize("document", ALL, ids=kind_of)
def test_what_is_written_is_read_again(document: Document) -> None:
    """By its kind and name."""
    assert decode(kind_of(document), name_of(document), encode(document)) == document


def test_the_format_stays_as_other_releases_know_it() -> None:
    """To the letter: what was published by one release is read by the next, and the other way."""
    known = json.loads(Path(__file__).with_name("documents.json").read_text())
    assert len(known) == len(ALL)
    for document in ALL:
        found = known[f"{kind_of(document)}/{name_of(document)}"]
        assert json.loads(encode(document)) == found
        assert decode(kind_of(document), name_of(document), json.dumps(found)) == document


def test_who_wrote_it_and_what_it_is_about_is_in_it() -> None:
    """So that a reader can see whether it may stand where it was found."""
    assert [writer_of(each) for each in ALL] == ["west", "east", "east", "west", "west"]
    assert [vtn_of(each) for each in ALL] == [VTN_RED] * 4 + [None]
    assert str(NEWER) == "2/east/9"


def test_what_a_newer_release_says_beside_is_left_out() -> None:
    """On every level."""
    found = json.loads(encode(VTN))
    found["colour"] = "red"
    found["members"][0]["colour"] = {"red": 1}
    assert decode("vtn", VTN_RED, json.dumps(found)) == VTN


@pytest.mark.parametrize(
    ("path", "value", "words"),
    [
        (["version"], 2, "format"),
        (["version"], None, "format"),
        (["owner"], ..., "owner is missing"),
        (["owner"], 7, "owner: 7 is no text"),
        (["name"], "\udc80", "name"),
        (["epoch"], "1", "no number"),
        (["epoch"], True, "no number"),
        (["epoch"], -1, "no number"),
        (["epoch"], 2**63, "no number"),
        (["epoch"], 0, "begin with 1"),
        (["type"], "l4", "l4"),
        (["admin_state_up"], 1, "neither true nor false"),
        (["prefixes"], "198.51.100.0/24", "no list"),
        (["prefixes", 0], "198.51.100.1/24", "host bits"),
        (["route_targets", 0], "64500", "64500"),
        (["members", 0], [], "no JSON object"),
        (["members", 0, "leaving_since"], {"epoch": 1}, "owner is missing"),
        (["members", 0, "site"], "west", "there twice"),
        (["members", 0, "site"], "zero", "not in order"),
        (["vtn_id"], "x" * 200, "It is about"),
        (["rate_kbps"], 0.5, "no number"),
    ],
)
def test_what_is_not_understood_is_refused_as_a_whole(
    path: list[str | int], value: object, words: str
) -> None:
    """With a sentence that says what is wrong."""
    found = json.loads(encode(replace(VTN, admin_state_up=False)))
    at = found
    for each in path[:-1]:
        at = at[each]
    if value is ...:
        del at[path[-1]]
    else:
        at[path[-1]] = value
    with pytest.raises(InvalidValue, match=words):
        decode("vtn", VTN_RED, json.dumps(found))


@pytest.mark.parametrize(
    "text", ["", "[]", "7", "{", "[" * 100_000, " " * (LONGEST + 1), '{"a":NaN}']
)
def test_what_is_no_document_is_refused(text: str) -> None:
    """Whatever it is."""
    with pytest.raises(InvalidValue):
        decode("vtn", VTN_RED, text)


def test_a_document_in_another_ones_place_is_refused() -> None:
    """And one of a kind nobody knows."""
    with pytest.raises(InvalidValue):
        decode("vtn", "vtn-blue", encode(VTN))
    with pytest.raises(InvalidValue):
        decode("colour", VTN_RED, encode(VTN))


@pytest.mark.parametrize("value", ["1", True, -1, float("inf")])
def test_a_time_is_a_number(value: object) -> None:
    """Of seconds."""
    found = json.loads(encode(REQUEST)) | {"asked_at": value}
    with pytest.raises(InvalidValue):
        decode("request", "r", json.dumps(found))
    found["asked_at"] = 5
    assert decode("request", "r", json.dumps(found)) == replace(REQUEST, asked_at=5.0)
