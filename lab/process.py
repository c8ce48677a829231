# SPDX-License-Identifier: Apache-2.0
"""Start, find and end the lab's long-running processes, each recorded under its name.

A record outlives the program that made it: any later run can find, stop or start the process.
"""

from __future__ import annotations

import hashlib
import json
import signal
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path

from lab import machine, places
from lab.pid import Pid, all_gone, children, command_line, descendants, spawn

_SUPERVISOR = Path(__file__).with_name("supervisor.py")


@dataclass(frozen=True, slots=True)
class Process:
    """A long-running process of the lab.

    Attributes:
        machine: the machine it runs in.
        supervised: started again when it dies.
        restart_argv: used instead of ``argv`` when the supervisor starts it again; empty: the same.
        files: its configuration; a process whose configuration changed is not up to date.
    """

    name: str
    machine: str
    argv: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)
    supervised: bool = False
    restart_argv: tuple[str, ...] = ()
    files: tuple[str, ...] = ()

    @property
    def log(self) -> Path:
        """Everything the process writes to its standard output and error."""
        return places.LOGS / f"{self.name}.log"


def start(process: Process) -> bool:
    """Start a process unless it runs already, and record it.

    One that runs with another command or configuration is ended first.

    Returns:
        Whether it had to be started.
    """
    record = json.dumps(asdict(process) | {"digest": _digest(process.files)}, indent=2)
    if is_alive(process.name):
        if _record_file(process.name).read_text() == record:
            return False
        stop(process.name)
    _record_file(process.name).write_text(record)
    enter = machine.enter(process.machine)
    command = [*enter, *process.argv]
    if process.supervised:
        again = [*enter, *(process.restart_argv or process.argv)]
        command = [str(places.PYTHON), "-S", "-E", str(_SUPERVISOR)]
        command += [str(places.PIDS / process.name), json.dumps([*enter, *process.argv])]
        command += [json.dumps(again)]
    spawn(command, process.log, process.environment).write(_pid_file(process.name))
    return True


def recorded(name: str) -> Process:
    """The process as it was last started.

    Raises:
        KeyError: no process of that name was ever started in this lab.
    """
    try:
        values = json.loads(_record_file(name).read_text())
    except FileNotFoundError:
        raise KeyError(f"the lab has no process {name!r}") from None
    values.pop("digest", None)
    for key in ("argv", "restart_argv", "files"):
        values[key] = tuple(values[key])
    return Process(**values)


def names() -> list[str]:
    """Every process ever started in this lab, sorted."""
    return sorted(path.stem for path in places.PROCESSES.glob("*.json"))


def recorded_pid(name: str) -> Pid | None:
    """What was started under this name: nsenter or the supervisor; None when it is dead."""
    pid = Pid.read(_pid_file(name))
    return pid if pid is not None and pid.is_alive() else None


def is_alive(name: str) -> bool:
    """Whether the process runs, or the supervisor that will start it again does."""
    return recorded_pid(name) is not None


def main_pid(name: str) -> Pid | None:
    """The process itself: neither its supervisor nor the nsenter that started it."""
    process = recorded(name)
    if process.supervised:
        pid = Pid.read(places.PIDS / f"{name}.child")
    else:
        pid = Pid.read(_pid_file(name))
    if pid is None or not pid.is_alive():
        return None
    return next((child for child in children(pid.number)), None)


def restarts(name: str) -> int:
    """How often the supervisor had to start the process again."""
    try:
        return int((places.PIDS / f"{name}.restarts").read_text())
    except (OSError, ValueError):
        return 0


def kill(name: str) -> None:
    """End the process at once with SIGKILL; a supervisor starts it again.

    Raises:
        ProcessLookupError: it does not run.
    """
    pid = main_pid(name)
    if pid is None:
        raise ProcessLookupError(f"{name} does not run")
    pid.send(signal.SIGKILL)


def stop(name: str, patience_s: float = 10) -> None:
    """End the process for good: SIGTERM first, SIGKILL for what is left after ``patience_s``.

    Returns once nothing of it runs.
    """
    pid = Pid.read(_pid_file(name))
    if pid is None or not pid.is_alive():
        return
    family = [pid, *descendants(pid.number)]
    target = pid if recorded(name).supervised else (main_pid(name) or pid)
    target.send(signal.SIGTERM)
    if not all_gone(family, patience_s):
        family += descendants(pid.number)
        for member in family:
            member.send(signal.SIGKILL)
        all_gone(family, patience_s)


def stray_supervisors() -> list[Pid]:
    """Supervisors of this checkout's lab, recorded or not."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            words = command_line(entry)
            if str(_SUPERVISOR) in words[:4] and (pid := Pid.of(int(entry.name))):
                found.append(pid)
    return found


def start_again(name: str) -> None:
    """Start a stopped process as it was started before.

    Raises:
        KeyError: no process of that name was ever started in this lab.
    """
    start(recorded(name))


def forget_machine(machine_name: str) -> None:
    """End what is left, outside the machine, of a dead machine's processes."""
    for name in names():
        if recorded(name).machine == machine_name and is_alive(name):
            stop(name, patience_s=1)


def forget(name: str) -> None:
    """Have a process that has ended never have been started; its log stays."""
    for kept in ("pid", "child", "restarts"):
        (places.PIDS / f"{name}.{kept}").unlink(missing_ok=True)
    _record_file(name).unlink(missing_ok=True)


def _digest(files: tuple[str, ...]) -> str:
    sha = hashlib.sha256()
    for file in files:
        sha.update(Path(file).read_bytes())
    return sha.hexdigest()


def _pid_file(name: str) -> Path:
    return places.PIDS / f"{name}.pid"


def _record_file(name: str) -> Path:
    return places.PROCESSES / f"{name}.json"
