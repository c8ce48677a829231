# SPDX-License-Identifier: Apache-2.0
"""Validation of text in request bodies that Neutron looks up before the plug-in is asked."""

from neutron_lib.api import validators

from isthmus.model.text import is_narrow

NARROW = "type:narrow_text"
"""The validator's name in an attribute map; it takes no parameter."""


def validate_narrow_text(value: object, parameter: object = None) -> str | None:
    """Return why a text can't be looked up in Neutron's own tables; None if it can."""
    del parameter
    if isinstance(value, str) and not is_narrow(value):
        return "It contains a character beyond U+FFFF, such as an emoji"
    return None


validators.add_validator("narrow_text", validate_narrow_text)
