# SPDX-License-Identifier: Apache-2.0
"""Heat in one region: the API, its CloudFormation form, and the engine with Isthmus's resources."""

from __future__ import annotations

from functools import partial

from lab import clouds, places, process, settings, wsgi
from lab.process import Process
from lab.topology import Site, Topology
from lab.waiting import START_S, answers, wait_until
from lab.wsgi import Listen

#: Whose users are what a stack's own servers log in as.
STACK_DOMAIN = "heat"
STACK_DOMAIN_ADMIN = "heat_domain_admin"
_ENCRYPTION_KEY = "0123456789abcdef0123456789abcdef"
# Who asks Keystone about signatures: Heat's, and ours in its place.
_FILTERS = (
    "heat.api.aws.ec2token:EC2Token_filter_factory",
    "isthmus.heat.signed_queries:filter_factory",
)
_POLICY = places.CHECKOUT / "etc" / "isthmus" / "heat-policy.yaml"
_PLUGINS = places.CHECKOUT / "src" / "isthmus" / "heat" / "plugins"


def configure(topology: Topology, site: Site) -> None:
    """Write Heat's configuration for a region."""
    written = settings.write(f"{site.name}/heat/heat.conf", "heat.conf", values(topology, site))
    paste = (places.VENV / "etc" / "heat" / "api-paste.ini").read_text(encoding="utf-8")
    written.with_name("api-paste.ini").write_text(paste.replace(*_FILTERS), encoding="utf-8")


def values(topology: Topology, site: Site) -> dict[str, str]:
    """What fills the template. Pure."""
    return settings.of_site(topology, site) | {
        "stack_domain": STACK_DOMAIN,
        "stack_domain_admin": STACK_DOMAIN_ADMIN,
        "encryption_key": _ENCRYPTION_KEY,
        "plugins": str(_PLUGINS),
        "policy": str(_POLICY),
    }


def processes(site: Site) -> tuple[Process, ...]:
    """The engine and both APIs."""
    file = f"{places.ETC}/{site.name}/heat/heat.conf"
    option = f"--config-file={file}"
    name, machine = site.name, site.control_machine
    engine = Process(
        f"{name}-heat-engine", machine, (places.tool("heat-engine"), option), files=(file,)
    )
    apis = [
        wsgi.service(
            f"{name}-{short}",
            Listen(machine, str(site.api), port),
            module,
            {},
            (file,),
            *("--pyargv", option),
            threads=2,
        )
        for short, port, module in (
            ("heat-api", 8004, "heat.wsgi.api"),
            ("heat-api-cfn", 8000, "heat.wsgi.cfn"),
        )
    ]
    return engine, *apis


def start(site: Site) -> None:
    """Start Heat; `ensure_ready` waits for it."""
    for each in processes(site):
        process.start(each)


def ensure_ready(topology: Topology, site: Site) -> None:
    """Return when both APIs answer, and the engine answers them. Keystone has to be ready."""
    for short, port in (("heat-api", 8004), ("heat-api-cfn", 8000)):
        log = process.recorded(f"{site.name}-{short}").log
        answering = partial(answers, f"http://{site.api}:{port}/")
        wait_until(answering, START_S, f"{short} of {site.name}", log)
    engine = process.recorded(f"{site.name}-heat-engine").log
    cloud = clouds.connect(topology, site.name)
    wait_until(
        lambda: any(service["status"] == "up" for service in _engines(cloud)),
        START_S,
        f"heat-engine of {site.name}",
        engine,
        every_s=0.5,
    )


def _engines(cloud: object) -> list[dict[str, str]]:
    answer = cloud.orchestration.get("/services")  # type: ignore[attr-defined]  # sdk: no types
    return list(answer.json().get("services", [])) if answer.ok else []
