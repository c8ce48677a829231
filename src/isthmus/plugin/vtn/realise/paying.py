# SPDX-License-Identifier: Apache-2.0
"""What is made for a tenant counts against the tenant's quotas, as if the tenant had made it.

Neutron reserves in its API processes alone; here its own reservations are made where it does not.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from neutron import quota
from neutron_lib import exceptions
from neutron_lib.context import Context
from neutron_lib.plugins import directory

from isthmus.model.errors import IntentConflict
from isthmus.plugin import quotas


@contextmanager
def reserved(context: Context, project_id: str, resource: str) -> Iterator[None]:
    """Reserve one ``network`` or ``subnet`` while it is being made.

    Raises:
        IntentConflict: the project has as many as it may.
    """
    quotas.know(resource)
    try:
        reservation = quota.QUOTAS.make_reservation(
            context, project_id, {resource: 1}, directory.get_plugin()
        )
    except exceptions.OverQuota as error:
        raise IntentConflict(
            f"The project's quota of {resource}s at this site is used up. Delete a {resource} "
            "there, or ask for a greater quota.",
            f"Project {project_id} may have no more {resource}s: raise its quota.",
        ) from error
    try:
        yield
    finally:
        if reservation is not None:
            quota.QUOTAS.commit_reservation(context, reservation.reservation_id)
