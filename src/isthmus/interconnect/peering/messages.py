# SPDX-License-Identifier: Apache-2.0
"""What two sites say to each other until they are peers, as JSON. Pure."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

from isthmus.model.errors import InvalidValue

LONGEST = 65536
_MOST_ENDPOINTS = 16
JOIN, RENEW, SETTLE = "/isthmus/v1/join", "/isthmus/v1/renew", "/isthmus/v1/settle"


@dataclass(frozen=True, slots=True)
class Introduction:
    """What a site says of itself.

    Attributes:
        site: its name.
        as_number: its AS.
        ca: its authority's certificate (PEM).
        etcd: URLs of its etcd.
        peering_endpoint: ``host:port`` of its peering service.
        request: for the certificate the other is to give it (PEM).
        certificate: that it gives the other (PEM); empty until its operator has said so.
    """

    site: str
    as_number: int
    ca: str
    etcd: tuple[str, ...]
    peering_endpoint: str
    request: str
    certificate: str = ""


@dataclass(frozen=True, slots=True)
class Join:
    """From who accepts an invitation.

    Attributes:
        token: the invitation's secret.
        introduction: of the one that accepts.
    """

    token: str
    introduction: Introduction

    def __repr__(self) -> str:
        """Without the secret: this may be logged."""
        return f"Join({self.introduction.site!r})"


@dataclass(frozen=True, slots=True)
class Joined:
    """The answer of who made it.

    Attributes:
        introduction: of the one that invited.
        is_confirmed: both sides have all they need.
    """

    introduction: Introduction
    is_confirmed: bool


def encode(message: Join | Joined) -> bytes:
    """Write a message."""
    return json.dumps(asdict(message)).encode()


def decode_join(octets: bytes) -> Join:
    """Read what ``encode`` made.

    Raises:
        InvalidValue: it is something else.
    """
    said = read_object(octets)
    return Join(read_text(said, "token"), _introduction(said))


def decode_joined(octets: bytes) -> Joined:
    """Read what ``encode`` made.

    Raises:
        InvalidValue: it is something else.
    """
    said = read_object(octets)
    return Joined(_introduction(said), said.get("is_confirmed") is True)


def read_object(octets: bytes) -> dict[str, Any]:
    """Return a JSON object.

    Raises:
        InvalidValue: it is something else.
    """
    try:
        said = json.loads(octets) if len(octets) <= LONGEST else None
    except (ValueError, RecursionError):
        said = None
    if not isinstance(said, dict):
        raise InvalidValue("The message is no JSON object, or too long.")
    return said


def read_text(said: dict[str, Any], name: str) -> str:
    """Return a text of an object.

    Raises:
        InvalidValue: there is none of that name.
    """
    text = said.get(name)
    if not isinstance(text, str):
        raise InvalidValue(f"The message says no {name}.")
    return text


def _introduction(said: dict[str, Any]) -> Introduction:
    of = said.get("introduction")
    if not isinstance(of, dict):
        raise InvalidValue("The message introduces nobody.")
    number, etcd = of.get("as_number"), of.get("etcd")
    if isinstance(number, bool) or not isinstance(number, int) or not 0 < number < 2**32:
        raise InvalidValue("The message says no AS number.")
    if not isinstance(etcd, list) or not 0 < len(etcd) <= _MOST_ENDPOINTS:
        raise InvalidValue("The message says no etcd endpoints.")
    if not all(isinstance(url, str) and " " not in url for url in etcd):
        raise InvalidValue("An etcd endpoint is no URL.")
    return Introduction(
        read_text(of, "site"),
        number,
        read_text(of, "ca"),
        tuple(etcd),
        read_text(of, "peering_endpoint"),
        read_text(of, "request"),
        read_text(of, "certificate"),
    )
