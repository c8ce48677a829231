# SPDX-License-Identifier: Apache-2.0
"""Resources as rows and columns: one table of columns for each kind says what is shown where."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from osc_lib.cli import format_columns

Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Column:
    """An attribute of a resource.

    Attributes:
        name: as the API calls it, and ``show`` with it.
        title: its heading in a list; empty: it is in none.
        is_long: whether it is in long lists only.
        attribute: what openstacksdk calls it; the same as ``name`` if empty.
        is_optional: whether it is left out where it is null, as for who may not see it.
    """

    name: str
    title: str = ""
    is_long: bool = False
    attribute: str = ""
    is_optional: bool = False

    def value(self, resource: Any) -> Any:
        """Return it of a resource, such that each output format can print it."""
        return written(getattr(resource, self.attribute or self.name, None))


MPLS_VPN = (
    Column("id", "ID"),
    Column("name", "Name"),
    Column("description"),
    Column("project_id", "Project", is_long=True),
    Column("type"),
    Column("admin_state_up", "Admin State Up", is_long=True, attribute="is_admin_state_up"),
    Column("status", "Status"),
    Column("status_reason", "Reason"),
    Column("networks", "Networks", is_long=True),
    Column("routers", "Routers", is_long=True),
    Column("ports", "Ports", is_long=True),
    Column("local_pref", "Local Pref", is_long=True),
    Column("mtu", "MTU", is_long=True),
    Column("route_targets", is_optional=True),
    Column("import_targets", is_optional=True),
    Column("export_targets", is_optional=True),
    Column("route_distinguishers", is_optional=True),
    Column("vni", is_optional=True),
    Column("allocate_route_target"),
    Column("allocate_route_distinguisher"),
    Column("shared", "Shared", is_long=True, attribute="is_shared"),
    Column("tags", "Tags", is_long=True),
    Column("revision_number"),
    Column("created_at"),
    Column("updated_at"),
)
ASSOCIATION = (
    Column("id", "ID"),
    Column("kind", "Kind"),
    Column("associated_id", "Associated"),
    Column("project_id", "Project", is_long=True),
    Column("description"),
    Column("admin_state_up", "Admin State Up", is_long=True, attribute="is_admin_state_up"),
    Column("status", "Status"),
    Column("status_reason", "Reason"),
    Column("advertise_extra_routes", is_optional=True),
    Column("advertise_fixed_ips", is_optional=True),
    Column("routes", is_optional=True),
    Column("attachment_mode", is_optional=True),
    Column("revision_number"),
    Column("created_at"),
    Column("updated_at"),
)
PROVIDER_EDGE = (
    Column("name", "Host"),
    Column("address", "Address"),
    Column("status", "Status"),
    Column("status_reason", "Reason"),
    Column("generation_asked", "Asked", is_long=True),
    Column("generation_in_force", "In Force", is_long=True),
    Column("labels", "Labels", is_long=True),
    Column("routes_sent", "Routes Sent"),
    Column("routes_received", "Routes Received"),
    Column("last_error", "Last Error", is_long=True),
)
AGENT = (
    Column("host", "Host"),
    Column("address", "Address"),
    Column("alive", "Alive", attribute="is_alive"),
    Column("admin_state_up", attribute="is_admin_state_up"),
    Column("heard_at", "Heard At", is_long=True, attribute="last_heartbeat_at"),
    Column("vpns", "VPNs"),
    Column("neighbors", "Neighbors"),
    Column("neighbors_established", "Established"),
)
VTN = (
    Column("id", "ID"),
    Column("name", "Name"),
    Column("description"),
    Column("project_id", "Project", is_long=True),
    Column("type", "Type", is_long=True),
    Column("prefixes", "Prefixes"),
    Column("members", "Members"),
    Column("admin_state_up", "Admin State Up", is_long=True, attribute="is_admin_state_up"),
    Column("class_of_service"),
    Column("rate_kbps"),
    Column("owner_site", "Owner Site", is_long=True),
    Column("network_id", "Network", is_long=True),
    Column("status", "Status"),
    Column("status_reason", "Reason", is_long=True),
    Column("epoch", is_optional=True),
    Column("generation", is_optional=True),
    Column("notice", is_optional=True),
    Column("tags", "Tags", is_long=True),
    Column("revision_number"),
    Column("created_at"),
    Column("updated_at"),
)
MEMBER = (
    Column("site", "Site"),
    Column("site_project_id", "Project", is_long=True),
    Column("acceptance", "Acceptance"),
    Column("prefixes", "Prefixes"),
    Column("network_id", "Network", is_long=True),
    Column("subnet_ids", "Subnets", is_long=True),
    Column("bgpvpn_id", is_optional=True),
    Column("class_of_service"),
    Column("rate_kbps"),
    Column("status", "Status"),
    Column("status_reason", "Reason"),
    Column("drift", is_optional=True),
    Column("heard_at", "Heard At", is_long=True),
)
SITE = (
    Column("id", "ID"),
    Column("name", "Name"),
    Column("description", is_optional=True),
    Column("state", "State"),
    Column("liveness", "Liveness"),
    Column("liveness_since", "Since"),
    Column("reason", "Reason", is_long=True, is_optional=True),
    Column("invitation", is_optional=True),
    Column("shares_identity", "Shares Identity", is_long=True, is_optional=True),
    Column("projects", is_optional=True),
    Column("as_number", "AS", is_long=True, is_optional=True),
    Column("endpoints", "Endpoints", is_long=True, is_optional=True),
    Column("heard_at", "Heard At", is_long=True, is_optional=True),
    Column("certificate_expires_at", is_optional=True),
    Column("asked", is_optional=True),
    Column("asked_at", is_optional=True),
    Column("done_at", is_optional=True),
    Column("recovery", is_optional=True),
    Column("revision_number", is_optional=True),
    Column("created_at", is_optional=True),
    Column("updated_at", is_optional=True),
)
RECOVERY = (
    Column("name", "Site"),
    Column("state", "State"),
    Column("liveness", "Liveness"),
    Column("recovery", "Differs"),
)
EVENT = (
    Column("id"),
    Column("created_at", "At"),
    Column("site", "Site"),
    Column("virtual_tenant_network_id", "Virtual Tenant Network"),
    Column("sentence", "What Happened"),
)


def written(found: Any) -> Any:
    """Return a value such that each output format can print it."""
    if isinstance(found, list) and found and isinstance(found[0], dict):
        return format_columns.ListDictColumn(found)
    if isinstance(found, list):
        return format_columns.ListColumn(found)
    if isinstance(found, dict):
        return format_columns.DictColumn(found)
    return found


def show(columns: Sequence[Column], resource: Any) -> tuple[Row, Row]:
    """Return names and values of all a resource has."""
    shown = [each for each in columns if not each.is_optional or each.value(resource) is not None]
    return tuple(each.name for each in shown), tuple(each.value(resource) for each in shown)


def tabulate(
    columns: Sequence[Column], resources: Iterable[Any], *, is_long: bool = False
) -> tuple[Row, Iterator[Row]]:
    """Return headings and rows of a list."""
    shown = [each for each in columns if each.title and (is_long or not each.is_long)]
    rows = (tuple(each.value(resource) for each in shown) for resource in resources)
    return tuple(each.title for each in shown), rows
