# SPDX-License-Identifier: Apache-2.0
"""What peering asks of the site's database, whoever answers. Each call is a transaction."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from isthmus.db.vtn.invitations import InvitationRecord
from isthmus.db.vtn.sites import SiteRecord


@dataclass(frozen=True, slots=True)
class Entry:
    """What is to be changed of a site.

    Attributes:
        columns: new values; none changes nothing.
        event: a sentence for operators; empty for none.
    """

    columns: Mapping[str, Any]
    event: str = ""


class Ledger(Protocol):
    """Sites and invitations."""

    def read(self) -> Mapping[str, SiteRecord]:
        """Return all sites."""

    def change(self, name: str, decide: Callable[[SiteRecord], Entry]) -> SiteRecord | None:
        """Change a site as ``decide`` says of its row, which is locked; return it as it is then.

        Returns:
            None if there is no such site.
        """

    def take(self, token_hash: str, taker: str) -> InvitationRecord | None:
        """Use an invitation up, if that is still possible; return it as it is then.

        Args:
            token_hash: of its secret.
            taker: who uses it; of those that try, the first stands in it.
        """

    def introduce(self, own: SiteRecord) -> None:
        """Keep what is said of this site itself."""
