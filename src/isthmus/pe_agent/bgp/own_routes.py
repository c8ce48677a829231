# SPDX-License-Identifier: Apache-2.0
"""What this PE wants neighbors to hear, and what its daemon has been told of it. Pure.

Costs grow with what changed, not with what is advertised.
"""

from __future__ import annotations

from collections.abc import Collection

from isthmus.model.difference import Difference, difference
from isthmus.model.errors import InvalidValue, SpeakerRefused
from isthmus.model.route import VpnRoute
from isthmus.pe_agent.bgp.mapping import RouteKey, key_of
from isthmus.pe_agent.bgp.validate import check_routes


class OwnRoutes:
    """The routes this PE originates."""

    def __init__(self) -> None:
        self._wanted: frozenset[VpnRoute] | None = None
        self._wanted_keys: set[RouteKey] = set()
        self._told: frozenset[VpnRoute] = frozenset()

    @property
    def wanted(self) -> frozenset[VpnRoute] | None:
        """What was asked for last; None before the first time."""
        return self._wanted

    def is_wanted(self, key: RouteKey) -> bool:
        """Whether a path of this key belongs there; anything does before the first `want`."""
        return self._wanted is None or key in self._wanted_keys

    def want(self, routes: frozenset[VpnRoute]) -> None:
        """Ask for exactly ``routes``.

        Raises:
            SpeakerRefused: one may not be sent, or two share their key; nothing was changed.
        """
        before = self._wanted or frozenset()
        new, gone = routes - before, before - routes
        try:
            check_routes(new)
        except InvalidValue as error:
            raise SpeakerRefused(f"A route may not be sent: {error.for_operator}") from None
        new_keys, gone_keys = _keys(new), _keys(gone)
        taken = (new_keys & self._wanted_keys) - gone_keys
        if taken or len(new_keys) < len(new):
            raise SpeakerRefused("Two routes to advertise share route distinguisher and prefix.")
        self._wanted = routes
        self._wanted_keys -= gone_keys
        self._wanted_keys |= new_keys

    def want_again(self, before: frozenset[VpnRoute] | None) -> None:
        """Undo a `want`, given what ``wanted`` was then."""
        self._wanted = before
        self._wanted_keys = _keys(before or ())

    def difference(self) -> Difference[VpnRoute]:
        """What to tell the daemon; nothing before the first `want`."""
        if self._wanted is None:
            return Difference(frozenset(), frozenset())
        return difference(self._told, self._wanted, key_of)

    def is_told(self) -> None:
        """The daemon took the difference."""
        if self._wanted is not None:
            self._told = self._wanted

    def is_known(self, told: frozenset[VpnRoute]) -> None:
        """The daemon was found to have ``told``."""
        self._told = told


def _keys(routes: Collection[VpnRoute]) -> set[RouteKey]:
    return {key_of(route) for route in routes}
