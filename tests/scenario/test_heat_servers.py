# SPDX-License-Identifier: Apache-2.0
"""The demo's part about Heat, as a test: one stack over both clouds, of an example template."""

from __future__ import annotations

import io
from contextlib import suppress

import pytest

from lab.demo import one_stack
from lab.demo.stage import Stage
from lab.demo.terminal import StoryEnds, Teller
from tests.scenario import figures


@pytest.mark.timeout(900)
def test_one_stack_has_servers_in_both_clouds_which_reach_each_other(stage: Stage) -> None:
    """One more comes, and words change, without a packet lost; then nothing is left of it."""
    told = io.StringIO()
    teller = Teller(told)
    with suppress(StoryEnds):
        one_stack.tell(teller, stage)
    for line in told.getvalue().splitlines():
        figures.add(line)
    assert teller.failures == [], told.getvalue()
