# SPDX-License-Identifier: Apache-2.0
"""A Keystone: the accounts of services and tenants, and the catalog of its regions."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from keystoneauth1.identity import v3
from keystoneauth1.session import Session
from keystoneclient.v3 import client

from lab import heat, places, process, settings, wsgi
from lab.topology import Keystone, Service, Topology
from lab.waiting import START_S, answers, wait_until

_PROCESSES = 3
# type, name, port, path
_SERVICES = {
    Service.NEUTRON: (("network", "neutron", 9696, ""),),
    Service.PLACEMENT: (("placement", "placement", 8778, ""),),
    Service.GLANCE: (("image", "glance", 9292, ""),),
    Service.NOVA: (("compute", "nova", 8774, "/v2.1"),),
    Service.HEAT: (
        ("orchestration", "heat", 8004, "/v1/%(tenant_id)s"),
        ("cloudformation", "heat-cfn", 8000, "/v1"),
    ),
}


def configure(topology: Topology, keystone: Keystone) -> None:
    """Write a Keystone's configuration."""
    file = f"{keystone.named('keystone')}/keystone.conf"
    settings.write(file, "keystone.conf", settings.of_keystone(topology, keystone))


def start_cache(keystone: Keystone) -> None:
    """Start memcached, where services keep what Keystone told them of a token."""
    words = ("-u", "nobody", "-m", "64", "-l", str(keystone.address), "-p", "11211")
    name = keystone.named("memcached")
    process.start(process.Process(name, keystone.machine, ("memcached", *words)))


def start(keystone: Keystone) -> None:
    """Start a Keystone; `ensure_ready` waits for it."""
    name = keystone.named("keystone")
    process.start(
        wsgi.service(
            name,
            wsgi.Listen(keystone.machine, str(keystone.address), 5000),
            "keystone.wsgi.api",
            {"OS_KEYSTONE_CONFIG_DIR": str(places.ETC / name)},
            (str(places.ETC / name / "keystone.conf"),),
            # Keystone's middleware keeps the token of a request where all threads see it: one may
            # be judged by the token of another.
            processes=_PROCESSES,
            threads=1,
        )
    )


def ensure_ready(keystone: Keystone, password: str) -> None:
    """Return when a Keystone answers and knows every account and endpoint.

    Args:
        keystone: which.
        password: of every account.
    """
    url, name = settings.keystone_url(keystone), keystone.named("keystone")
    wait_until(lambda: answers(f"{url}/v3"), START_S, name, process.recorded(name).log)
    done = places.STATE / keystone.named("catalog")
    if done.exists():
        return
    session = Session(
        v3.Password(
            auth_url=f"{url}/v3",
            username="admin",
            password=password,
            project_name="admin",
            user_domain_id="default",
            project_domain_id="default",
        )
    )
    api = client.Client(session=session, interface="public")
    services = sorted(set().union(*(site.services for site in keystone.sites)))
    _ensure_accounts(api, services, keystone.projects, password)
    if Service.HEAT in services:
        _ensure_stack_domain(api, password)
    _ensure_catalog(api, keystone)
    done.touch()


def _ensure_accounts(
    api: Any, services: Iterable[str], tenants: Iterable[str], password: str
) -> None:
    roles = {role.name: role for role in api.roles.list()}
    for name in ("admin", "member", "reader", "service", "heat_stack_user"):
        if name not in roles:
            roles[name] = api.roles.create(name)
    projects = {project.name: project for project in api.projects.list()}
    for name in ("service", *tenants):
        if name not in projects:
            projects[name] = api.projects.create(name, domain="default")
    users = {user.name: user for user in api.users.list()}
    for name in (*services, *tenants):
        if name not in users:
            users[name] = api.users.create(name, domain="default", password=password)
    grants = [(name, "service", ("admin", "service")) for name in services]
    grants += [(name, name, ("member", "reader")) for name in tenants]
    for user, project, granted in grants:
        for role in granted:
            api.roles.grant(roles[role], user=users[user], project=projects[project])


def _ensure_stack_domain(api: Any, password: str) -> None:
    """What a stack's own servers log in as is kept apart from the cloud's users."""
    domains = {domain.name: domain for domain in api.domains.list()}
    domain = domains.get(heat.STACK_DOMAIN) or api.domains.create(heat.STACK_DOMAIN)
    users = {user.name: user for user in api.users.list(domain=domain)}
    admin = users.get(heat.STACK_DOMAIN_ADMIN) or api.users.create(
        heat.STACK_DOMAIN_ADMIN, domain=domain, password=password
    )
    role = next(role for role in api.roles.list() if role.name == "admin")
    api.roles.grant(role, user=admin, domain=domain)


def _ensure_catalog(api: Any, keystone: Keystone) -> None:
    regions = {region.id for region in api.regions.list()}
    for site in keystone.sites:
        if site.name not in regions:
            api.regions.create(site.name)
    services = {service.type: service for service in api.services.list()}
    present = {(e.service_id, e.interface, e.region_id) for e in api.endpoints.list()}

    def ensure(kind: str, name: str, region: str, url: str) -> None:
        if kind not in services:
            services[kind] = api.services.create(name, type=kind)
        service = services[kind].id
        for interface in ("public", "internal", "admin"):
            if (service, interface, region) not in present:
                api.endpoints.create(service, url, interface=interface, region=region)

    for site in keystone.sites:
        ensure("identity", "keystone", site.name, f"{settings.keystone_url(keystone)}/v3")
        for service, endpoints in _SERVICES.items():
            for kind, name, port, path in endpoints if service in site.services else ():
                ensure(kind, name, site.name, f"http://{site.api}:{port}{path}")
