# SPDX-License-Identifier: Apache-2.0
"""Conversion of integers in request bodies, for which neutron-lib's is too hopeful."""

from neutron_lib import exceptions


def to_integer_or_none(value: object) -> int | None:
    """Convert a number or its decimal digits; JSON's ``Infinity`` and ``NaN`` are refused.

    Raises:
        InvalidInput: neither an integer, nor its digits, nor None.
    """
    if value is None or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) < 16:
        return int(value)
    raise exceptions.InvalidInput(error_message=f"'{value!r:.50}' is not an integer")
