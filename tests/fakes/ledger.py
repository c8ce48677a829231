# SPDX-License-Identifier: Apache-2.0
"""Sites and invitations of one site in memory, and what its API does with them."""

from __future__ import annotations

import threading
import uuid
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from isthmus.db.vtn.invitations import InvitationRecord
from isthmus.db.vtn.sites import Asked, SiteRecord, State
from isthmus.interconnect.database import DatabaseAway
from isthmus.interconnect.peering.ledger import Entry
from isthmus.model import invitation as inviting

_ENUMS = {"state": State, "asked": Asked}


class FakeLedger:
    """Rows as values.

    Attributes:
        is_away: every call raises DatabaseAway.
        events: name of a site and a sentence each.
    """

    def __init__(self) -> None:
        self.is_away = False
        self.sites: dict[str, SiteRecord] = {}
        self.invitations: dict[str, InvitationRecord] = {}
        self.events: list[tuple[str, str]] = []
        self._lock = threading.RLock()

    # What the API does

    def invite(self, own: str, site: str, *, expires_in_s: float = 3600) -> str:
        """Make an invitation for a site; return its text."""
        of = self.sites[own]
        token = uuid.uuid4().hex + uuid.uuid4().hex
        now = _now()
        self.invitations = {k: v for k, v in self.invitations.items() if v.site != site}
        record = InvitationRecord(
            str(uuid.uuid4()),
            site,
            inviting.token_hash(token),
            now,
            now + timedelta(seconds=expires_in_s),
        )
        self.invitations[record.token_hash] = record
        self.sites[site] = SiteRecord(site, str(uuid.uuid4()), State.INVITED)
        until = datetime.now(UTC).timestamp() + expires_in_s
        return inviting.encode(
            inviting.Invitation(
                own, site, of.peering_endpoint, of.ca, of.as_number or 0, until, token
            )
        )

    def accept(self, text: str) -> None:
        """Note that an invitation is accepted."""
        said = inviting.decode(text)
        self.sites[said.site] = SiteRecord(
            said.site,
            str(uuid.uuid4()),
            State.PENDING,
            peering_endpoint=said.peering_endpoint,
            as_number=said.as_number,
            ca=said.ca,
            exchange=inviting.encode(said),
        )

    def ask(self, site: str, what: Asked) -> None:
        """Note what an operator asks for."""
        with self._lock:
            self.sites[site] = replace(self.sites[site], asked=what)

    def revoke(self, site: str) -> None:
        """Note that a site is a peer no more."""
        with self._lock:
            self.sites[site] = replace(self.sites[site], state=State.REVOKED, exchange="")

    # What the daemon does

    def read(self) -> Mapping[str, SiteRecord]:
        """Return all sites."""
        self._answer()
        return dict(self.sites)

    def change(self, name: str, decide: Callable[[SiteRecord], Entry]) -> SiteRecord | None:
        """Change a site."""
        self._answer()
        with self._lock:
            record = self.sites.get(name)
            if record is None:
                return None
            entry = decide(record)
            columns = {
                column: _ENUMS[column](value) if column in _ENUMS else value
                for column, value in entry.columns.items()
            }
            self.sites[name] = replace(record, **columns)  # type: ignore[arg-type]  # by name
            if entry.event:
                self.events.append((name, entry.event))
            return self.sites[name]

    def take(self, token_hash: str, taker: str) -> InvitationRecord | None:
        """Use an invitation up."""
        self._answer()
        with self._lock:
            record = self.invitations.get(token_hash)
            if record is not None and record.used_at is None and record.expires_at > _now():
                record = replace(record, used_at=_now(), used_by=taker)
                self.invitations[token_hash] = record
            return record

    def introduce(self, own: SiteRecord) -> None:
        """Keep what is said of this site itself."""
        self._answer()
        self.sites[own.name] = own

    def _answer(self) -> None:
        if self.is_away:
            raise DatabaseAway("Neutron's database could not be used: it is away.")


def _now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None)
