# SPDX-License-Identifier: Apache-2.0
"""Where documents stand in a site's etcd, and what else does."""

from __future__ import annotations

from dataclasses import dataclass

from isthmus.model.vtn.documents import Kind

# Peers may read what is under the first, and nothing else.
SHARED_PREFIX = "/isthmus/"
DOCUMENTS_PREFIX = "/isthmus/v1/"
LEADER_KEY = "/isthmus-local/leader"


@dataclass(frozen=True, slots=True, order=True)
class DocumentName:
    """Names a document among those of one site.

    Attributes:
        kind: what it is.
        name: which one.
    """

    kind: str
    name: str

    @property
    def key(self) -> str:
        """Return its key in etcd."""
        return f"{DOCUMENTS_PREFIX}{self.kind}/{self.name}"


def parse_key(key: str) -> DocumentName | None:
    """Return the document that stands there; None if none of ours does.

    >>> parse_key("/isthmus/v1/site/west")
    DocumentName(kind='site', name='west')
    """
    kind, slash, name = key.removeprefix(DOCUMENTS_PREFIX).partition("/")
    if not key.startswith(DOCUMENTS_PREFIX) or not slash or not name:
        return None
    return DocumentName(kind, name) if kind in set(Kind) else None


def heartbeat_of(site: str) -> DocumentName:
    """Return the name of a site's heartbeat."""
    return DocumentName(Kind.SITE.value, site)
