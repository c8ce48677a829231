# SPDX-License-Identifier: Apache-2.0
"""RabbitMQ, a broker of its own for every site."""

from __future__ import annotations

import socket
from pathlib import Path

from lab import places, process
from lab.process import Process
from lab.topology import Site, Topology
from lab.waiting import START_S, wait_until

PORT = 5672


def process_name(site: Site) -> str:
    """The process of the site's RabbitMQ."""
    return f"{site.name}-rabbitmq"


def start(topology: Topology, site: Site) -> None:
    """Start the site's RabbitMQ; `ensure_ready` waits for it."""
    state = _state(site)
    (state / "mnesia").mkdir(parents=True, exist_ok=True)
    # The account and its rights are made at the first start: rabbitmqctl costs seconds.
    (state / "rabbitmq.conf").write_text(
        f"listeners.tcp.1 = {site.api}:{PORT}\n"
        "loopback_users = none\n"
        "default_user = openstack\n"
        f"default_pass = {topology.management.password}\n"
        "log.file = false\nlog.console = true\nlog.console.level = warning\n"
    )
    (state / "enabled_plugins").write_text("[].\n")
    argv = (str(_program("rabbitmq-server")),)
    broker = Process(process_name(site), site.control_machine, argv, _environment(state))
    process.start(broker)


def ensure_ready(site: Site) -> None:
    """Return when the site's RabbitMQ takes messages. Its listener is the last thing it starts."""
    log = process.recorded(process_name(site)).log
    wait_until(lambda: _accepts(str(site.api), PORT), START_S, process_name(site), log)


def _state(site: Site) -> Path:
    return places.STATE / process_name(site)


def _accepts(address: str, port: int) -> bool:
    try:
        with socket.create_connection((address, port), timeout=2):
            return True
    except OSError:
        return False


def _program(name: str) -> Path:
    return next(Path("/usr/lib/rabbitmq/lib").glob(f"rabbitmq_server-*/sbin/{name}"))


def _environment(state: Path) -> dict[str, str]:
    # +S 2:2 and no busy waiting: the machine has few cores and many guests.
    return {
        "HOME": str(state),
        "RABBITMQ_NODENAME": "isthmus@localhost",
        "RABBITMQ_CONFIG_FILE": str(state / "rabbitmq"),
        "RABBITMQ_MNESIA_BASE": str(state / "mnesia"),
        "RABBITMQ_LOG_BASE": str(state),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(state / "enabled_plugins"),
        "RABBITMQ_PID_FILE": str(state / "pid"),
        "RABBITMQ_CONF_ENV_FILE": "/dev/null",
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+S 2:2 +sbwt none +sbwtdcpu none +sbwtdio none",
        "ERL_EPMD_ADDRESS": "127.0.0.1",
    }
