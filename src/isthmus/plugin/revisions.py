# SPDX-License-Identifier: Apache-2.0
"""Conditions on revisions (``If-Match: revision_number=N``), under our own lock.

Neutron keeps the condition with the caller's context, and its own revision service would take it
away at the first statement, answering 500 to resources it does not know.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import webob.exc
from neutron_lib.context import Context

from isthmus.db.records import StandardAttributes


@contextmanager
def revision_wanted(context: Context, resource_id: str) -> Iterator[int | None]:
    """Take the condition out of a context; put it back if the call fails and is tried again."""
    wanted = context.get_transaction_constraint()
    context.clear_transaction_constraint()
    if wanted is None or wanted.resource_id != resource_id:
        yield None
        return
    try:
        yield wanted.if_revision_match
    except Exception:
        context.set_transaction_constraint(
            wanted.resource, wanted.resource_id, wanted.if_revision_match
        )
        raise


def check_revision(standard: StandardAttributes, expected: int | None) -> None:
    """Refuse to change what is not as the client saw it last.

    Raises:
        HTTPPreconditionFailed: it has another revision.
    """
    if expected is not None and expected != standard.revision:
        raise webob.exc.HTTPPreconditionFailed(
            f"The resource has revision {standard.revision}, not {expected}."
        )
