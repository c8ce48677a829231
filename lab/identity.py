# SPDX-License-Identifier: Apache-2.0
"""Keystone: the accounts of services and tenants, and the catalog of every region."""

from __future__ import annotations

from typing import Any

from keystoneauth1.identity import v3
from keystoneauth1.session import Session
from keystoneclient.v3 import client

from lab import heat, places, process, settings, wsgi
from lab.topology import CONTROL, Topology
from lab.waiting import answers, wait_until

_SERVICE_ACCOUNTS = ("neutron", "nova", "glance", "placement", "heat")
# type, name, port, path
_SERVICES = (
    ("network", "neutron", 9696, ""),
    ("placement", "placement", 8778, ""),
    ("image", "glance", 9292, ""),
    ("compute", "nova", 8774, "/v2.1"),
    ("orchestration", "heat", 8004, "/v1/%(tenant_id)s"),
    ("cloudformation", "heat-cfn", 8000, "/v1"),
)


def configure(topology: Topology) -> None:
    """Write Keystone's configuration."""
    settings.write("keystone/keystone.conf", "keystone.conf", settings.of_control(topology))


def start_cache(topology: Topology) -> None:
    """Start memcached, where services keep what Keystone told them of a token."""
    words = ("-u", "nobody", "-m", "64", "-l", str(topology.management.control), "-p", "11211")
    process.start(process.Process("memcached", CONTROL, ("memcached", *words)))


def start(topology: Topology) -> None:
    """Start Keystone; `ensure_ready` waits for it."""
    process.start(
        wsgi.service(
            "keystone",
            wsgi.Listen(CONTROL, str(topology.management.control), 5000),
            "keystone.wsgi.api",
            {"OS_KEYSTONE_CONFIG_DIR": str(places.ETC / "keystone")},
            (str(places.ETC / "keystone" / "keystone.conf"),),
        )
    )


def ensure_ready(topology: Topology) -> None:
    """Return when Keystone answers and knows every account and endpoint."""
    url = settings.keystone_url(topology)
    wait_until(lambda: answers(f"{url}/v3"), 60, "Keystone", process.recorded("keystone").log)
    done = places.STATE / "catalog"
    if done.exists():
        return
    keystone = client.Client(
        session=Session(
            v3.Password(
                auth_url=f"{url}/v3",
                username="admin",
                password=topology.management.password,
                project_name="admin",
                user_domain_id="default",
                project_domain_id="default",
            )
        ),
        interface="public",
    )
    _ensure_accounts(keystone, topology)
    _ensure_stack_domain(keystone, topology)
    _ensure_catalog(keystone, topology)
    done.touch()


def _ensure_accounts(keystone: Any, topology: Topology) -> None:
    roles = {role.name: role for role in keystone.roles.list()}
    for name in ("admin", "member", "reader", "service", "heat_stack_user"):
        if name not in roles:
            roles[name] = keystone.roles.create(name)
    projects = {project.name: project for project in keystone.projects.list()}
    for name in ("service", *topology.projects):
        if name not in projects:
            projects[name] = keystone.projects.create(name, domain="default")
    users = {user.name: user for user in keystone.users.list()}
    for name in (*_SERVICE_ACCOUNTS, *topology.projects):
        if name not in users:
            password = topology.management.password
            users[name] = keystone.users.create(name, domain="default", password=password)
    grants = [(name, "service", ("admin", "service")) for name in _SERVICE_ACCOUNTS]
    grants += [(name, name, ("member", "reader")) for name in topology.projects]
    for user, project, granted in grants:
        for role in granted:
            keystone.roles.grant(roles[role], user=users[user], project=projects[project])


def _ensure_stack_domain(keystone: Any, topology: Topology) -> None:
    """What a stack's own servers log in as is kept apart from the cloud's users."""
    domains = {domain.name: domain for domain in keystone.domains.list()}
    domain = domains.get(heat.STACK_DOMAIN) or keystone.domains.create(heat.STACK_DOMAIN)
    users = {user.name: user for user in keystone.users.list(domain=domain)}
    admin = users.get(heat.STACK_DOMAIN_ADMIN) or keystone.users.create(
        heat.STACK_DOMAIN_ADMIN, domain=domain, password=topology.management.password
    )
    role = next(role for role in keystone.roles.list() if role.name == "admin")
    keystone.roles.grant(role, user=admin, domain=domain)


def _ensure_catalog(keystone: Any, topology: Topology) -> None:
    regions = {region.id for region in keystone.regions.list()}
    for site in topology.sites:
        if site.name not in regions:
            keystone.regions.create(site.name)
    services = {service.type: service for service in keystone.services.list()}
    present = {(e.service_id, e.interface, e.region_id) for e in keystone.endpoints.list()}

    def ensure(kind: str, name: str, region: str, url: str) -> None:
        if kind not in services:
            services[kind] = keystone.services.create(name, type=kind)
        service = services[kind].id
        for interface in ("public", "internal", "admin"):
            if (service, interface, region) not in present:
                keystone.endpoints.create(service, url, interface=interface, region=region)

    for site in topology.sites:
        ensure("identity", "keystone", site.name, f"{settings.keystone_url(topology)}/v3")
        for kind, name, port, path in _SERVICES:
            ensure(kind, name, site.name, f"http://{site.api}:{port}{path}")
