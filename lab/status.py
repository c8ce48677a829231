# SPDX-License-Identifier: Apache-2.0
"""Tell what runs in the lab: machines, processes, guests and BGP sessions."""

from __future__ import annotations

import json
import re
import signal
from collections.abc import Sequence

from lab import machine, places, present, process
from lab.machine import Machine
from lab.topology import CONTROL, ReflectorMake, RouteReflector, Topology

# SessionState of gobgp.proto
_GOBGP_STATES = ("", "Idle", "Connect", "Active", "OpenSent", "OpenConfirm", "Established")


def status(topology: Topology) -> bool:
    """Print tables of what runs.

    Returns:
        Whether every machine and every process that was started runs.
    """
    # Whoever reads only the first lines is done with the rest.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    wanted = [CONTROL, topology.core.p_router, topology.interconnect.exchange]
    for site in present.sites(topology):
        wanted += [site.control_machine, site.interconnect_machine]
    wanted += [reflector.name for reflector in topology.route_reflectors]
    wanted += [host.name for host in topology.hosts]
    dead_machines = [name for name in wanted if machine.keeper(name) is None]
    if len(dead_machines) == len(wanted):
        print("The lab is down. `python -m lab up` brings it up.")
        return False
    _print_table(
        ("MACHINE", "STATE"), [(name, _word(name not in dead_machines)) for name in wanted]
    )
    processes = process.names()
    _print_table(
        ("PROCESS", "STATE", "PID", "STARTED AGAIN"), [_process_row(name) for name in processes]
    )
    alive = [host.name for host in topology.hosts if host.name not in dead_machines]
    _print_table(("GUEST", "HOST", "STATE"), [row for host in alive for row in _guests(host)])
    sessions = []
    for reflector in topology.route_reflectors:
        if reflector.name not in dead_machines:
            sessions += _sessions(reflector)
    names = {str(host.provider_edge): host.name for host in topology.hosts}
    _print_table(
        ("REFLECTOR", "PROVIDER EDGE", "BGP SESSION", "ROUTES FROM IT"),
        [(name, names.get(address, address), state, n) for name, address, state, n in sessions],
    )
    dead = dead_machines + [name for name in processes if process.main_pid(name) is None]
    if dead:
        print(
            f"Dead: {', '.join(dead)}. Their logs are in {places.LOGS}; "
            "`python -m lab up` starts them again."
        )
    return not dead


def _word(is_alive: bool) -> str:  # noqa: FBT001  # a word for a truth value
    return "runs" if is_alive else "DEAD"


def _process_row(name: str) -> tuple[str, str, str, str]:
    pid = process.main_pid(name)
    again = str(process.restarts(name)) if process.recorded(name).supervised else ""
    return name, _word(pid is not None), str(pid.number) if pid else "", again


def _guests(host: str) -> list[tuple[str, str, str]]:
    """From libvirt's own records: no process to ask, no time to wait."""
    records = Machine(host).run(["sh", "-c", "cat /run/libvirt/qemu/*.xml"], check=False).stdout
    found = []
    for record in records.split("</domstatus>"):
        name = re.search(r"<nova:name>(.*?)</nova:name>", record)
        state = re.search(r"<domstatus state='(.*?)'", record)
        if name and state:
            found.append((name[1], host, state[1]))
    return sorted(found)


def _sessions(reflector: RouteReflector) -> list[tuple[str, str, str, str]]:
    read = {ReflectorMake.FRR: _frr_sessions, ReflectorMake.GOBGP: _gobgp_sessions}
    try:
        found = read[reflector.make](Machine(reflector.name))
    except (RuntimeError, ValueError) as reason:
        return [(reflector.name, "?", str(reason), "")]
    return [(reflector.name, *session) for session in found]


def _frr_sessions(reflector: Machine) -> list[tuple[str, str, str]]:
    said = reflector.run(["vtysh", "-c", "show bgp ipv4 vpn summary json"]).stdout
    peers = json.loads(said).get("peers", {})
    return [(address, peer["state"], str(peer["pfxRcd"])) for address, peer in peers.items()]


def _gobgp_sessions(reflector: Machine) -> list[tuple[str, str, str]]:
    command = ["gobgp", "--target", "unix:///run/isthmus/gobgpd.sock", "neighbor", "-j"]
    found = []
    for neighbor in json.loads(reflector.run(command).stdout):
        state = neighbor["state"]
        received = sum(f["state"].get("received", 0) for f in neighbor["afi_safis"])
        session = _GOBGP_STATES[state.get("session_state", 0)]
        found.append((state["neighbor_address"], session, str(received)))
    return found


def _print_table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    lines = [heads, *rows]
    widths = [max(len(line[column]) for line in lines) for column in range(len(heads))]
    for line in lines:
        print(
            "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        )
    print()
