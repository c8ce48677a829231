# SPDX-License-Identifier: Apache-2.0
"""A prefix behind VMs of two PEs: preference moves it without loss, and equal ways share it.

vm1, router1 ─ PE1 ════ PE2 ─ vm2, router2, router3
"""

from __future__ import annotations

import re
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from ipaddress import IPv4Network
from pathlib import Path

import pytest

from isthmus.model.intent import AttachedPrefix, VrfIntent
from isthmus.model.provider_edge import Encapsulation
from tests.actors import BLUE, intent, mac_of, named
from tests.functional.openflow.real_switch import eventually, missing
from tests.functional.openflow.sites import Site, Sites, exchange, joined_sites

pytestmark = pytest.mark.functional

PREFIX, INSIDE = IPv4Network("198.51.100.0/24"), "198.51.100.9"
UDP_PORT = 7000
SERVER = """
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind((sys.argv[1], int(sys.argv[2])))
print("ready", flush=True)
while True:
    octets, sender = s.recvfrom(100); s.sendto(sys.argv[3].encode(), sender)
"""
CLIENT = """
import socket, sys
for port in range(20000, 20000 + int(sys.argv[3])):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(("", port)); s.settimeout(2)
    s.sendto(b"who", (sys.argv[1], int(sys.argv[2])))
    try: print(port, s.recv(100).decode())
    except TimeoutError: print(port, "nobody")
"""


@pytest.fixture
def sites(tmp_path: Path) -> Iterator[Sites]:
    """Two PEs that have each other's routes; native MPLS."""
    if reason := missing():
        pytest.skip(reason)
    with joined_sites(tmp_path, Encapsulation.MPLS) as (west, east):
        for site, name, address in (
            (west, "router1", "10.1.0.9"),
            (east, "router2", "10.2.0.9"),
            (east, "router3", "10.2.0.10"),
        ):
            site.add_vm(name, address)
            inside = site.switch.inside(name, "ip", "addr", "add", f"{INSIDE}/32", "dev", "lo")
            subprocess.run(inside, check=True)
        yield west, east


def serve(site: Site, generation: int, behind: Mapping[str, int]) -> None:
    """Have a site serve red's network with the prefix behind some of its VMs."""
    prefixes = tuple(
        AttachedPrefix(PREFIX, mac_of(port), port, preference)
        for port, preference in sorted(behind.items())
    )
    circuit = replace(site.circuit, prefixes=prefixes)
    apply(site, intent("red", circuit, generation=generation))


def apply(site: Site, wanted: VrfIntent) -> None:
    """Give a PE an intent and wait until it is in force."""
    site.running.agent.reconciler.intents.apply(wanted)
    eventually(
        lambda: any(
            vrf.vpn_id == wanted.vpn_id and vrf.generation == wanted.generation and vrf.is_in_force
            for vrf in site.running.agent.reconciler.report().vrfs
        )
    )


def start_ping(site: Site, to: str, count: int) -> subprocess.Popen[str]:
    """Ping from a site's VM, 100 a second."""
    argv = site.switch.inside(site.vm, "ping", "-n", "-i0.01", f"-c{count}", "-W2", to)
    return subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)


def test_preference_moves_a_prefix_without_loss(sites: Sites) -> None:
    """From a VM on either side, whichever PE hears of it first; other traffic goes on."""
    west, east = sites
    serve(west, 2, {"router1": 200})
    serve(east, 2, {"router2": 100})
    exchange(west, east)
    for site, to, ttl in ((west, INSIDE, 64), (east, INSIDE, 62), (west, east.address, 62)):
        eventually(partial(_answers, site, to, ttl), 10)
    pings = [start_ping(west, INSIDE, 300), start_ping(east, INSIDE, 300)]
    pings.append(start_ping(west, east.address, 300))
    time.sleep(0.8)
    serve(west, 3, {"router1": 50})
    # East still sends to west what west now would send to east.
    time.sleep(0.8)
    exchange(west, east)
    outputs = [ping.communicate(timeout=30)[0] for ping in pings]
    for output in outputs:
        assert " 300 received" in output, output[-300:]
    # Every router on the way takes one off: no PE between neighbors, two to the other site.
    assert _hop_limits(outputs[0]) == ["64", "62"]
    assert _hop_limits(outputs[1])[0] == "62"
    assert _hop_limits(outputs[1])[-1] == "64"
    assert _hop_limits(outputs[2]) == ["62"]


def test_equal_ways_share_the_connections_to_a_prefix(sites: Sites) -> None:
    """Two ports of the far network, one of them in another VPN too: two VRFs, two labels."""
    west, east = sites
    serve(east, 2, {"router2": 100, "router3": 100})
    only_router3 = tuple(host for host in east.circuit.hosts if host.port_id == "router3")
    blue = named(replace(east.circuit, hosts=only_router3))
    apply(east, intent("blue", blue, imports=BLUE))
    exchange(west, east)
    told = {route.label for route in east.daemon.heard if route.prefix == PREFIX}
    assert len(told) == 2
    eventually(lambda: _answers(west, INSIDE, 62), 10)
    with ExitStack() as stack:
        for name in ("router2", "router3"):
            argv = east.switch.inside(
                name, sys.executable, "-c", SERVER, INSIDE, str(UDP_PORT), name
            )
            server = stack.enter_context(subprocess.Popen(argv, stdout=subprocess.PIPE, text=True))
            stack.callback(server.kill)
            assert server.stdout is not None
            assert server.stdout.readline() == "ready\n"
        first, second = _who_answers(west, 100), _who_answers(west, 100)
    assert first == second
    found = Counter(first.values())
    assert found.keys() == {"router2", "router3"}
    assert min(found.values()) > 25


def _answers(site: Site, to: str, ttl: int) -> bool:
    """Tell whether an answer comes, and from as far as it should."""
    argv = site.switch.inside(site.vm, "ping", "-n", "-c1", "-W1", to)
    return f"ttl={ttl}" in subprocess.run(argv, capture_output=True, text=True, timeout=10).stdout


def _who_answers(site: Site, connections: int) -> dict[str, str]:
    argv = site.switch.inside(
        site.vm, sys.executable, "-c", CLIENT, INSIDE, str(UDP_PORT), str(connections)
    )
    done = subprocess.run(argv, capture_output=True, text=True, timeout=50, check=True)
    pairs = (line.split() for line in done.stdout.splitlines())
    return {port: name for port, name in pairs}  # noqa: C416 -- dict() loses the pairs' type


def _hop_limits(output: str) -> list[str]:
    """Return the TTLs of the answers, each change once."""
    found = re.findall(r"ttl=(\d+)", output)
    return [ttl for i, ttl in enumerate(found) if i == 0 or ttl != found[i - 1]]
