# SPDX-License-Identifier: Apache-2.0
"""A second Linux kernel, one that routes MPLS, as a process of this machine (user-mode Linux).

Its disk is this machine's, read-only; what it writes goes to memory and to one scratch folder. It
runs commands that are written to its console, and leaves output and exit code in that folder.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

KERNEL = "linux.uml"
MODULES = Path("/usr/lib/uml/modules")
SHIM = Path(__file__).with_name("ptrace_shim.c")
NETWORK_DEVICE = "vec0"

_INIT = """#!/bin/bash
export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root TERM=dumb
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t tmpfs tmpfs /run
mount -t tmpfs tmpfs /var
mkdir -p /run/netns /run/scratch /var/log /var/tmp
mount -t hostfs none /run/scratch -o {scratch}
mount -t tmpfs tmpfs /tmp
mkdir -p /tmp/modules/lib
ln -s {modules} /tmp/modules/lib/modules
for module in mpls_router mpls_iptunnel mpls_gso vrf veth; do modprobe -d /tmp/modules $module; done
touch /run/scratch/booted
exec bash --norc
"""


def missing_for_guest() -> str:
    """What this machine lacks to run a guest; empty: nothing."""
    if os.geteuid() != 0:
        return "root (network namespaces)"
    for command in (KERNEL, "gcc", "setpriv", "vtysh"):
        if shutil.which(command) is None:
            return f"{command} (tools/bootstrap brings it)"
    for path in (MODULES, Path("/dev/net/tun"), Path("/usr/lib/frr/zebra")):
        if not path.exists():
            return str(path)
    return ""


class Guest:
    """One booted kernel with one network device, a tap of the machine's.

    Args:
        folder: for the shim, the console and what commands leave.
        enter: prefix of a command that runs where the tap is.
        tap: the tap, with its MTU.
    """

    def __init__(self, folder: Path, enter: Sequence[str], tap: str, mtu: int) -> None:
        self._folder = folder
        self.scratch = folder / "scratch"
        self.scratch.mkdir()
        self._count = 0
        shim = folder / "shim.so"
        build = ["gcc", "-O2", "-shared", "-fPIC", "-o", str(shim), str(SHIM)]
        subprocess.run(build, check=True)
        init = folder / "init"
        init.write_text(_INIT.format(scratch=self.scratch, modules=MODULES))
        init.chmod(0o755)
        argv = [
            KERNEL, f"umid={folder.name}", f"uml_dir={folder}/", "mem=256M", "quiet",
            "root=/dev/root", "rootfstype=hostfs", "hostfs=/", "ro", f"init={init}",
            "con=null", "con0=fd:0,fd:1",
            f"{NETWORK_DEVICE}:transport=tap,ifname={tap},depth=128,mtu={mtu}",
        ]  # fmt: skip
        preload = ["env", f"LD_PRELOAD={shim}"]
        with (folder / "console.log").open("wb") as log:
            self._process = subprocess.Popen(
                ["setpriv", "--pdeathsig", "KILL", *enter, *preload, *argv],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                # It signals its whole group when it ends.
                start_new_session=True,
            )
        self._wait_for(self.scratch / "booted", within_s=60)

    def run(self, script: str, within_s: float = 30) -> str:
        """Run a script to its end; return what it printed."""
        self._count += 1
        name = f"command-{self._count}"
        (self.scratch / f"{name}.sh").write_text(script)
        there = f"/run/scratch/{name}"
        line = f"bash {there}.sh >{there}.out 2>&1 </dev/null; echo $? >{there}.code\n"
        assert self._process.stdin is not None
        self._process.stdin.write(line.encode())
        self._process.stdin.flush()
        code = self.scratch / f"{name}.code"
        self._wait_for(code, within_s)
        output = (self.scratch / f"{name}.out").read_text()
        assert code.read_text().strip() == "0", output
        return output

    def end(self) -> None:
        """End it like a power cut."""
        # Its processes are processes here, of the same group.
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        assert self._process.stdin is not None
        self._process.stdin.close()

    def _wait_for(self, file: Path, within_s: float) -> None:
        deadline = time.monotonic() + within_s
        while not (file.exists() and (file.stat().st_size or file.name == "booted")):
            assert self._process.poll() is None, self._said()
            assert time.monotonic() < deadline, f"{file.name} did not come: {self._said()}"
            time.sleep(0.02)

    def _said(self) -> str:
        log = self._folder / "console.log"
        return log.read_text(errors="replace")[-2000:]
