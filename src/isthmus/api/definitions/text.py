# SPDX-License-Identifier: Apache-2.0
"""Conversion of text in request bodies that Neutron itself looks up before anybody else sees it."""

from neutron_lib import exceptions

from isthmus.model.text import is_narrow


def to_narrow_text(value: object) -> object:
    """Return ``value``; text that no table of Neutron's could be searched for is refused.

    Raises:
        InvalidInput: a character beyond U+FFFF, such as an emoji.
    """
    if isinstance(value, str) and not is_narrow(value):
        raise exceptions.InvalidInput(
            error_message="A project id contains a character beyond U+FFFF, such as an emoji"
        )
    return value
