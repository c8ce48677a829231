# SPDX-License-Identifier: Apache-2.0
"""Pools of route targets and distinguishers."""

from __future__ import annotations

import pytest

from isthmus.model.errors import InvalidValue, PoolExhausted
from isthmus.model.ids import RouteDistinguisher, RouteTarget
from isthmus.model.pools import NumberPool

POOL = NumberPool.parse(RouteTarget, ["64500:100-102", "192.0.2.1:7-8"])


def test_ranges_are_one_after_the_other() -> None:
    """In the order given."""
    chosen = [str(POOL[place]) for place in range(len(POOL))]
    assert chosen == ["64500:100", "64500:101", "64500:102", "192.0.2.1:7", "192.0.2.1:8"]
    with pytest.raises(IndexError):
        POOL[5]


def test_the_first_that_is_free_is_chosen_going_round_once() -> None:
    """And when there is none, both sentences say so."""
    taken = {"64500:100", "192.0.2.1:8"}
    assert str(POOL.choose(taken, 4)) == "64500:101"
    assert str(POOL.choose(taken, 3)) == "192.0.2.1:7"
    with pytest.raises(PoolExhausted) as refused:
        POOL.choose({str(POOL[place]) for place in range(5)}, 2)
    assert "route_target_pool" in refused.value.for_operator
    assert "pool" not in refused.value.for_tenant


def test_each_pool_gives_numbers_of_its_kind_and_names_itself() -> None:
    """An RD is no route target, though it looks like one."""
    pool = NumberPool.parse(RouteDistinguisher, ["64500:7-7"])
    assert pool[0] == RouteDistinguisher.parse("64500:7")
    with pytest.raises(PoolExhausted) as refused:
        pool.choose({"64500:7"}, 0)
    assert "[isthmus] route_distinguisher_pool" in refused.value.for_operator
    assert refused.value.for_tenant == "The provider has no route distinguisher left to give."


@pytest.mark.parametrize(
    "texts",
    [
        ["64500:100"],
        ["64500:9-1"],
        ["64500:1-x"],
        ["1-5"],
        ["64500:1-4294967296"],
        ["192.0.2.1:1-65536"],
        ["192.0.2.400:1-2"],
        ["64500:1-5", "64500:5-9"],
        [""],
    ],
)
def test_what_is_no_pool_is_refused(texts: list[str]) -> None:
    """With the range in the sentence."""
    with pytest.raises(InvalidValue):
        NumberPool.parse(RouteTarget, texts)


def test_every_route_target_has_a_number_of_its_own() -> None:
    """Those of different kinds too."""
    same = ["1:65537", "0.1.0.1:1", "65537:1", "1:1"]
    assert len({RouteTarget.parse(text).octets for text in same}) == 4
    assert RouteTarget(2, 2**32 - 1, 2**16 - 1).octets < 2**63
