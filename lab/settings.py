# SPDX-License-Identifier: Apache-2.0
"""Fill the configuration templates beside this file from the topology."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from ipaddress import IPv4Address
from pathlib import Path
from string import Template

from lab import places
from lab.topology import Keystone, Site, Topology

_TEMPLATES = Path(__file__).with_name("templates")


def render(template: str, values: Mapping[str, str]) -> str:
    """The text of a template with every ``${name}`` filled in.

    Raises:
        KeyError: the template asks for a value that was not given.
    """
    return Template((_TEMPLATES / template).read_text(encoding="utf-8")).substitute(values)


def write(name: str, template: str, values: Mapping[str, str]) -> Path:
    """Render a template to a file of the lab's configuration folder."""
    file = places.ETC / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(render(template, values), encoding="utf-8")
    return file


def bgp(topology: Topology) -> dict[str, str]:
    """What every BGP speaker's configuration needs."""
    timers = {key: str(value) for key, value in asdict(topology.bgp).items()}
    return timers | {"as_number": str(topology.as_number)}


def keystone_url(keystone: Keystone) -> str:
    """Where a Keystone answers."""
    return f"http://{keystone.address}:5000"


def databases_url(topology: Topology, address: IPv4Address) -> str:
    """SQLAlchemy's name for the databases of a server, but for the database itself."""
    return f"mysql+pymysql://openstack:{topology.management.password}@{address}"


def transport_url(topology: Topology, site: Site) -> str:
    """oslo.messaging's name for a site's RabbitMQ."""
    return f"rabbit://openstack:{topology.management.password}@{site.api}:5672/"


def of_keystone(topology: Topology, keystone: Keystone) -> dict[str, str]:
    """What the configuration of a Keystone, or of a service that asks it, may need."""
    return {
        "cache": f"{keystone.address}:11211",
        "keystone": keystone_url(keystone),
        "keys": str(places.ETC / keystone.named("keystone")),
        "databases": databases_url(topology, keystone.address),
        "password": topology.management.password,
        "etc": str(places.ETC),
        "logs": str(places.LOGS),
        "venv": str(places.VENV),
    }


def of_site(topology: Topology, site: Site) -> dict[str, str]:
    """What the configuration of a region's services may need."""
    keystone = topology.keystone_of(site)
    account = {
        "auth_type": "password",
        "auth_url": f"{keystone_url(keystone)}/v3",
        "password": topology.management.password,
        "user_domain_id": "default",
        "project_name": "service",
        "project_domain_id": "default",
        "region_name": site.name,
    }
    return of_keystone(topology, keystone) | {
        "site": site.name,
        "api": str(site.api),
        "databases": databases_url(topology, site.api),
        "route_targets": site.route_targets,
        "transport_url": transport_url(topology, site),
        "state": str(places.STATE / site.name),
        "account": "\n".join(f"{key} = {value}" for key, value in account.items()),
    }
