# SPDX-License-Identifier: Apache-2.0
"""What stands in an etcd as documents that may be believed, and this site's heartbeat as text.

Pure. A site may write what is its own to write, under the name it has; anything else is refused.
"""

from __future__ import annotations

from collections.abc import Iterable

from isthmus.interconnect.database import Heard
from isthmus.interconnect.keys import DocumentName, heartbeat_of
from isthmus.model.errors import InvalidValue
from isthmus.model.vtn.documents import (
    Document,
    HeardOf,
    SiteDocument,
    vtn_of,
    writer_of,
)
from isthmus.model.vtn.encoding import decode, encode


def read_heard(site: str, name: DocumentName, value: bytes, revision: int) -> Heard:
    """Return what a site published under a name.

    Raises:
        InvalidValue: it can't be read, or is not that site's to write, or not under that name.
    """
    document, body = _read(name, value)
    if writer_of(document) != site:
        raise InvalidValue(f"It says that site '{writer_of(document)}' wrote it, not '{site}'.")
    return Heard(name, body, vtn_of(document), revision)


def read_heartbeat(site: str, value: bytes) -> SiteDocument:
    """Return a site's heartbeat.

    Raises:
        InvalidValue: it is none.
    """
    document, _ = _read(heartbeat_of(site), value)
    if not isinstance(document, SiteDocument):
        raise InvalidValue(f"It is no heartbeat of site '{site}'.")
    return document


def beat_of(site: str, value: bytes | None) -> int:
    """Return the number of a site's last heartbeat that stands there; 0 if none does."""
    try:
        return 0 if value is None else read_heartbeat(site, value).beat
    except InvalidValue:
        return 0


def write_heartbeat(
    site: str, *, incarnation: str, beat: int, as_number: int, heard: Iterable[HeardOf]
) -> str:
    """Return a heartbeat's text."""
    return encode(SiteDocument(site, incarnation, beat, as_number, tuple(heard)))


def _read(name: DocumentName, value: bytes) -> tuple[Document, str]:
    try:
        body = value.decode()
    except UnicodeDecodeError:
        raise InvalidValue("It is no text.") from None
    return decode(name.kind, name.name, body), body
