# SPDX-License-Identifier: Apache-2.0
"""``Estate`` on Neutron's database."""

from __future__ import annotations

from collections.abc import Callable, Collection

from isthmus.db.vtn import events, views, vtns
from isthmus.interconnect.neutron_database import steadfast, transaction
from isthmus.model.vtn import succession
from isthmus.model.vtn.merge import VtnView

_AT_ONCE = 50


class NeutronEstate:
    """Neutron's database, for succession.

    Args:
        own_site: this site.
        delay_s: how long an owner has to be DOWN.
        wake: wakes Neutron's worker.
    """

    def __init__(self, own_site: str, delay_s: float, wake: Callable[[], None]) -> None:
        self._own_site = own_site
        self._delay_s = delay_s
        self._wake = wake

    def take_over(self, owner: str, down_s: float, up: Collection[str]) -> Collection[str]:
        """Take over those VTNs of a site that are this site's to take, each in a transaction."""
        if down_s < self._delay_s:
            return ()
        ids = self._read_owned(owner)
        taken: list[str] = []
        for start in range(0, len(ids), _AT_ONCE):
            due = self._read_due(ids[start : start + _AT_ONCE], down_s, up)
            taken += [each for each in due if self._take_over(each, owner, down_s, up)]
        if taken:
            self._wake()
        return taken

    @steadfast
    def _read_owned(self, owner: str) -> list[str]:
        with transaction() as context:
            return vtns.read_inherited(context, owner, self._own_site)

    @steadfast
    def _read_due(self, vtn_ids: Collection[str], down_s: float, up: Collection[str]) -> list[str]:
        with transaction() as context:
            found = views.load(context, self._own_site, vtn_ids)
        return [
            vtn_id for vtn_id, each in sorted(found.items()) if self._is_due(each.view, down_s, up)
        ]

    @steadfast
    def _take_over(self, vtn_id: str, owner: str, down_s: float, up: Collection[str]) -> bool:
        with transaction() as context:
            vtns.lock(context, vtn_id)
            view = views.refresh(context, self._own_site, [vtn_id])[vtn_id]
            is_owners = view.document is not None and view.document.owner == owner
            if not is_owners or not self._is_due(view, down_s, up):
                return False
            document = succession.succeed(view)
            views.write(context, self._own_site, document)
            events.append(
                context,
                self._own_site,
                f"Taken over from {owner} by itself, with epoch {document.epoch}: it has been DOWN "
                f"for {down_s:.0f} seconds, and take_over_after_s is {self._delay_s:g}.",
                vtn_id,
            )
            return True

    def _is_due(self, view: VtnView, down_s: float, up: Collection[str]) -> bool:
        wait_s = succession.wait_s(view, up, self._delay_s)
        return wait_s is not None and down_s >= wait_s
