# SPDX-License-Identifier: Apache-2.0
"""RabbitMQ with one virtual host per region, and memcached."""

from __future__ import annotations

import socket
from pathlib import Path

from lab import places, process
from lab.machine import Machine
from lab.topology import CONTROL, Topology
from lab.waiting import wait_until

NAME = "rabbitmq"
_STATE = places.STATE / "rabbitmq"


def start(topology: Topology) -> None:
    """Start RabbitMQ and memcached; `ensure_ready` waits for them."""
    address = topology.management.control
    memcached = ("memcached", "-u", "nobody", "-m", "64", "-l", str(address), "-p", "11211")
    process.start(process.Process("memcached", CONTROL, memcached))
    (_STATE / "mnesia").mkdir(parents=True, exist_ok=True)
    (_STATE / "rabbitmq.conf").write_text(
        f"listeners.tcp.1 = {address}:5672\n"
        "loopback_users = none\n"
        "default_user = openstack\n"
        f"default_pass = {topology.management.password}\n"
        "log.file = false\nlog.console = true\nlog.console.level = warning\n"
    )
    (_STATE / "enabled_plugins").write_text("[].\n")
    process.start(
        process.Process(NAME, CONTROL, (str(_program("rabbitmq-server")),), _environment())
    )


def ensure_ready(topology: Topology) -> None:
    """Return when RabbitMQ takes messages for every region."""
    address = str(topology.management.control)
    log = process.recorded(NAME).log
    wait_until(lambda: _accepts(address, 5672), 90, "RabbitMQ", log)
    done = _STATE / "virtual-hosts"
    if done.exists():
        return
    # One Erlang VM for everything: each rabbitmqctl costs a second of CPU.
    account = '<<"openstack">>'
    hosts = ", ".join(f'<<"{site.name}">>' for site in topology.sites)
    expression = (
        "rabbit:await_startup(), "
        f"[begin (catch rabbit_vhost:add(V, {account})), "
        f"rabbit_auth_backend_internal:set_permissions({account}, V, "
        f'<<".*">>, <<".*">>, <<".*">>, {account}) end || V <- [{hosts}]].'
    )
    argv = ["env", *(f"{k}={v}" for k, v in _environment().items())]
    argv += [str(_program("rabbitmqctl")), "-q", "eval", expression]
    # A virtual machine of Erlang takes a loaded machine more than a minute to start.
    Machine(CONTROL).run(argv, timeout_s=180)
    done.touch()


def _accepts(address: str, port: int) -> bool:
    try:
        with socket.create_connection((address, port), timeout=2):
            return True
    except OSError:
        return False


def _program(name: str) -> Path:
    return next(Path("/usr/lib/rabbitmq/lib").glob(f"rabbitmq_server-*/sbin/{name}"))


def _environment() -> dict[str, str]:
    # +S 2:2 and no busy waiting: the machine has few cores and many guests.
    return {
        "HOME": str(_STATE),
        "RABBITMQ_NODENAME": "isthmus@localhost",
        "RABBITMQ_CONFIG_FILE": str(_STATE / "rabbitmq"),
        "RABBITMQ_MNESIA_BASE": str(_STATE / "mnesia"),
        "RABBITMQ_LOG_BASE": str(_STATE),
        "RABBITMQ_ENABLED_PLUGINS_FILE": str(_STATE / "enabled_plugins"),
        "RABBITMQ_PID_FILE": str(_STATE / "pid"),
        "RABBITMQ_CONF_ENV_FILE": "/dev/null",
        "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "+S 2:2 +sbwt none +sbwtdcpu none +sbwtdio none",
        "ERL_EPMD_ADDRESS": "127.0.0.1",
    }
