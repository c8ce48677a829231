# SPDX-License-Identifier: Apache-2.0
"""Turn samples into figures, figures into a table, and say which target was missed.

Pure: no I/O, no clock.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Target:
    """A limit a figure has to keep.

    Attributes:
        figure: what was measured.
        limit: the worst that still meets the target.
        more_is_better: whether ``limit`` is the least allowed rather than the most.
    """

    name: str
    figure: float
    limit: float
    unit: str = ""
    more_is_better: bool = False

    @property
    def is_met(self) -> bool:
        """Whether the figure keeps the limit; one that could not be measured does not."""
        if math.isnan(self.figure):
            return False
        return self.figure >= self.limit if self.more_is_better else self.figure <= self.limit

    def __str__(self) -> str:
        sign = "≥" if self.more_is_better else "≤"
        mark = "✓" if self.is_met else "✗"
        figure = f"{self.figure:.3g}" if abs(self.figure) < 10 else f"{self.figure:.0f}"
        return f"{mark} {self.name}: {figure}{self.unit} (target {sign} {self.limit:g}{self.unit})"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one benchmark found.

    Attributes:
        figures: JSON-ready.
        text: the same for a person to read.
    """

    figures: Mapping[str, object]
    text: str
    targets: Sequence[Target] = field(default_factory=tuple)

    @property
    def missed(self) -> list[Target]:
        """The targets that were not met."""
        return [target for target in self.targets if not target.is_met]

    def to_json(self) -> dict[str, object]:
        """All of it as one JSON-ready object."""
        targets = {
            target.name: {
                "figure": None if math.isnan(target.figure) else round(target.figure, 4),
                "limit": target.limit,
                "is_met": target.is_met,
            }
            for target in self.targets
        }
        return {**self.figures, "targets": targets}


def percentile(samples: Sequence[float], percent: float) -> float:
    """The nearest-rank percentile: the smallest sample at or above that share of all samples.

    >>> percentile([4, 1, 3, 2], 50), percentile([4, 1, 3, 2], 95)
    (2, 4)
    """
    if not samples:
        return math.nan
    rank = math.ceil(percent / 100 * len(samples))
    return sorted(samples)[max(rank, 1) - 1]


def median(samples: Sequence[float]) -> float:
    """The middle sample, or the mean of both middle ones; not a number without samples."""
    return statistics.median(samples) if samples else math.nan


def spread(samples: Iterable[float]) -> dict[str, float | int | None]:
    """How samples are distributed: their number, p50, p95, least and most; JSON-ready."""
    values = sorted(samples)
    if not values:
        return {"samples": 0, "p50": None, "p95": None, "least": None, "most": None}
    return {
        "samples": len(values),
        "p50": round(percentile(values, 50), 3),
        "p95": round(percentile(values, 95), 3),
        "least": round(values[0], 3),
        "most": round(values[-1], 3),
    }


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Rows as text: the first column to the left, the others to the right, as wide as needed."""
    cells = [[str(cell) for cell in row] for row in [head, *rows]]
    widths = [max(len(row[column]) for row in cells) for column in range(len(head))]
    lines = []
    for row in cells:
        first, *others = (
            cell.ljust(width) if column == 0 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        lines.append("  ".join(["  " + first, *others]).rstrip())
    return "\n".join(lines)
