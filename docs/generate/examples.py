# SPDX-License-Identifier: Apache-2.0
"""Examples of the API reference. A contract test sends each, in order, and compares the answer."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Example:
    """One request.

    Attributes:
        says: what it does.
        who: ``admin`` or ``member``.
        method: of HTTP.
        path: below ``/v2.0``; placeholders in braces are ids.
        body: of the request, if it has one.
        status: of the answer.
        shows: part of the answer, under the name of the item.
        keeps: placeholder for the id that the answer has.
    """

    says: str
    who: str
    method: str
    path: str
    status: int
    body: Mapping[str, Any] | None = None
    shows: Mapping[str, Any] | None = None
    keeps: str = ""

    def as_text(self) -> str:
        """Return it as it stands in the reference."""
        lines = [f"{self.says} ({self.who}):\n", "```", f"{self.method} /v2.0{self.path}"]
        if self.body is not None:
            lines.append(json.dumps(self.body, indent=2))
        lines.append(f"\n{self.status}")
        if self.shows is not None:
            lines.append(json.dumps(self.shows, indent=2))
        return "\n".join([*lines, "```", ""])


EXAMPLES = (
    Example(
        "A VPN for a project",
        "admin",
        "POST",
        "/bgpvpn/bgpvpns",
        201,
        {"bgpvpn": {"name": "red", "project_id": "{project}", "route_targets": ["64500:100"]}},
        {"bgpvpn": {"id": "{vpn}", "name": "red", "type": "l3", "status": "PENDING"}},
        keeps="vpn",
    ),
    Example(
        "A network into it",
        "member",
        "POST",
        "/bgpvpn/bgpvpns/{vpn}/network_associations",
        201,
        {"network_association": {"network_id": "{network}"}},
        {"network_association": {"id": "{association}", "network_id": "{network}"}},
        keeps="association",
    ),
    Example(
        "By name, and only what is asked for",
        "member",
        "GET",
        "/bgpvpn/bgpvpns?name=red&fields=id&fields=networks",
        200,
        shows={"bgpvpns": [{"id": "{vpn}", "networks": ["{network}"]}]},
    ),
    Example(
        "Another route target, while packets go on",
        "admin",
        "PUT",
        "/bgpvpn/bgpvpns/{vpn}",
        200,
        {"bgpvpn": {"route_targets": ["64500:100", "64500:101"]}},
        {"bgpvpn": {"route_targets": ["64500:100", "64500:101"]}},
    ),
    Example(
        "What a member may not",
        "member",
        "DELETE",
        "/bgpvpn/bgpvpns/{vpn}",
        403,
    ),
    Example(
        "Out of it",
        "member",
        "DELETE",
        "/bgpvpn/bgpvpns/{vpn}/network_associations/{association}",
        204,
    ),
    Example(
        "A network over several sites; this one alone at first",
        "member",
        "POST",
        "/vtn/virtual_tenant_networks",
        201,
        {"virtual_tenant_network": {"name": "red", "prefixes": ["10.0.0.0/16", "2001:db8::/48"]}},
        {
            "virtual_tenant_network": {
                "id": "{vtn}",
                "type": "l3",
                "members": ["west"],
                "owner_site": "west",
                "status": "PENDING",
            }
        },
        keeps="vtn",
    ),
    Example(
        "What this site was given of it",
        "member",
        "GET",
        "/vtn/virtual_tenant_networks/{vtn}/members?fields=site&fields=prefixes",
        200,
        shows={"members": [{"site": "west", "prefixes": ["10.0.0.0/24", "2001:db8::/64"]}]},
    ),
    Example(
        "A site that nobody knows",
        "member",
        "POST",
        "/vtn/virtual_tenant_networks/{vtn}/members",
        400,
        {"member": {"site": "nowhere"}},
    ),
    Example(
        "Gone, at every site",
        "member",
        "DELETE",
        "/vtn/virtual_tenant_networks/{vtn}",
        204,
    ),
)
