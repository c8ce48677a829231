# SPDX-License-Identifier: Apache-2.0
"""A machine of the lab: network, mount, host name and pid namespaces kept by one pid.

The namespaces have no names under /run/netns, which anybody may clear. Whatever a machine runs
ends when its keeper does. `nsenter` is the way in; it changes the working directory to ``/``.
"""

from __future__ import annotations

import contextlib
import re
import shutil
import signal
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lab import places
from lab.pid import Pid, all_gone, children, command_line, descendants, environment, spawn
from lab.waiting import START_S, wait_until

_MARK = "isthmus-lab-machine"
_KEEPER = """
set -e
name=$1 here=$2; shift 2
hostname "$name"
mount -t sysfs sysfs /sys
mount -t tmpfs -o mode=755 tmpfs /run
mkdir -p /run/lock /run/isthmus /run/tmp
chmod 700 /run/isthmus
for path in "$@"; do mount --bind "$here/root$path" "$path"; done
mount --bind "$here/hosts" /etc/hosts
sysctl -qw net.ipv6.conf.default.disable_ipv6=1
ip link set lo up
touch "$here/ready"
trap 'exit 0' TERM
while :; do sleep 86400 & wait $!; done
"""
#: A link whose peer is in another namespace, as iproute2 shows it: "5: management@if6: <…".
_VETH = re.compile(r"(\d+): [^@ ]+@if(\d+):")
_NAMESPACES = ("--net", "--mount", "--uts", "--pid")


@dataclass(frozen=True, slots=True)
class Machine:
    """One machine.

    Attributes:
        private: directories it does not share with the others; kept while the lab exists.
    """

    name: str
    private: tuple[str, ...] = ()

    @property
    def directory(self) -> Path:
        """Where this machine's own files are kept."""
        return places.MACHINES / self.name

    def path(self, inside: str) -> Path:
        """Where a file in one of the private directories is seen from outside."""
        return self.directory / "root" / inside.lstrip("/")

    def ensure(self, hosts: str) -> bool:
        """Make the machine unless it is there.

        Args:
            hosts: its ``/etc/hosts``.

        Returns:
            Whether it had to be made.
        """
        if keeper(self.name) is not None:
            return False
        for inside in self.private:
            self.path(inside).mkdir(parents=True, exist_ok=True)
        self.directory.mkdir(parents=True, exist_ok=True)
        (self.directory / "hosts").write_text(hosts)
        ready = self.directory / "ready"
        ready.unlink(missing_ok=True)
        self._keep()
        wait_until(ready.exists, START_S, f"machine {self.name}", places.LOGS / f"{self.name}.log")
        return True

    def _keep(self) -> None:
        command = ["unshare", *_NAMESPACES, "--fork", "--kill-child", "--mount-proc"]
        command += ["bash", "-c", _KEEPER, _MARK, self.name, str(self.directory), *self.private]
        spawn(command, places.LOGS / f"{self.name}.log").write(_pid_file(self.name))

    def run(
        self, argv: Sequence[str], *, check: bool = True, timeout_s: float = 60, text: str = ""
    ) -> subprocess.CompletedProcess[str]:
        """Run a command in the machine to its end.

        Args:
            argv: the command.
            check: raise `CommandFailed` when it exits with anything but 0.
            timeout_s: how long it may take.
            text: its standard input.
        """
        done = subprocess.run(
            [*enter(self.name), *argv],
            check=False,
            capture_output=True,
            text=True,
            input=text,
            timeout=timeout_s,
            env=environment(),
        )
        if check and done.returncode:
            raise CommandFailed(self.name, argv, done)
        return done

    def succeeds(self, argv: Sequence[str]) -> bool:
        """Run a command in the machine; return whether it exits with 0."""
        return self.run(argv, check=False).returncode == 0

    def ip(self, *lines: str) -> None:
        """Run lines of iproute2 in one batch."""
        self.run(["ip", "-batch", "-"], text="\n".join(lines) + "\n")


class CommandFailed(RuntimeError):
    """A command in a machine exited with something else than 0.

    Attributes:
        log: where all it said can be read, if it was kept.
    """

    def __init__(
        self,
        where: str,
        argv: Sequence[str],
        done: subprocess.CompletedProcess[str],
        log: Path | None = None,
    ) -> None:
        last = ((done.stderr or done.stdout).strip().splitlines() or ["(it said nothing)"])[-1]
        super().__init__(f"{where}: {' '.join(argv)}: exit {done.returncode}: {last}")
        self.log = log


class MachineDead(RuntimeError):
    """A machine that should be there is not."""


def keeper(name: str) -> Pid | None:
    """The process that keeps the machine's namespaces, from inside them; None when it is dead."""
    outer = Pid.read(_pid_file(name))
    if outer is None or not outer.is_alive():
        return None
    return next(iter(children(outer.number)), None)


def enter(name: str) -> list[str]:
    """The command prefix that runs the rest in the machine.

    Raises:
        MachineDead: nothing keeps it.
    """
    inner = keeper(name)
    if inner is None:
        raise MachineDead(f"machine {name} is not running; `python -m lab up` makes it")
    return ["nsenter", "-t", str(inner.number), "-n", "-m", "-u", "-p", "--"]


def names() -> list[str]:
    """Every machine ever made in this lab."""
    return sorted(path.name.removesuffix(".machine") for path in places.PIDS.glob("*.machine"))


def connect(near: str, near_interface: str, far: str | None, far_interface: str, mtu: int) -> bool:
    """Join two machines by a veth pair unless they are joined.

    Args:
        near: a machine.
        near_interface: the name there.
        far: another machine, or None for the namespace this runs in.
        far_interface: the name there.
        mtu: of both ends.

    Returns:
        Whether the pair had to be made.
    """
    near_end, far_end = _link(near, near_interface), _link(far, far_interface)
    if near_end and far_end and near_end == far_end[::-1]:
        return False
    # One end without the other leads to a machine that is dead, or dying: its namespace may outlive
    # it for a while, and takes the pair along when it goes.
    for where, interface, end in ((near, near_interface, near_end), (far, far_interface, far_end)):
        if end:
            _run_at(where, ["ip", "link", "delete", interface])
    # Only from the outermost pid namespace do both pids mean something.
    command = ["ip", "link", "add", near_interface, "mtu", str(mtu), "netns", _namespace(near)]
    command += ["type", "veth", "peer", "name", far_interface, "mtu", str(mtu)]
    if far is not None:
        command += ["netns", _namespace(far)]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        raise CommandFailed("this machine", command, done)
    return True


def _link(where: str | None, interface: str) -> tuple[str, str] | None:
    """An interface's own number and that of its veth peer; None when it is not there."""
    # Not by /sys, which may be that of another network namespace than the one this runs in.
    shown = _run_at(where, ["ip", "-oneline", "link", "show", interface]).stdout
    numbers = _VETH.match(shown)
    return (numbers[1], numbers[2]) if numbers else None


def _run_at(where: str | None, argv: list[str]) -> subprocess.CompletedProcess[str]:
    prefix = [] if where is None else enter(where)
    return subprocess.run([*prefix, *argv], capture_output=True, text=True, check=False)


def strays() -> list[Pid]:
    """Keepers of this checkout's machines, recorded or not."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdecimal():
            continue
        words = command_line(entry)
        if words[:1] == ["unshare"] and _MARK in words:
            directory = Path(words[words.index(_MARK) + 2])
            keeper_pid = Pid.of(int(entry.name))
            if keeper_pid and directory.parent == places.MACHINES:
                found.append(keeper_pid)
    return found


def end_all() -> bool:
    """End every machine of this checkout and with it everything inside.

    Returns:
        Whether everything is gone.
    """
    return _end(strays())


def end(names: Sequence[str]) -> bool:
    """End machines at once, as when the power goes: what they run, their links; disks stay.

    Returns:
        Whether nothing of them is left.
    """
    # What has lost its parent is not below the keeper, but in its namespace.
    left = [pid for name in names for pid in inhabitants(name)]
    outer = [pid for name in names if (pid := Pid.read(_pid_file(name)))]
    return _end(outer) and all_gone(left, 10)


def inhabitants(name: str) -> list[Pid]:
    """Every process in a machine, whoever its parent is, its keeper's among them."""
    inner = keeper(name)
    if inner is None:
        return []
    namespace = Path(f"/proc/{inner.number}/ns/pid").readlink()
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            with contextlib.suppress(OSError):
                if (entry / "ns" / "pid").readlink() == namespace:
                    pid = Pid.of(int(entry.name))
                    found += [pid] if pid else []
    return found


def forget(name: str) -> None:
    """Delete what a machine that has ended kept for itself, and its record."""
    shutil.rmtree(places.MACHINES / name, ignore_errors=True)
    _pid_file(name).unlink(missing_ok=True)


def end_unrecorded() -> bool:
    """End machines of this checkout whose records are lost, so that they can be made again."""
    recorded = {pid for name in names() if (pid := Pid.read(_pid_file(name)))}
    return _end([keeper_pid for keeper_pid in strays() if keeper_pid not in recorded])


def _end(keepers: list[Pid]) -> bool:
    everybody = keepers + [pid for outer in keepers for pid in descendants(outer.number)]
    for pid in everybody:
        pid.send(signal.SIGKILL)
    return all_gone(everybody, 10)


def _namespace(name: str) -> str:
    return enter(name)[2]


def _pid_file(name: str) -> Path:
    return places.PIDS / f"{name}.machine"
