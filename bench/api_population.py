# SPDX-License-Identifier: Apache-2.0
"""What is there before the API is measured: projects, each with networks and VPNs.

A project has ten VPNs; its first has ten of its networks in it, and one network is in none. Each
network has a subnet and a bound port. Networks are written as rows, as Neutron writes them: making
2,200 networks by the API of two Neutrons takes longer than the whole measurement.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

from bench.api_sites import Site

PROJECTS, VPNS_EACH, NETWORKS_EACH = 100, 10, 10
VPNS = PROJECTS * VPNS_EACH
COLLECTION = "bgpvpn/bgpvpns"
_SPACE = uuid.UUID("6d6f756e-7461-4696-8e20-706173736573")


@dataclass(frozen=True, slots=True)
class Project:
    """A tenant."""

    number: int

    @property
    def id(self) -> str:
        """As Keystone writes it."""
        return _id("project", self.number).replace("-", "")

    def network(self, position: int) -> str:
        """Return the id of one of its networks."""
        return _id("network", self.number, position)


def _id(*parts: object) -> str:
    return str(uuid.uuid5(_SPACE, "/".join(map(str, parts))))


def seed() -> str:
    """Return the SQL that makes the networks."""
    rows: dict[str, list[str]] = {}
    for project in map(Project, range(PROJECTS)):
        for position in range(NETWORKS_EACH + 1):
            for table, row in _network(project, position):
                rows.setdefault(table, []).append(row)
    inserts = [
        f"INSERT INTO {table} VALUES {','.join(values)};"  # noqa: S608  our own constants
        for table, values in rows.items()
    ]
    return "\n".join(["SET foreign_key_checks=0;", *inserts])


def _network(project: Project, position: int) -> list[tuple[str, str]]:
    network, owner = project.network(position), project.id
    segment, subnet, port = (_id(kind, network) for kind in ("segment", "subnet", "port"))
    first = 1_000 + 4 * (project.number * (NETWORKS_EACH + 1) + position)
    address = f"10.{project.number}.{position}"
    mac = f"fa:16:3e:00:{project.number:02x}:{position:02x}"
    now = "'2026-01-01 00:00:00'"
    kinds = ("networks", "networksegments", "subnets", "ports")
    attributes = "(id,resource_type,description,revision_number,created_at,updated_at)"
    return [
        *(
            (f"standardattributes {attributes}", f"({first + n},'{kind}','',1,{now},{now})")
            for n, kind in enumerate(kinds)
        ),
        (
            "networks (id,project_id,name,status,admin_state_up,mtu,standard_attr_id)",
            f"('{network}','{owner}','net-{position}','ACTIVE',1,1500,{first})",
        ),
        (
            "networksegments (id,network_id,network_type,is_dynamic,segment_index,"
            "standard_attr_id)",
            f"('{segment}','{network}','local',0,0,{first + 1})",
        ),
        (
            "subnets (id,project_id,name,network_id,ip_version,cidr,gateway_ip,enable_dhcp,"
            "standard_attr_id)",
            f"('{subnet}','{owner}','','{network}',4,'{address}.0/24','{address}.1',1,{first + 2})",
        ),
        (
            "ports (id,project_id,name,network_id,mac_address,admin_state_up,status,device_id,"
            "device_owner,standard_attr_id)",
            f"('{port}','{owner}','','{network}','{mac}',1,'ACTIVE','vm-{position}',"
            f"'compute:nova',{first + 3})",
        ),
        (
            "ipallocations (port_id,ip_address,subnet_id,network_id)",
            f"('{port}','{address}.11','{subnet}','{network}')",
        ),
        (
            "ml2_port_bindings (port_id,host,vnic_type,profile,vif_type,vif_details,status)",
            f"('{port}','compute-{position}','normal','','ovs','','ACTIVE')",
        ),
    ]


def body(project: Project, name: str, targets: list[str]) -> dict[str, Any]:
    """Return what a VPN is made with."""
    return {"name": name, "project_id": project.id, "type": "l3", "route_targets": targets}


def populate(site: Site) -> dict[int, str]:
    """Make the VPNs and associations; return each project's VPN that has ten."""
    wanted = [
        body(Project(p), f"vpn-{p}-{n}", [f"64500:{p * VPNS_EACH + n + 1}"])
        for p in range(PROJECTS)
        for n in range(VPNS_EACH)
    ]
    full = {}
    for vpn in wanted:
        made = site.must("POST", COLLECTION, {"bgpvpn": vpn}).body["bgpvpn"]
        _, project, position = vpn["name"].split("-")
        if position == "0":
            full[int(project)] = made["id"]
    for number, vpn_id in full.items():
        for position in range(NETWORKS_EACH):
            associate(site, Project(number), vpn_id, position)
    return full


def associate(site: Site, project: Project, vpn_id: str, position: int) -> Any:
    """Put a network into a VPN."""
    association = {"network_id": project.network(position), "project_id": project.id}
    path = f"{COLLECTION}/{vpn_id}/network_associations"
    return site.must("POST", path, {"network_association": association})
