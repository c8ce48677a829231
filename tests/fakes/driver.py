# SPDX-License-Identifier: Apache-2.0
"""A driver around another that fails when told to, and lets a test act in the middle of a call."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable

from isthmus.drivers.base import SyncAnswer, VpnDriver
from isthmus.model.errors import DriverUnavailable
from isthmus.model.intent import VpnIntent
from isthmus.model.report import PeReport


class FlakyDriver:
    """Passes calls on, and remembers the intents it was given.

    Attributes:
        is_away: calls fail as if the broker were down.
        before_apply: called before the next ``apply`` is passed on, once.
    """

    def __init__(self, driver: VpnDriver) -> None:
        self._driver = driver
        self.is_away = False
        self.before_apply: Callable[[], None] | None = None
        self.applied: list[VpnIntent] = []

    def apply(self, intent: VpnIntent, pes: Collection[str]) -> None:
        """Fail, or pass on."""
        self._fail()
        act, self.before_apply = self.before_apply, None
        if act is not None:
            act()
        self.applied.append(intent)
        self._driver.apply(intent, pes)

    def remove(self, vpn_id: str, pes: Collection[str]) -> None:
        """Fail, or pass on."""
        self._fail()
        self._driver.remove(vpn_id, pes)

    def answer(
        self, report: PeReport, intents: Iterable[VpnIntent], pes: Collection[str]
    ) -> SyncAnswer:
        """Pass on."""
        return self._driver.answer(report, intents, pes)

    def _fail(self) -> None:
        if self.is_away:
            raise DriverUnavailable("The broker is away.")
