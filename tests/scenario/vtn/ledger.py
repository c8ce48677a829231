# SPDX-License-Identifier: Apache-2.0
"""What was written about virtual tenant networks, and what was answered. Pure.

A write puts a value into a register: whether a network or a port exists, its name, a member.
What was acknowledged must stand in the end; what was not answered may or may not.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass

from tests.scenario.vtn.history import Histories
from tests.scenario.vtn.outcome import Outcome


@dataclass(frozen=True, slots=True)
class Register:
    """Something that has one value at a time.

    Attributes:
        what: `EXISTS`, `NAME`, `DESCRIPTION`, `PORT` or a member, ``member:<site>``.
        id: of the network, or of the port.
    """

    what: str
    id: str


EXISTS, NAME, DESCRIPTION, PORT = "exists", "name", "description", "port"


def member(site: str) -> str:
    """The word for a site's being a member."""
    return f"member:{site}"


@dataclass(frozen=True, slots=True)
class Port:
    """A port that somebody made.

    Attributes:
        site: where.
        vtn: of which network.
    """

    site: str
    vtn: str


class Ledger:
    """All writes of all clients, each register's in the order in which its writer made them.

    Attributes:
        owners: the site where each network was made.
        ports: where each port was made.
        histories: how often each network was written about.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._possible: dict[Register, list[object]] = {}
        self.owners: dict[str, str] = {}
        self.ports: dict[str, Port] = {}
        self.histories = Histories()

    def note(self, what: str, of: str, value: object, outcome: Outcome = Outcome.DONE) -> None:
        """Note a write and what became of it."""
        with self._lock:
            possible = self._possible.setdefault(Register(what, of), [])
            if outcome is Outcome.DONE:
                possible[:] = [value]
            elif outcome is Outcome.UNKNOWN:
                possible.append(value)

    def possible(self, what: str, of: str) -> list[object]:
        """The values that may stand; empty where nothing was written."""
        with self._lock:
            return list(self._possible.get(Register(what, of), ()))

    def of(self, what: str) -> dict[str, list[object]]:
        """All registers of a kind: the values that may stand, by id."""
        with self._lock:
            found = self._possible.items()
            return {register.id: list(to) for register, to in found if register.what == what}

    def living_ports(self, vtn: str) -> set[str]:
        """The ports that a network certainly has."""
        with self._lock:
            mine = [port for port, where in self.ports.items() if where.vtn == vtn]
        return {port for port in mine if self.possible(PORT, port) == [True]}

    def __len__(self) -> int:
        return len(self._possible)
