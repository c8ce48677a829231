# SPDX-License-Identifier: Apache-2.0
"""An invitation of a site to become a peer of another: what an operator carries between them.

One line of text. Whoever has it may use it, once and until it expires, so it is to be carried as a
password is. The site that made it keeps a digest of its secret alone.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
from dataclasses import asdict, dataclass, fields
from typing import Final

from isthmus.model.errors import InvalidValue

PREFIX: Final = "isthmus-invitation-1:"
_LONGEST: Final = 16384


@dataclass(frozen=True, slots=True)
class Invitation:
    """What a site says to one that it invites.

    Attributes:
        site: that invites.
        invited: name the other is invited under; it can't become a peer by another one.
        peering_endpoint: ``host:port`` where it is to be accepted.
        ca: certificate of the inviting site's CA (PEM), to know it by.
        as_number: the inviting site's AS (RFC 6793).
        expires_at: seconds since 1970-01-01 UTC.
        token: the secret.
    """

    site: str
    invited: str
    peering_endpoint: str
    ca: str
    as_number: int
    expires_at: float
    token: str

    def __repr__(self) -> str:
        """Without the secret: this may be logged."""
        return f"Invitation({self.site!r}, {self.invited!r}, {self.peering_endpoint!r})"


def token_hash(token: str) -> str:
    """Return the hexadecimal digest (SHA-256) by which an invitation is known where it was made."""
    return hashlib.sha256(token.encode()).hexdigest()


def encode(invitation: Invitation) -> str:
    """Write an invitation as one line of text."""
    octets = json.dumps(asdict(invitation), sort_keys=True).encode()
    return PREFIX + base64.urlsafe_b64encode(octets).decode().rstrip("=")


def decode(text: str) -> Invitation:
    """Read an invitation.

    Raises:
        InvalidValue: it is none, or a part of it is missing.
    """
    text = "".join(text.split())
    if not text.startswith(PREFIX) or len(text) > _LONGEST:
        raise InvalidValue(f"This is no invitation: it does not begin with {PREFIX}.")
    coded = text.removeprefix(PREFIX)
    try:
        octets = base64.b64decode(coded + "=" * (-len(coded) % 4), altchars="-_", validate=True)
        said = json.loads(octets)
        wanted = {each.name: said[each.name] for each in fields(Invitation)}
    except (binascii.Error, ValueError, KeyError, TypeError, RecursionError):
        raise InvalidValue(
            "This invitation is damaged; copy all of it, or ask for another."
        ) from None
    invitation = Invitation(**wanted)
    _check(invitation)
    return invitation


def check_time(invitation: Invitation, now: float) -> None:
    """Refuse an invitation that has expired.

    Raises:
        InvalidValue: it has.
    """
    if now >= invitation.expires_at:
        raise InvalidValue("This invitation has expired; ask for another.")


def _check(invitation: Invitation) -> None:
    texts = (invitation.site, invitation.invited, invitation.peering_endpoint)
    if not all(isinstance(each, str) and each for each in (*texts, invitation.token)):
        raise InvalidValue("This invitation lacks a name, an endpoint or its secret.")
    numbers = (invitation.as_number, invitation.expires_at)
    if any(isinstance(each, bool) or not isinstance(each, int | float) for each in numbers):
        raise InvalidValue("This invitation says no AS number or time.")
    if not isinstance(invitation.ca, str) or "BEGIN CERTIFICATE" not in invitation.ca:
        raise InvalidValue("This invitation has no certificate to know the other site by.")
