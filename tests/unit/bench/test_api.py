# SPDX-License-Identifier: Apache-2.0
"""What the comparison of the APIs makes of its answers."""

from bench.api import OPERATIONS, Measured, outcome
from bench.api_sites import OURS, PEER, Answer


def measured(**ours_ms: float) -> Measured:
    """Two rounds in which the peer takes 100 ms for everything."""
    found = Measured()
    for operation in OPERATIONS:
        for _ in range(2):
            ours = ours_ms.get(operation, 1.0)
            found.answers[OURS][operation].append(Answer(200, {}, ours, 9))
            found.answers[PEER][operation].append(Answer(200, {}, 100.0, 40))
    return found


def answer(status: int = 200, statements: int = 9) -> Answer:
    """An answer of which the time does not matter."""
    return Answer(status, {}, 1.0, statements)


def missed(found: Measured, few: Answer, many: int = 201) -> list[str]:
    """The targets that are missed."""
    many_targets = {OURS: answer(many), PEER: answer(500)}
    return [target.name for target in outcome(found, 2, few, many_targets).missed]


def test_a_faster_api_meets_every_target() -> None:
    """Nothing is missed, and the peer's failure is its own."""
    assert missed(measured(), answer()) == []


def test_each_target_can_be_missed() -> None:
    """One each."""
    assert missed(measured(list=6), answer()) == ["list, times as fast per row"]
    assert missed(measured(create=103), answer()) == ["create, share of the peer's time"]
    assert missed(measured(associate=51), answer()) == ["associate, share of the peer's time"]
    assert missed(measured(), answer(), 500) == ["answer to 200 route targets"]
    assert missed(measured(), answer(statements=8)) == [
        "statements of a list of 1,000 over one of 10"
    ]


def test_ratios_are_taken_within_a_round() -> None:
    """A slow minute that hits both alike changes nothing."""
    found = Measured()
    for factor in (1, 10, 3):
        found.answers[OURS]["show"].append(Answer(200, {}, 2.0 * factor, 9))
        found.answers[PEER]["show"].append(Answer(200, {}, 4.0 * factor, 9))
    assert found.ratio("show") == 0.5
