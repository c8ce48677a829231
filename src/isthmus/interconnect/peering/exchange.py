# SPDX-License-Identifier: Apache-2.0
"""What a site notes of a peering, in the column ``exchange``: of one under way, and what it issued.

Pure, but for what hides and shows secrets.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from isthmus.model.errors import InvalidValue


@dataclass(frozen=True, slots=True)
class Exchange:
    """One peering.

    Attributes:
        invitation: the one that is accepted here, encrypted; empty where it was made.
        joiner: digest of who accepted the one that was made here: of its CA and its key.
        their_request: the other's, for the certificate it wants.
        own_request: this site's.
        own_key: encrypted; of ``own_request``.
        issued: the certificate given to the other (PEM).
        users: what the other is to this site's etcd, with each of its certificates.
        is_confirmed: this site's operator has said that it is the right one.
        is_unsettled: there is a new certificate, and the issuer still takes the former one.
    """

    invitation: str = ""
    joiner: str = ""
    their_request: str = ""
    own_request: str = ""
    own_key: str = ""
    issued: str = ""
    users: tuple[str, ...] = ()
    is_confirmed: bool = False
    is_unsettled: bool = False

    def __repr__(self) -> str:
        """Without secrets: this may be logged."""
        return f"Exchange(users={self.users}, is_confirmed={self.is_confirmed})"

    def with_user(self, user: str, certificate: bytes) -> Exchange:
        """Note a certificate that was issued."""
        return replace(self, issued=certificate.decode(), users=(*self.users, user))

    @property
    def settled(self) -> Exchange:
        """Return what is worth keeping once both sides are peers.

        The other may not have heard yet that they are, and ask once more.
        """
        return replace(self, invitation="", own_key="", is_confirmed=True)


def encode(exchange: Exchange) -> str:
    """Write a note."""
    return json.dumps(asdict(exchange), sort_keys=True)


def decode(text: str) -> Exchange:
    """Read a note; an empty one if it is none of ours.

    Raises:
        InvalidValue: it can't be read.
    """
    if not text:
        return Exchange()
    try:
        said = json.loads(text)
        if not isinstance(said, dict):
            raise ValueError
        found: dict[str, Any] = {
            each.name: said[each.name] for each in fields(Exchange) if each.name in said
        }
    except (ValueError, TypeError):
        raise InvalidValue(
            "The note of this peering can't be read; invite the site anew."
        ) from None
    found["users"] = tuple(found.get("users", ()))
    return Exchange(**found)
