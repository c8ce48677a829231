# SPDX-License-Identifier: Apache-2.0
"""How a peer is, by what is heard of it.

Pure: the clock is the caller's.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Liveness(StrEnum):
    """How a peer is."""

    UP = "UP"
    """Its heartbeat is heard."""
    UNREACHABLE = "UNREACHABLE"
    """Nothing is heard; it may well be alive behind a link that is cut."""
    DOWN = "DOWN"
    """It was reached, and its interconnect or its etcd does not run."""


class Echo(StrEnum):
    """What came of reaching out to a silent peer's etcd."""

    ANSWERS = "answers"
    REFUSES = "refuses"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Probe:
    """One attempt to reach a silent peer.

    Attributes:
        echo: what came of it.
        at: when it was over, by the same clock as everything here.
        reason: why, if nothing did.
    """

    echo: Echo
    at: float
    reason: str = ""


@dataclass(frozen=True, slots=True)
class State:
    """How a peer is, since when.

    Attributes:
        liveness: how.
        since: by the caller's clock: when it was heard again, or for the last time.
        reason: a sentence for operators; empty while it is up.
    """

    liveness: Liveness
    since: float
    reason: str = ""


def judge(
    before: State, heard_at: float, probe: Probe | None, now: float, silent_after_s: float
) -> State:
    """Return how a peer is.

    A peer that fell silent stays what it was until reaching out to it has told why.

    Args:
        before: how it was.
        heard_at: when its heartbeat was last heard, or when listening to it began.
        probe: the last attempt to reach it.
        now: the time.
        silent_after_s: how long a heartbeat may fail to come.
    """
    if now - heard_at <= silent_after_s:
        return before if before.liveness is Liveness.UP else State(Liveness.UP, heard_at)
    if probe is None or probe.at < heard_at:
        return before
    since = heard_at if before.liveness is Liveness.UP else before.since
    match probe.echo:
        case Echo.ANSWERS:
            reason = "Its etcd answers, but its interconnect daemon has stopped."
            liveness = Liveness.DOWN
        case Echo.REFUSES:
            reason = "Its machine answers, but its etcd does not run."
            liveness = Liveness.DOWN
        case Echo.NOTHING:
            reason = probe.reason or "Nothing answers."
            liveness = Liveness.UNREACHABLE
    if (liveness, reason) == (before.liveness, before.reason):
        return before
    return State(liveness, since, reason)
