# SPDX-License-Identifier: Apache-2.0
"""A site's own tables, of Neutron on SQLite in this process, with one VTN in them.

What is heard and what the API shows of it are written in one transaction, as by
isthmus-interconnect; what Neutron is made to do is left out.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

from isthmus.model.vtn.documents import (
    Document,
    MemberDocument,
    VtnDocument,
    key_of,
    vtn_of,
    writer_of,
)
from isthmus.model.vtn.encoding import encode


class StoredVtns:
    """The tables of the site that owns the VTN."""

    def __enter__(self) -> Self:
        """Make the tables."""
        # Neutron takes seconds to import, and can be configured once in a process.
        from tests.cloud import Cloud

        self._folder = tempfile.TemporaryDirectory(prefix="vtns")
        self._cloud = Cloud(
            Path(self._folder.name), f"sqlite:///{self._folder.name}/neutron.sqlite"
        )
        return self

    def __exit__(self, *_: object) -> None:
        """Remove them."""
        self._folder.cleanup()

    def begin(self, whole: VtnDocument, words: Sequence[MemberDocument]) -> None:
        """Have nothing but one VTN, of which every member has spoken."""
        from isthmus.db.vtn import sites, views
        from isthmus.interconnect.neutron_database import transaction

        self._cloud.empty()
        self._owner = whole.owner
        with transaction() as context:
            for each in words:
                state = sites.State.OWN if each.site == whole.owner else sites.State.CONFIRMED
                sites.create(context, sites.SiteRecord(each.site, each.site, state))
            views.write(context, whole.owner, whole)
            for each in words:
                _store(context, each)
            views.refresh(context, whole.owner, [whole.vtn_id])

    def hear(self, said: MemberDocument) -> float:
        """Hear one member; return the CPU milliseconds until the API knows."""
        from isthmus.db.vtn import views
        from isthmus.interconnect.neutron_database import transaction

        began = time.process_time()
        with transaction() as context:
            _store(context, said)
            views.refresh(context, self._owner, [said.vtn_id])
        return (time.process_time() - began) * 1000


def _store(context: Any, document: Document) -> None:
    from isthmus.db.vtn import documents

    kind, name = key_of(document)
    text = encode(document)
    row = documents.Document(writer_of(document), str(kind), name, text, vtn_of(document))
    documents.put_heard(context, row)
