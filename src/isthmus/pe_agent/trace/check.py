# SPDX-License-Identifier: Apache-2.0
"""Hold a computed path against what the switch itself does with the same packets. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from isthmus.pe_agent.compile import pipeline
from isthmus.pe_agent.trace.path import Met, Step, Trace


def checked(path: Trace, met: Iterable[Met]) -> Trace:
    """Add the step "switch" to a path that gets through.

    Args:
        path: computed.
        met: for each of ``path.checks``, in order, the flows its packet meets in the switch; a
            priority of -1 where none matched.
    """
    if path.failed is not None:
        return path
    count = 0
    for wanted, found in zip(path.checks, met, strict=True):
        if not any(_agrees(each.flows, found) for each in wanted):
            step = Step("switch", is_ok=False, says=_disagreement(wanted[0].flows, found))
            return replace(path, steps=(*path.steps, step), far=None)
        count += len(wanted[0].flows)
    says = f"Open vSwitch takes the packet through the same {count} flows."
    return replace(path, steps=(*path.steps, Step("switch", is_ok=True, says=says)))


def _agrees(wanted: Met, found: Met) -> bool:
    """Tell whether all are met in order; the switch looks at a packet too big for the path too."""
    rest = iter(found)
    return all(flow in rest for flow in wanted)


def _disagreement(wanted: Met, found: Met) -> str:
    rest = list(found)
    for flow in wanted:
        if flow in rest:
            rest = rest[rest.index(flow) + 1 :]
            continue
        table, priority, cookie = flow
        here = next((other for other in rest if other[0] == table and other[1] >= 0), None)
        instead = ""
        if here is not None:
            instead = f" and has one of priority {here[1]}, cookie {here[2]:#x}, instead"
        return (
            f"The switch lacks the flow of table {table} ({pipeline.TABLES[table].name}), "
            f"priority {priority}, cookie {cookie:#x}{instead}; "
            f"see 'isthmus-pe-agent look difference'."
        )
    return "The switch takes other flows; see 'isthmus-pe-agent look difference'."
