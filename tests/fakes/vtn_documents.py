# SPDX-License-Identifier: Apache-2.0
"""Documents for tests that carry them and don't care what they say."""

from __future__ import annotations

from isthmus.model.vtn.documents import Change, Operation, RequestDocument

VTN_RED = "2f1d2f8e-3a55-4f0e-9c1e-6f7b0d8c4a11"


def request_of(
    site: str, number: int, *, name: str = "red", vtn_id: str = VTN_RED
) -> RequestDocument:
    """Return one that ``site`` writes: to give a VTN a name."""
    request_id = f"00000000-0000-4000-8000-{number:012}"
    change = Change(name=name)
    return RequestDocument(request_id, site, vtn_id, number, Operation.UPDATE, change, 0.0)
