# SPDX-License-Identifier: Apache-2.0
"""Two sites that hear each other at once, and a VTN of west's over both."""

from __future__ import annotations

from collections.abc import Collection
from ipaddress import ip_network

from isthmus.model.ids import RouteTarget
from isthmus.model.ip import IpPrefix
from isthmus.model.report import Status
from isthmus.model.vtn import membership, ownership, upkeep
from isthmus.model.vtn.documents import Document, Kind, Published, VtnDocument, VtnType, key_of
from isthmus.model.vtn.merge import VtnView, merge

VTN_RED = "vtn-red"


def prefixes(*texts: str) -> tuple[IpPrefix, ...]:
    """Read prefixes."""
    return tuple(ip_network(text) for text in texts)


def vtn_red(
    *texts: str, members: Collection[str] = ("west", "east"), type_: VtnType = VtnType.L3
) -> VtnDocument:
    """A VTN of west's."""
    return ownership.create(
        VTN_RED,
        "west",
        "red",
        name="red",
        type=type_,
        prefixes=prefixes(*(texts or ("198.51.100.0/24",))),
        members={each: "red" if each == "west" else None for each in members},
        route_targets=[RouteTarget.parse("64500:7")],
    )


class Sites:
    """Stores of some sites; each hears what is in the others' unless it is cut off."""

    def __init__(self, *documents: Document) -> None:
        self.stores: dict[str, dict[tuple[Kind, str], Document]] = {}
        self.cut_off: set[str] = set()
        self.revoked: set[str] = set()
        self._heard: dict[str, list[Published]] = {}
        self.settled: list[tuple[str, str, str]] = []
        for each in documents:
            self.put("west", each)

    def put(self, site: str, *documents: Document) -> None:
        """Put something into a site's store."""
        self.stores.setdefault(site, {}).update({key_of(each): each for each in documents})

    def cut(self, site: str) -> None:
        """Let a site hear nothing any more, nor be heard."""
        self._heard[site] = self._of(set(self.stores) - {site})
        for other in set(self.stores) - {site}:
            self._heard.setdefault(other, []).extend(self._of({site}))
        self.cut_off.add(site)

    def heal(self) -> None:
        """Let all sites hear each other again."""
        self.cut_off.clear()
        self._heard.clear()

    def view(self, site: str) -> VtnView:
        """The VTN as a site sees it."""
        if site in self.cut_off:
            heard = [each for each in self._heard[site] if each.site != site]
            return merge(site, VTN_RED, [*heard, *self._of({site})])
        heard = [each for each in self._heard.get(site, []) if each.site in self.cut_off]
        return merge(site, VTN_RED, [*heard, *self._of(set(self.stores) - self.cut_off)])

    def rest(self, *sites: str) -> None:
        """Let sites write, and carry out, whatever is due."""
        sites = sites or ("west", "east")
        for _ in range(20):
            before = {site: dict(self.stores.get(site, {})) for site in sites}
            for site in sites:
                self.keep_up(site)
                self.work(site)
            if before == {site: self.stores.get(site, {}) for site in sites}:
                return
        raise AssertionError("sites do not come to rest")

    def keep_up(self, site: str, *, accepts: bool = True) -> upkeep.Upkeep:
        """Let a site write what is due, once."""
        due = upkeep.keep_up(self.view(site), accepts=accepts, revoked=self.revoked)
        for key in due.withdraw:
            del self.stores[site][key]
        self.put(site, *due.put)
        self.settled += [(site, each.result, each.for_tenant) for each in due.settled]
        return due

    def work(self, site: str) -> None:
        """Let a site carry out what is wanted there."""
        view = self.view(site)
        if view.is_to_be_removed:
            self.put(site, membership.speak(view, is_removed=True))
        elif view.wanted is not None:
            done = membership.speak(
                view, carried_out=view.wanted.version, status=Status.ACTIVE, network_id="n"
            )
            self.put(site, done)

    def _of(self, sites: Collection[str]) -> list[Published]:
        return [
            Published(site, each) for site in sites for each in self.stores.get(site, {}).values()
        ]
