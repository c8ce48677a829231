# SPDX-License-Identifier: Apache-2.0
"""Resources as rows and columns."""

from __future__ import annotations

import pytest

from isthmus.client import columns
from isthmus.client.columns import Column
from isthmus.client.sdk import InterconnectEvent, InterconnectSite, Member, VirtualTenantNetwork

KINDS = [
    (columns.VTN, VirtualTenantNetwork),
    (columns.MEMBER, Member),
    (columns.SITE, InterconnectSite),
    (columns.EVENT, InterconnectEvent),
    (columns.RECOVERY, InterconnectSite),
]


@pytest.mark.parametrize(("table", "kind"), KINDS)
def test_every_column_is_an_attribute(table: tuple[Column, ...], kind: type) -> None:
    """Of an empty resource, too."""
    names, values = columns.show(table, kind.new())  # type: ignore[attr-defined]  # openstacksdk
    assert len(names) == len(values)
    headings, rows = columns.tabulate(table, [kind.new()], is_long=True)  # type: ignore[attr-defined]
    assert len(headings) == len(next(rows))


def test_lists_are_words_for_people_and_lists_for_programs() -> None:
    """Depending on the output format."""
    vtn = VirtualTenantNetwork.new(prefixes=["10.0.0.0/16", "2001:db8::/48"])
    names, values = columns.show(columns.VTN, vtn)
    prefixes = dict(zip(names, values, strict=True))["prefixes"]
    assert prefixes.human_readable() == "10.0.0.0/16, 2001:db8::/48"
    assert prefixes.machine_readable() == ["10.0.0.0/16", "2001:db8::/48"]


def test_what_operators_see_is_left_out_for_others() -> None:
    """It is null for these."""
    tenants, _ = columns.show(columns.VTN, VirtualTenantNetwork.new(name="red"))
    operators, _ = columns.show(columns.VTN, VirtualTenantNetwork.new(name="red", epoch=1))
    assert set(operators) - set(tenants) == {"epoch"}


def test_a_long_list_has_what_a_short_one_has_and_more() -> None:
    """In the same order."""
    short, _ = columns.tabulate(columns.VTN, [])
    longer, _ = columns.tabulate(columns.VTN, [], is_long=True)
    assert [each for each in longer if each in short] == list(short)
    assert len(longer) > len(short)
