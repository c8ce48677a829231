# SPDX-License-Identifier: Apache-2.0
"""A tenant's requests to one site, each counted with what became of it."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import requests

from tests.scenario.vtn.ledger import Outcome

VTNS = "/vtn/virtual_tenant_networks"
_TIMEOUT_S = 60
# It is at odds with what is there, and the answer says how.
_AT_ODDS = {404, 409, 412}
# Whose they are Neutron looks up in their network, and has no answer where that goes meanwhile.
_CHILDREN = {"/ports", "/subnets"}
_ATTEMPTS, _ERROR = 5, 500


@dataclass
class Tally:
    """What one site answered.

    Attributes:
        wrong: a sentence for each answer that should not have come, and each that did not come.
    """

    answers: Counter[tuple[str, int]] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, what: str, code: int, seconds: float) -> None:
        """Count an answer."""
        with self._lock:
            self.answers[what, code] += 1
            self.seconds.append(seconds)

    def blame(self, sentence: str) -> None:
        """Keep what should not have been."""
        with self._lock:
            self.wrong.append(sentence)

    @property
    def writes(self) -> int:
        """How many writes were acknowledged."""
        return sum(n for (what, code), n in self.answers.items() if code < 300 and what != "list")

    @property
    def at_odds(self) -> int:
        """How many requests were refused for what was there."""
        return sum(n for (_, code), n in self.answers.items() if code in _AT_ODDS)

    def __str__(self) -> str:
        return (
            f"{self.writes} writes acknowledged, {self.at_odds} refused for what was there, "
            f"{len(self.wrong)} errors, the longest took {max(self.seconds, default=0):.1f} s"
        )


@dataclass(frozen=True)
class Client:
    """A project at one site.

    Attributes:
        url: of Neutron, with its version.
        token: of Keystone.
    """

    site: str
    url: str
    token: str
    tally: Tally = field(default_factory=Tally)

    def list(self, path: str, **filters: str) -> list[dict[str, Any]]:
        """All there are of something; none when no answer came."""
        for _ in range(_ATTEMPTS):
            outcome, answer = self._ask("list", "GET", path, None, filters)
            if outcome is not Outcome.UNKNOWN or path not in _CHILDREN:
                break
        return next(iter(answer.values()), [])

    def write(
        self, what: str, method: str, path: str, body: Mapping[str, Any] | None = None
    ) -> tuple[Outcome, dict[str, Any]]:
        """One write.

        Args:
            what: for the tally.
            method: of HTTP.
            path: below the version.
            body: with its envelope, whose content is returned of the answer.
        """
        outcome, answer = self._ask(what, method, path, body, None)
        return outcome, dict(next(iter(answer.values()), {}))

    def _ask(
        self,
        what: str,
        method: str,
        path: str,
        body: Mapping[str, Any] | None,
        filters: Mapping[str, str] | None,
    ) -> tuple[Outcome, dict[str, Any]]:
        start = time.monotonic()
        try:
            response = requests.request(
                method,
                f"{self.url}{path}",
                json=body,
                params=filters,
                headers={"X-Auth-Token": self.token},
                timeout=_TIMEOUT_S,
                proxies={"http": "", "https": ""},
            )
        except requests.RequestException as error:
            self.tally.blame(f"{self.site}: {what} {path}: {type(error).__name__}")
            return Outcome.UNKNOWN, {}
        self.tally.add(what, response.status_code, time.monotonic() - start)
        if response.ok:
            return Outcome.DONE, response.json() if response.content else {}
        is_theirs = what == "list" and path in _CHILDREN and response.status_code == _ERROR
        if response.status_code not in _AT_ODDS and not is_theirs:
            told = response.text[:300]
            self.tally.blame(f"{self.site}: {what} {path}: {response.status_code} {told}")
        is_said = response.status_code < 500
        return (Outcome.REFUSED if is_said else Outcome.UNKNOWN), {}
