# SPDX-License-Identifier: Apache-2.0
"""Two regions without virtual machines, west and east, and what a reader of a page has."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from lab.waiting import wait_until
from tests.walks import shell
from tests.walks.projects import OPERATOR, PROJECTS

_SITES = ("west", "east")
_ROOT = Path(__file__).resolve().parents[2]
# Neutron takes seconds to start; on a machine with much else to do, many.
_START_S = 120


class TwoRegions:
    """They are up.

    Attributes:
        environment: what commands need to find them.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.environment = {
            "OS_CLIENT_CONFIG_FILE": str(folder / "clouds.yaml"),
            "PATH": f"{folder}:/usr/bin:/bin",
            "CLIFF_MAX_TERM_WIDTH": "200",
            "COLUMNS": "200",
        }

    def empty(self) -> None:
        """Have them forget everything."""
        for site in _SITES:
            self.happen(site, "back")
            self._file(site, "documents").unlink(missing_ok=True)
        for site in _SITES:
            self._file(site, "empty").touch()
        for site in _SITES:
            wait_until(partial(_is_not_there, self._file(site, "empty")), 60, f"{site} to be empty")

    def happen(self, site: str, state: str) -> None:
        """Have a site go or come back."""
        file = self._file(site, "gone")
        if state == "gone":
            file.touch()
        else:
            file.unlink(missing_ok=True)

    def _file(self, site: str, kind: str) -> Path:
        return self._folder / f"{site}.{kind}"


def _is_not_there(file: Path) -> bool:
    return not file.exists()


@contextmanager
def start(folder: Path) -> Iterator[TwoRegions]:
    """Start them; they end with the context."""
    listening = folder / "openstack.socket"
    processes = [
        _run(folder, "tests.walks.shell", str(listening)),
        *(
            _run(folder, "tests.walks.region", *names, str(folder))
            for names in (_SITES, reversed(_SITES))
        ),
    ]
    try:
        awaited = [listening, *(folder / f"{site}.url" for site in _SITES)]
        for file in awaited:
            wait_until(file.exists, _START_S, f"{file.name}")
        shell.install(folder, listening)
        (folder / "clouds.yaml").write_text(json.dumps({"clouds": _clouds(folder)}))
        yield TwoRegions(folder)
    finally:
        (folder / "end").touch()
        for process in processes:
            process.kill()
            process.wait()


def _run(folder: Path, module: str, *arguments: str) -> subprocess.Popen[bytes]:
    with (folder / f"{module}.log").open("ab") as log:
        command = [sys.executable, "-W", "ignore", "-m", module, *arguments]
        return subprocess.Popen(command, cwd=_ROOT, stdout=log, stderr=log)


def _clouds(folder: Path) -> dict[str, object]:
    return {
        f"{site}-{name}": {
            "auth_type": "admin_token",
            "auth": {"endpoint": (folder / f"{site}.url").read_text(), "token": token},
        }
        for site in _SITES
        for name, token in {**PROJECTS, "admin": OPERATOR}.items()
    }
