# SPDX-License-Identifier: Apache-2.0
"""Text that somebody types and a database keeps."""

from __future__ import annotations

_LAST_OF_THREE_OCTETS = "\uffff"


def is_narrow(text: str) -> bool:
    """Whether any database keeps it, whatever its character set: three octets a character in UTF-8.

    >>> is_narrow("Zürich"), is_narrow("🚂")
    (True, False)
    """
    return all(character <= _LAST_OF_THREE_OCTETS for character in text)


def to_narrow(text: str) -> str:
    """Return a text with what is not narrow replaced.

    >>> to_narrow("Zürich 🚂")
    'Zürich ?'
    """
    return "".join(character if is_narrow(character) else "?" for character in text)
