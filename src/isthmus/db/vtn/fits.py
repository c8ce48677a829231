# SPDX-License-Identifier: Apache-2.0
"""Whether what another site published can be kept here: a peer is trusted with its own tenants.

Names and descriptions are cut to what fits; what identifies something is not.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from isthmus.model.errors import InvalidValue
from isthmus.model.vtn.documents import Document, MemberDocument, VtnDocument

MAX_SITE_NAME = 63
_SITE_NAME = re.compile(rf"[A-Za-z0-9][A-Za-z0-9._-]{{0,{MAX_SITE_NAME - 1}}}")
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_MAX_PROJECT, _MAX_CLASS = 255, 64


def check_site_name(name: str) -> None:
    """Refuse what can't name a site: it stands in keys, certificates and paths.

    Raises:
        InvalidValue: it is empty, too long, or has other characters than such names have.
    """
    if not _SITE_NAME.fullmatch(name):
        raise InvalidValue(
            f"{name!r:.80} is not a site's name: letters, digits, '.', '_' and '-', "
            f"{MAX_SITE_NAME} at most."
        )


def check(document: Document) -> None:
    """Refuse a document that can't be kept.

    Raises:
        InvalidValue: it names something in a way that nothing is named.
    """
    match document:
        case VtnDocument():
            _check_vtn(document)
        case MemberDocument():
            _check_ids([document.network_id, document.bgpvpn_id, *document.subnet_ids])
            _check_lengths([document.project], _MAX_PROJECT)
            _check_lengths([document.class_of_service], _MAX_CLASS)


def _check_vtn(document: VtnDocument) -> None:
    for grant in document.members:
        check_site_name(grant.site)
    _check_ids([document.vtn_id])
    _check_lengths([document.project, *(each.project for each in document.members)], _MAX_PROJECT)
    _check_lengths([document.class_of_service], _MAX_CLASS)


def _check_ids(values: Iterable[str | None]) -> None:
    for value in values:
        if value is not None and not _UUID.fullmatch(value):
            raise InvalidValue(f"{value!r:.80} is not a UUID.")


def _check_lengths(values: Iterable[str | None], most: int) -> None:
    for value in values:
        if value is not None and len(value) > most:
            raise InvalidValue(f"{value!r:.80} is longer than {most} characters.")
