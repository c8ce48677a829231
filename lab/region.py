# SPDX-License-Identifier: Apache-2.0
"""The control plane of one region: neutron, placement, glance and nova; Heat's is `lab.heat`."""

from __future__ import annotations

import shutil
from functools import partial

from lab import clouds, places, process, settings, wsgi
from lab.process import Process
from lab.schemas import neutron_files
from lab.topology import Service, Site, Topology
from lab.waiting import START_S, answers, wait_until
from lab.wsgi import Listen

# Two, as everywhere in production: what they do at once must not harm.
_NEUTRON_APIS = 2
_WARM_UPS = 6 * _NEUTRON_APIS
_FILES = {
    Service.PLACEMENT: ("placement.conf",),
    Service.GLANCE: ("glance-api.conf",),
    Service.NEUTRON: ("neutron.conf", "ml2_conf.ini"),
    Service.NOVA: ("nova.conf",),
}
_SERVICE_PLUGINS = ("ovn-router", "trunk", "segments", "qos", "tag", "port_forwarding", "isthmus")


def configure(topology: Topology, site: Site) -> None:
    """Write the configuration of every service of the region."""
    values = settings.of_site(topology, site) | neutron_values(topology, site)
    for service, files in _FILES.items():
        for file in files if service in site.services else ():
            settings.write(f"{site.name}/{service}/{file}", file, values)
    if Service.NOVA in site.services:
        # Its WSGI module takes the first of its files for the paste file and wants both in one
        # place.
        paste = places.VENV / "etc" / "nova" / "api-paste.ini"
        shutil.copy(paste, places.ETC / site.name / "nova" / "api-paste.ini")
    state = places.STATE / site.name
    for folder in ("glance/images", "glance/staging", "neutron", "nova", "lock"):
        (state / folder).mkdir(parents=True, exist_ok=True)


def neutron_values(topology: Topology, site: Site) -> dict[str, str]:
    """What Neutron's configuration says of the services beside it. Pure."""
    account = settings.of_site(topology, site)["account"]
    others = [each for each in (Service.NOVA, Service.PLACEMENT) if each in site.services]
    return {
        "service_plugins": ",".join(_SERVICE_PLUGINS),
        "has_nova": str(Service.NOVA in others).lower(),
        "accounts_at_others": "\n".join(
            f"[{name}]\nusername = {name}\n{account}" for name in others
        ),
    }


def neutron_processes(site: Site) -> tuple[Process, ...]:
    """The four of neutron: API, RPC, background workers, OVN maintenance."""
    name, options = site.name, neutron_files(site)
    files = tuple(option.partition("=")[2] for option in options)
    api = wsgi.service(
        f"{name}-neutron-api",
        Listen(site.control_machine, str(site.api), 9696),
        "neutron.wsgi.api",
        {
            "OS_NEUTRON_CONFIG_DIR": str(places.ETC / name / "neutron"),
            "OS_NEUTRON_CONFIG_FILES": "neutron.conf;ml2_conf.ini",
        },
        files,
        processes=_NEUTRON_APIS,
    )
    others = {
        "neutron-rpc": "neutron-rpc-server",
        "neutron-periodic": "neutron-periodic-workers",
        "neutron-ovn-maintenance": "neutron-ovn-maintenance-worker",
    }
    return (
        api,
        *(
            Process(
                f"{name}-{short}",
                site.control_machine,
                (places.tool(program), *options),
                files=files,
            )
            for short, program in others.items()
        ),
    )


def api_processes(site: Site) -> tuple[Process, ...]:
    """Every API of the region and all of neutron, slowest to start first."""
    name, etc = site.name, places.ETC / site.name
    machine, address = site.control_machine, str(site.api)
    others = {
        Service.NOVA: wsgi.service(
            f"{name}-nova-api",
            Listen(machine, address, 8774),
            "nova.wsgi.osapi_compute",
            {"OS_NOVA_CONFIG_DIR": f"{etc}/nova"},
            (f"{etc}/nova/nova.conf",),
        ),
        Service.PLACEMENT: wsgi.service(
            f"{name}-placement",
            Listen(machine, address, 8778),
            "placement.wsgi.api",
            {"OS_PLACEMENT_CONFIG_DIR": f"{etc}/placement"},
            (f"{etc}/placement/placement.conf",),
        ),
        Service.GLANCE: wsgi.service(
            f"{name}-glance",
            Listen(machine, address, 9292),
            "glance.wsgi.api",
            {"OS_GLANCE_CONFIG_DIR": f"{etc}/glance"},
            (f"{etc}/glance/glance-api.conf",),
            "--http-chunked-input",
        ),
    }
    chosen = [each for service, each in others.items() if service in site.services]
    return (*neutron_processes(site), *chosen)


def nova_processes(site: Site) -> tuple[Process, ...]:
    """What nova runs beside its API. It ends at once if Keystone does not know it."""
    file = f"{places.ETC}/{site.name}/nova/nova.conf"
    return tuple(
        Process(
            f"{site.name}-{program}",
            site.control_machine,
            (places.tool(program), f"--config-file={file}"),
            files=(file,),
        )
        for program in ("nova-conductor", "nova-scheduler")
    )


def start_apis(site: Site) -> None:
    """Start the region's APIs; `wait_for_apis` waits for them."""
    for service in api_processes(site):
        process.start(service)


def start_nova(site: Site) -> None:
    """Start what runs beside nova's API. Keystone has to be ready."""
    for service in nova_processes(site):
        process.start(service)


def wait_for_apis(site: Site) -> None:
    """Return when every API of the region answers."""
    for service, name, path in (
        (Service.PLACEMENT, "placement", ":8778/"),
        (Service.GLANCE, "glance", ":9292/healthcheck"),
        (Service.NOVA, "nova-api", ":8774/"),
        (Service.NEUTRON, "neutron-api", ":9696/"),
    ):
        if service in site.services:
            log = process.recorded(f"{site.name}-{name}").log
            url = f"http://{site.api}{path}"
            wait_until(partial(answers, url), START_S, f"{name} of {site.name}", log)


def warm_up(topology: Topology, site: Site) -> None:
    """Make the first authenticated requests, one after the other.

    Two at once to a neutron API that has not read its policies yet, and one is refused with 403.
    Who of the API's processes answers is chance: so many that each had its turn.
    """
    cloud = clouds.connect(topology, site.name)
    for _ in range(_WARM_UPS):
        list(cloud.network.networks(limit=1, paginated=False))
    if Service.NOVA in site.services:
        list(cloud.compute.servers())
