# SPDX-License-Identifier: Apache-2.0
"""What documents' texts say, kept: of a VTN's documents all but a few are as they were last time.

A text says the same whenever it is read, so nothing that is kept can be out of date.
"""

from __future__ import annotations

import threading
from collections import OrderedDict

from isthmus.db.vtn import fits
from isthmus.model.vtn.documents import Document
from isthmus.model.vtn.encoding import decode

_Key = tuple[str, str, str]


class Readings:
    """Reads documents; those read last are known. Safe for threads.

    Args:
        most: so many characters of text are kept, whatever others publish.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._kept: OrderedDict[_Key, Document] = OrderedDict()
        self._length = 0
        self._lock = threading.Lock()

    def read(self, kind: str, name: str, text: str) -> Document:
        """Return what a text says that was found under a kind and a name.

        Raises:
            InvalidValue: nothing that can be understood and kept in a row.
        """
        key = kind, name, text
        with self._lock:
            known = self._kept.get(key)
            if known is not None:
                self._kept.move_to_end(key)
                return known
        document = decode(kind, name, text)
        fits.check(document)
        with self._lock:
            self._keep(key, document)
        return document

    @property
    def length(self) -> int:
        """Characters of text that are kept."""
        return self._length

    def _keep(self, key: _Key, document: Document) -> None:
        if key not in self._kept:
            self._kept[key] = document
            self._length += len(key[2])
        while self._length > self._most:
            oldest, _ = self._kept.popitem(last=False)
            self._length -= len(oldest[2])
