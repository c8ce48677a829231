# SPDX-License-Identifier: Apache-2.0
"""What a caller may see: VPNs and associations by id, or the API's 404."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from neutron_lib.context import Context

from isthmus.db import associations, vpns
from isthmus.db.listing import Page
from isthmus.db.records import AssociationRecord, Kind, VpnRecord
from isthmus.plugin.errors import AssociationNotFound, VpnNotFound
from isthmus.plugin.viewer import Viewer

Filters = Mapping[str, Sequence[Any]] | None
Fields = Sequence[str] | None


def own_project(context: Context) -> str | None:
    """Return the project whose VPNs a caller sees; None for an administrator, who sees all."""
    return None if context.is_admin else str(context.project_id)


def read_page(paging: Mapping[str, Any]) -> Page:
    """Return the page that Neutron's controller asks for."""
    return Page(
        sorts=tuple(paging.get("sorts") or ()),
        limit=paging.get("limit"),
        marker=paging.get("marker"),
        is_reverse=bool(paging.get("page_reverse")),
    )


def read_vpn(context: Context, vpn_id: str) -> VpnRecord:
    """Return a VPN the caller may see.

    Raises:
        VpnNotFound: there is none, or it is another project's.
    """
    found = vpns.read(context, vpn_ids=[vpn_id], visible_to=own_project(context))
    if not found:
        raise VpnNotFound(id=vpn_id)
    return found[0]


def name_vpns(context: Context, viewer: Viewer, vpn_ids: Sequence[str]) -> str:
    """Name VPNs in a sentence to somebody who is told of those alone that it may see."""
    visible_to = None if viewer.is_operator else str(viewer.project_id)
    seen = vpns.read(context, vpn_ids=vpn_ids, visible_to=visible_to)
    if len(seen) < len(set(vpn_ids)):
        return "a BGP VPN of another project"
    return f"BGP VPN {', '.join(vpn_ids)}"


def read_association(
    context: Context, kind: Kind, association_id: str, vpn_id: str
) -> AssociationRecord:
    """Return an association of a VPN the caller may see.

    Raises:
        VpnNotFound: no such VPN.
        AssociationNotFound: no such association of it.
    """
    read_vpn(context, vpn_id)
    found = associations.read(context, kind, association_id=association_id, vpn_id=vpn_id)
    if not found:
        raise AssociationNotFound(id=association_id, vpn_id=vpn_id)
    return found[0]
