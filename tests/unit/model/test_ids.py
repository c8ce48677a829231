# SPDX-License-Identifier: Apache-2.0
"""Labels, route targets and distinguishers refuse what the RFCs refuse."""

from __future__ import annotations

import doctest

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isthmus.model import ids
from isthmus.model.errors import InvalidValue
from isthmus.model.ids import Label, RouteDistinguisher, RouteTarget, check_mac

MALFORMED = [
    "", ":", "1", "1:", ":1", "a:b", "1:2:3", "-1:1", "1:-1", " 1:1", "1 :1", "1: 1", "64500:100 ",
    "65536:65536", "4294967296:1", "64500:4294967296", "192.0.2.1:65536", "192.0.2:1",
    "192.0.2.256:1", "1.5:1", "0x10:1", "\u0661:1", "64500:\u0661", "64500:1e3", "2001:db8::1:1",
    "64500\uff1a1", "9" * 5000 + ":1", "1:" + "9" * 5000,
]  # fmt: skip


@pytest.mark.parametrize("text", MALFORMED)
@pytest.mark.parametrize("kind", [RouteTarget, RouteDistinguisher])
def test_what_is_not_an_administrator_and_a_number_is_refused(
    kind: type[RouteTarget | RouteDistinguisher], text: str
) -> None:
    """RFC 4360 §3, RFC 5668 §2, RFC 4364 §4.2."""
    with pytest.raises(InvalidValue):
        kind.parse(text)


@pytest.mark.parametrize(
    ("text", "kind"),
    [("64500:4294967295", 0), ("65535:1", 0), ("65536:65535", 2), ("192.0.2.1:65535", 1)],
)
def test_the_administrator_decides_the_type(text: str, kind: int) -> None:
    """A 2-octet AS leaves 32 bits for the number, the others 16."""
    assert RouteTarget.parse(text).kind == kind
    assert str(RouteTarget.parse(text)) == text


@given(st.text(alphabet="0123456789.:", max_size=24))
def test_parsing_either_refuses_or_gives_a_value_that_reads_back(text: str) -> None:
    """No text crashes the parser, and no two values share a text."""
    try:
        target = RouteTarget.parse(text)
    except InvalidValue:
        return
    assert RouteTarget.parse(str(target)) == target


def test_a_route_target_never_equals_a_route_distinguisher() -> None:
    """They look alike and mean different things."""
    pair: set[object] = {RouteTarget.parse("64500:1"), RouteDistinguisher.parse("64500:1")}
    assert len(pair) == 2


@pytest.mark.parametrize("value", [-1, 0, 3, 15, 2**20])
def test_reserved_and_too_wide_labels_are_refused(value: int) -> None:
    """RFC 3032 §2.1."""
    with pytest.raises(InvalidValue):
        Label(value)


@pytest.mark.parametrize("text", ["", "02:00:00:00:00", "02:00:00:00:00:0G", "FF:00:00:00:00:00",
                                  "01:00:5e:00:00:01", "02-00-00-00-00-01"])  # fmt: skip
def test_what_is_not_a_unicast_mac_in_lower_case_is_refused(text: str) -> None:
    """One spelling, so that equal addresses are equal values."""
    with pytest.raises(InvalidValue):
        check_mac(text)


def test_the_examples_in_the_docstrings_hold() -> None:
    """What the docstrings show is what happens."""
    assert doctest.testmod(ids).failed == 0
