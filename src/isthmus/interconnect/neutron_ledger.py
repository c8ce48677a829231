# SPDX-License-Identifier: Apache-2.0
"""``Ledger`` on Neutron's database."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from isthmus.db.vtn import events, invitations, sites
from isthmus.db.vtn.invitations import InvitationRecord
from isthmus.db.vtn.sites import SiteRecord
from isthmus.interconnect.neutron_database import steadfast, transaction
from isthmus.interconnect.peering.ledger import Entry

_INTRODUCED = ("endpoints", "peering_endpoint", "as_number", "ca", "state", "liveness")


class NeutronLedger:
    """Neutron's database, for peering."""

    @steadfast
    def read(self) -> Mapping[str, SiteRecord]:
        """Return all sites."""
        with transaction() as context:
            return sites.read(context)

    @steadfast
    def change(self, name: str, decide: Callable[[SiteRecord], Entry]) -> SiteRecord | None:
        """Change a site as ``decide`` says of its row; return it as it is then."""
        with transaction() as context:
            record = sites.lock(context, name)
            if record is None:
                return None
            entry = decide(record)
            sites.update(context, name, **entry.columns)
            if entry.event:
                events.append(context, name, entry.event)
            return sites.read_one(context, name)

    @steadfast
    def take(self, token_hash: str, taker: str) -> InvitationRecord | None:
        """Use an invitation up, if that is still possible; return it as it is then."""
        with transaction() as context:
            record = invitations.read_by_hash(context, token_hash)
            if record is None or not invitations.use(context, record.id, taker):
                return record
            return invitations.read_by_hash(context, token_hash)

    @steadfast
    def introduce(self, own: SiteRecord) -> None:
        """Keep what is said of this site itself."""
        with transaction() as context:
            if sites.lock(context, own.name) is None:
                sites.create(context, own)
                return
            columns = {name: getattr(own, name) for name in _INTRODUCED}
            sites.update(context, own.name, **{k: _plain(v) for k, v in columns.items()})


def _plain(value: object) -> object:
    return str(value) if isinstance(value, str) else value
