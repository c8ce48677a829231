# SPDX-License-Identifier: Apache-2.0
"""How a peer is, by what is heard of it.

Pure: the clock is the caller's.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from isthmus.model.vtn.status import Liveness


class Echo(StrEnum):
    """What came of reaching out to a silent peer's etcd."""

    ANSWERS = "answers"
    BEATS = "beats"
    """It answers, and what stands there as its heartbeat is newer than what was heard."""
    REFUSES = "refuses"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Probe:
    """One attempt to reach a silent peer.

    Attributes:
        echo: what came of it.
        at: when it was over, by the same clock as everything here.
        reason: why, if nothing did.
        beat: number of the heartbeat that stands in its etcd; 0 for none.
    """

    echo: Echo
    at: float
    reason: str = ""
    beat: int = 0


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


@dataclass(frozen=True, slots=True)
class Signs:
    """What there is to judge a peer by.

    Attributes:
        listening_since: when this process began to listen to it.
        heard_at: when its heartbeat was last heard; None if never since then.
        probe: the last attempt to reach it.
    """

    listening_since: float
    heard_at: float | None = None
    probe: Probe | None = None

    @property
    def has_refused(self) -> bool:
        """Whether its machine answered since it fell silent, and the site did not."""
        probe = self.probe
        was_probed = probe is not None and probe.at >= self.silent_since
        return was_probed and probe is not None and probe.echo in (Echo.ANSWERS, Echo.REFUSES)

    @property
    def silent_since(self) -> float:
        """Return since when nothing was heard."""
        return self.listening_since if self.heard_at is None else self.heard_at


@dataclass(frozen=True, slots=True)
class Sightings:
    """Peers, as this process itself has seen them.

    Attributes:
        up: their heartbeats are heard.
        down: their machines answer, and they do not.
    """

    up: frozenset[str]
    down: frozenset[str]


def explain(probe: Probe, heard_beat: int, first: Probe, patience_s: float) -> Probe:
    """Say whether a peer whose etcd answers has stopped, or is only not heard yet.

    As after a cut: its etcd can be reached before anybody follows it again.

    Args:
        probe: what came of reaching out.
        heard_beat: number of the last heartbeat that was heard.
        first: the first attempt that found the heartbeat that ``probe`` did.
        patience_s: for so long a new heartbeat is a sign of life.
    """
    is_new = probe.echo is Echo.ANSWERS and probe.beat not in (0, heard_beat)
    if is_new and probe.at - first.at <= patience_s:
        return replace(probe, echo=Echo.BEATS)
    return probe


def judge(before: State, signs: Signs, now: float, silent_after_s: float) -> State:
    """Return how a peer is.

    A peer that fell silent stays what it was until reaching out to it has told why.

    Args:
        before: how it was.
        signs: what there is to go by.
        now: the time.
        silent_after_s: how long a heartbeat may fail to come.
    """
    if now - signs.silent_since <= silent_after_s:
        if signs.heard_at is None or before.liveness is Liveness.UP:
            return before
        return State(Liveness.UP, signs.heard_at)
    probe = signs.probe
    if probe is None or probe.at < signs.silent_since:
        return before
    if probe.echo is Echo.BEATS and before.liveness is not Liveness.UP:
        return before
    since = signs.silent_since if before.liveness is Liveness.UP else before.since
    match probe.echo:
        case Echo.ANSWERS:
            liveness = Liveness.DOWN
            reason = "Its etcd answers, but its interconnect daemon has stopped."
        case Echo.BEATS:
            liveness = Liveness.UNREACHABLE
            reason = "Its daemon runs, but it is not heard."
        case Echo.REFUSES:
            liveness = Liveness.DOWN
            reason = "Its machine answers, but its etcd does not run."
        case Echo.NOTHING:
            liveness = Liveness.UNREACHABLE
            reason = probe.reason or "Nothing answers."
    # The wording of a reason may differ with each attempt; that is no news.
    return before if liveness is before.liveness else State(liveness, since, reason)
