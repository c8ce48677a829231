# SPDX-License-Identifier: Apache-2.0
"""What a caller may see of VTNs and sites, with what is known of their state."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from neutron_lib.context import Context

from isthmus.db import standard_attributes
from isthmus.db.vtn import sites, views, vtns
from isthmus.db.vtn.sites import SiteRecord
from isthmus.db.vtn.views import Loaded
from isthmus.db.vtn.vtns import VtnRecord
from isthmus.model.vtn import overlaps
from isthmus.model.vtn.merge import VtnView
from isthmus.model.vtn.overlaps import Overlap
from isthmus.model.vtn.status import SiteState, VtnStatus, compile_status
from isthmus.plugin.errors import SiteNotFound, VtnNotFound
from isthmus.plugin.lookup import own_project
from isthmus.plugin.vtn.realise.found import count_ports as count_ports_on


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a VTN.

    Attributes:
        record: its row.
        loaded: its documents, merged; None if nobody asked for what they say.
        status: compiled from them.
        tags: in order.
        overlaps: with other VTNs of its project, if status is wanted.
    """

    record: VtnRecord
    loaded: Loaded | None = None
    status: VtnStatus | None = None
    tags: tuple[str, ...] = ()
    overlaps: tuple[Overlap, ...] = ()


def read_vtn(context: Context, vtn_id: str) -> VtnRecord:
    """Return a VTN the caller may see.

    Raises:
        VtnNotFound: there is none, or it is another project's.
    """
    found = vtns.read(context, [vtn_id], visible_to=own_project(context))
    if not found:
        raise VtnNotFound(id=vtn_id)
    return found[0]


def complete(
    context: Context, own_site: str, records: Collection[VtnRecord], *, is_status_wanted: bool
) -> list[Known]:
    """Return VTNs with what their documents say, if that is wanted, and their tags."""
    tags = standard_attributes.read_tags(context, [each.standard.id for each in records])
    loaded = {}
    overlapping: Mapping[str, tuple[Overlap, ...]] = {}
    if is_status_wanted:
        placed = vtns.read_placed(context, {each.project_id for each in records})
        overlapping = overlaps.find(placed)
        loaded = views.load(context, own_site, [each.id for each in records])
        states = read_states(context)
    return [
        Known(
            record,
            loaded.get(record.id),
            compile_status(loaded[record.id].view, states) if record.id in loaded else None,
            tuple(tags.get(record.standard.id or 0, ())),
            overlapping.get(record.id, ()),
        )
        for record in records
    ]


def read_states(context: Context) -> dict[str, SiteState]:
    """Return what is known of every other site's being alive."""
    return {
        name: SiteState(site.liveness, site.liveness_since, site.heard_at)
        for name, site in sites.read(context).items()
        if site.state is not sites.State.OWN
    }


def read_site(context: Context, site_id: str) -> SiteRecord:
    """Return a site by its id or its name.

    Raises:
        SiteNotFound: there is none.
    """
    for site in sites.read(context).values():
        if site_id in (site.id, site.name):
            return site
    raise SiteNotFound(id=site_id)


def count_ports(context: Context, own_site: str, view: VtnView) -> dict[str, int]:
    """Count the ports a tenant has on a VTN, by site; of others what they said last."""
    found = {each.site: each.document.ports for each in view.members if each.document is not None}
    own = view.own_member
    if own is not None:
        found[own_site] = count_ports_on(context, own.network_id) if own.network_id else 0
    return found
