# SPDX-License-Identifier: Apache-2.0
"""Samples become figures, and a target is met or missed."""

import json
import math

import pytest

from bench.figures import Outcome, Target, median, percentile, spread, table


@pytest.mark.parametrize(
    ("percent", "expected"), [(0, 1), (5, 1), (50, 10), (95, 19), (96, 20), (100, 20)]
)
def test_a_percentile_is_a_sample_that_was_measured(percent: float, expected: float) -> None:
    """Nearest rank: nothing between two samples is made up."""
    assert percentile(list(range(20, 0, -1)), percent) == expected


def test_without_samples_there_is_no_figure() -> None:
    """No samples are not a fast result."""
    assert math.isnan(percentile([], 50))
    assert math.isnan(median([]))
    assert spread([])["p50"] is None


def test_a_limit_itself_still_meets_the_target() -> None:
    """Limits are "at most" and "at least"."""
    assert Target("first packet", 500, 500, " ms").is_met
    assert Target("throughput", 0.95, 0.95, more_is_better=True).is_met


def test_a_figure_beyond_the_limit_misses_the_target() -> None:
    """In either direction."""
    assert not Target("first packet", 501, 500, " ms").is_met
    assert not Target("throughput", 0.94, 0.95, more_is_better=True).is_met


def test_what_could_not_be_measured_misses_the_target() -> None:
    """And it is null in JSON, which knows no NaN."""
    outcome = Outcome({}, "", [Target("first packet", math.nan, 500, " ms")])
    assert len(outcome.missed) == 1
    assert json.loads(json.dumps(outcome.to_json(), allow_nan=False))["targets"][
        "first packet"
    ] == {
        "figure": None,
        "limit": 500,
        "is_met": False,
    }


def test_a_table_is_as_wide_as_its_widest_cells() -> None:
    """The first column to the left, figures to the right."""
    assert table(("stage", "p50"), [("API", 120), ("OVN's binding", 7)]).splitlines() == [
        "  stage          p50",
        "  API            120",
        "  OVN's binding    7",
    ]
