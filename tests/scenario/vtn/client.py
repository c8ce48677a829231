# SPDX-License-Identifier: Apache-2.0
"""A tenant's requests to one site, each counted with what became of it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import requests

from tests.scenario.tally import AT_ODDS, Tally
from tests.scenario.vtn.outcome import Outcome

VTNS = "/vtn/virtual_tenant_networks"
_TIMEOUT_S = 60
# Whose they are Neutron looks up in their network, and has no answer where that goes meanwhile.
_CHILDREN = {"/ports", "/subnets"}
_ATTEMPTS, _ERROR = 5, 500


@dataclass(frozen=True)
class Client:
    """A project at one site.

    Attributes:
        url: of Neutron, with its version.
        token: of Keystone.
        operators_token: of Keystone, for the site's operator.
    """

    site: str
    url: str
    token: str
    operators_token: str
    tally: Tally = field(default_factory=Tally)

    @property
    def operator(self) -> Client:
        """Who sees at the same site what tenants do not, counted together."""
        return replace(self, token=self.operators_token)

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
        if response.status_code not in AT_ODDS and not is_theirs:
            told = response.text[:300]
            self.tally.blame(f"{self.site}: {what} {path}: {response.status_code} {told}")
        is_said = response.status_code < 500
        return (Outcome.REFUSED if is_said else Outcome.UNKNOWN), {}


def told(tally: Tally) -> str:
    """Return what became of a site's requests, as a figure."""
    return (
        f"{tally.changes} writes acknowledged, {tally.at_odds} refused for what was there, "
        f"{len(tally.wrong)} errors, the longest took {max(tally.seconds, default=0):.1f} s"
    )
