# SPDX-License-Identifier: Apache-2.0
"""Projects and users of the suites' own, so that what they leave behind can be told and deleted.

Some suites delete only part of what they make, all leave something when a test fails.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import openstack
import yaml

from lab import clouds
from lab.topology import Topology
from tests.conformance import environment

ADMIN, OWNER, OTHER = "conformance-admin", "conformance-owner", "conformance-other"
_ROLES = {ADMIN: ("admin", "member", "reader"), OWNER: ("member", "reader")}
_ROLES |= {OTHER: _ROLES[OWNER]}


@dataclass(frozen=True, slots=True)
class Place:
    """The region the suites run in.

    Attributes:
        region: its name.
        clouds: of ``clouds.yaml``, one for each account, named like it.
        image: that exists there.
        flavor: that exists there.
    """

    region: str
    clouds: dict[str, Any]
    image: str
    flavor: str

    @property
    def clouds_yaml(self) -> Path:
        """The file that holds them."""
        return environment.FOLDER / "clouds.yaml"

    def connect(self, account: str) -> Any:
        """Return an openstacksdk connection."""
        return openstack.connect(load_yaml_config=False, load_envvars=False, **self.clouds[account])


@contextmanager
def prepared(topology: Topology, region: str) -> Iterator[Place]:
    """Make the accounts; delete them afterwards with everything that is theirs."""
    admin = clouds.connect(topology, region)
    _sweep(admin)
    lab_admin = clouds.document(topology, topology.sites)["clouds"][f"{region}-admin"]
    of_account = {}
    for name, roles in _ROLES.items():
        password = str(topology.management.password)
        _make_account(admin, name, password, roles)
        auth = {**lab_admin["auth"], "username": name, "project_name": name, "password": password}
        of_account[name] = {**lab_admin, "auth": auth}
    place = Place(region, of_account, topology.image, topology.flavor.name)
    place.clouds_yaml.write_text(yaml.safe_dump({"clouds": of_account}))
    try:
        yield place
    finally:
        _sweep(admin)


def _make_account(admin: Any, name: str, password: str, roles: tuple[str, ...]) -> None:
    project = admin.identity.create_project(name=name, domain_id="default")
    user = admin.identity.create_user(name=name, domain_id="default", password=password)
    for role in roles:
        known = admin.identity.find_role(role, ignore_missing=False)
        admin.identity.assign_project_role_to_user(project, user, known)


def _sweep(admin: Any) -> None:
    for name in _ROLES:
        project = admin.identity.find_project(name)
        if project is not None:
            _empty(admin.network, project.id)
            admin.identity.delete_project(project)
        user = admin.identity.find_user(name)
        if user is not None:
            admin.identity.delete_user(user)


def _empty(network: Any, project_id: str) -> None:
    mine = {"project_id": project_id}
    for vpn in network.bgpvpns(**mine):
        network.delete_bgpvpn(vpn)
    for router in network.routers(**mine):
        for port in network.ports(device_id=router.id, **mine):
            network.remove_interface_from_router(router, port_id=port.id)
        network.delete_router(router)
    for port in network.ports(**mine):
        network.delete_port(port)
    for made in network.networks(**mine):
        network.delete_network(made)
    for group in network.security_groups(**mine):
        network.delete_security_group(group)
