# SPDX-License-Identifier: Apache-2.0
"""An OpenStack API as a WSGI service under uwsgi."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from lab.places import tool
from lab.process import Process


class Listen(NamedTuple):
    """Where a service runs, and answers."""

    machine: str
    address: str
    port: int


def service(
    name: str,
    listen: Listen,
    module: str,
    environment: Mapping[str, str],
    files: tuple[str, ...],
    *extra: str,
    processes: int = 1,
    threads: int = 6,
) -> Process:
    """A uwsgi master with workers, which find their files by the environment.

    ``--lazy-apps``: connections opened while loading must not be shared by fork.
    ``Connection: close``: uwsgi's HTTP socket drops kept-alive connections at random.
    """
    argv = (
        *(tool("uwsgi"), "--http-socket", f"{listen.address}:{listen.port}"),
        *("--module", module, "--callable", "application"),
        *("--master", "--processes", str(processes), "--threads", str(threads), "--enable-threads"),
        *("--lazy-apps", "--need-app", "--die-on-term", "--thunder-lock"),
        *("--buffer-size", "65535", "--add-header", "Connection: close", "--disable-logging"),
        *extra,
    )
    return Process(name, listen.machine, argv, environment, files=files)
