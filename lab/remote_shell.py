# SPDX-License-Identifier: Apache-2.0
"""SSH between compute hosts: before nova moves a VM, it asks by it whether its directory is shared.

One key of the lab's own is every host's and its root's; nothing outside the lab knows or trusts it.
"""

from __future__ import annotations

import shutil
import subprocess

from lab import places, process, settings
from lab.machine import Machine
from lab.process import Process
from lab.topology import Host

#: Where OpenSSH keeps its files; a compute host has them for itself.
PRIVATE = ("/etc/ssh",)
_KEY = places.STATE / "ssh" / "key"


def ensure_key() -> None:
    """Make the lab's key unless it is there."""
    if _KEY.exists():
        return
    _KEY.parent.mkdir(parents=True, exist_ok=True)
    words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "lab", "-f", str(_KEY)]
    subprocess.run(words, check=True, capture_output=True)


def configure(host: Host) -> None:
    """Write the configuration of the host's server and client."""
    folder = Machine(host.name, PRIVATE).path("/etc/ssh")
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(_KEY, folder / "key")
    public = _KEY.with_suffix(".pub").read_text(encoding="utf-8")
    (folder / "authorized_keys").write_text(public, encoding="utf-8")
    (folder / "known_hosts").write_text(f"* {public}", encoding="utf-8")
    for name in ("ssh_config", "sshd_config"):
        text = settings.render(name, {"management": str(host.management)})
        (folder / name).write_text(text, encoding="utf-8")


def start(host: Host) -> None:
    """The host's server; nobody has to wait for it."""
    machine = Machine(host.name, PRIVATE)
    machine.run(["mkdir", "-p", "/run/sshd"])
    file = machine.path("/etc/ssh/sshd_config")
    argv = (shutil.which("sshd", path="/usr/sbin:/sbin") or "/usr/sbin/sshd", "-D", "-e")
    process.start(Process(f"{host.name}-sshd", host.name, argv, files=(str(file),)))
