# SPDX-License-Identifier: Apache-2.0
"""Keeps the users of the own etcd as the database has them, also in one that was made anew."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Protocol

from isthmus.db.vtn.sites import State
from isthmus.interconnect.certificates.authority import PEER_PREFIX
from isthmus.interconnect.database import DatabaseAway
from isthmus.interconnect.peering import exchange as notes
from isthmus.interconnect.peering.ledger import Ledger
from isthmus.model import invitation as inviting
from isthmus.model.errors import EdgeError

LOG = logging.getLogger(__name__)


class AccessControl(Protocol):
    """Users of the own etcd."""

    def secure(self) -> None:
        """Let nobody do anything who was not let. Idempotent."""

    def users(self, prefix: str) -> set[str]:
        """Return the users whose names begin with a prefix."""

    def admit(self, user: str) -> None:
        """Let a peer's certificate read. Idempotent."""

    def expel(self, user: str) -> None:
        """Let a certificate read no more. Idempotent."""


class Gatekeeper:
    """Keeps the own etcd's users as the ledger has them: who is a peer reads, nobody else."""

    def __init__(self, ledger: Ledger, access: AccessControl, every_s: float = 2.0) -> None:
        self._ledger = ledger
        self._access = access
        self._every_s = every_s
        self._is_secure = False

    def run(self, is_stopping: threading.Event, may_act: Callable[[], bool]) -> None:
        """Look again and again until the end.

        Args:
            is_stopping: the end.
            may_act: whether it is this daemon that has to.
        """
        while not is_stopping.is_set():
            is_secure, self._is_secure = self._is_secure, False
            try:
                if may_act():
                    self._look(is_secure=is_secure)
                    self._is_secure = True
            except (EdgeError, DatabaseAway) as error:
                LOG.warning("gate.failed error=%s", error)
            except Exception:
                LOG.exception("gate.failed")
            is_stopping.wait(self._every_s)

    def _look(self, *, is_secure: bool) -> None:
        """Make etcd's users what they are to be; from the ground up if anything failed before."""
        if not is_secure:
            self._access.secure()
        # In this order: who is admitted meanwhile was written down before.
        there = self._access.users(PEER_PREFIX)
        wanted = self._wanted()
        for user in sorted(wanted if not is_secure else wanted - there):
            self._access.admit(user)
        for user in sorted(there - wanted):
            self._access.expel(user)
        if there != wanted:
            LOG.info(
                "gate.changed admitted=%s expelled=%s",
                sorted(wanted - there),
                sorted(there - wanted),
            )

    def _wanted(self) -> set[str]:
        wanted: set[str] = set()
        for record in self._ledger.read().values():
            is_note = not record.exchange.startswith(inviting.PREFIX)
            if record.state in (State.PENDING, State.CONFIRMED) and is_note:
                wanted |= set(notes.decode(record.exchange).users)
        return wanted
