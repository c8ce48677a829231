# SPDX-License-Identifier: Apache-2.0
"""Ways from an endpoint on one region's host to one on the other region's host."""

from __future__ import annotations

import contextlib
import json
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Interface, IPv4Network

from bench.command import NotMeasured
from bench.watching import running
from bench.workbench import PREFIX, Region, Workbench, insist
from lab.endpoint import Endpoint

_TARGET = "64500:65001"
_VSCTL = ("ovs-vsctl", "--timeout=20")
_BRIDGE = "br-bench"


@dataclass(frozen=True, slots=True)
class Way:
    """One way from the near to the far endpoint."""

    name: str
    client: Endpoint
    server: Endpoint

    def iperf3(self, *options: str, seconds: int) -> dict[str, float]:
        """Run iperf3 and return what the far end received.

        Raises:
            NotMeasured: iperf3 failed.
        """
        command = ["iperf3", "-c", str(self.server.address.ip), "-t", str(seconds), "-J", *options]
        done = self.client.run(command, check=False, timeout_s=seconds + 20)
        try:
            found = json.loads(done.stdout)
        except ValueError:
            found = {"error": done.stderr or done.stdout or "no output"}
        if "error" in found:
            raise NotMeasured(f"iperf3 over {self.name}: {found['error']}")
        end = found["end"]
        return dict(end["sum_received"] if "sum_received" in end else end["sum"])


def through_vpn(bench: Workbench) -> Way:
    """A network in each region, both in one VPN."""
    endpoints = []
    for number, region in enumerate(bench.regions, start=1):
        prefix = IPv4Network(f"10.{number}.0.0/24")
        network = region.network("vpn")
        region.subnet(network, prefix, prefix[1])
        endpoints.append(_endpoint(region, network, prefix, 10, prefix[1]))
        region.associate(region.vpn("forwarding", _TARGET), network)
    return Way("vpn", *endpoints)


@contextlib.contextmanager
def through_bridges(bench: Workbench) -> Iterator[Way]:
    """A network in each region, both joined by bridges that switch; these end with the block."""
    prefix = IPv4Network("10.3.0.0/24")
    with contextlib.ExitStack() as stack:
        endpoints = []
        for number, region in enumerate(bench.regions, start=1):
            network = region.network("plain")
            region.subnet(network, prefix, None)
            endpoints.append(_endpoint(region, network, prefix, 10 * number, None))
            stack.enter_context(_bridged_to_core(region, region.open_port(network)))
        yield Way("plain", *endpoints)


@contextlib.contextmanager
def _bridged_to_core(region: Region, port_id: str) -> Iterator[None]:
    """Plug a port as an attachment is, but into a bridge that switches plain Ethernet."""
    words = ["add-br", _BRIDGE, "--", "set", "bridge", _BRIDGE, "datapath_type=netdev"]
    words += ["fail-mode=standalone"]
    ends = (("br-int", "bench-int", "bench-out"), ("br-core", "core-bench", "bench-core"))
    for bridge, far, near in ends:
        words += _patch(bridge, far, near) + _patch(_BRIDGE, near, far)
    words += ["--", "set", "interface", "bench-int", f"external_ids:iface-id={port_id}"]
    remove = ["--if-exists", "del-br", _BRIDGE]
    for bridge, far, _ in ends:
        remove += ["--", "--if-exists", "del-port", bridge, far]
    region.machine.run([*_VSCTL, *remove, "--", *words])
    try:
        yield
    finally:
        region.machine.run([*_VSCTL, *remove])


def _patch(bridge: str, name: str, peer: str) -> list[str]:
    made = ["--", "add-port", bridge, name, "--", "set", "interface", name, "type=patch"]
    return [*made, f"options:peer={peer}"]


@contextlib.contextmanager
def through_provider_network(bench: Workbench) -> Iterator[Way]:
    """A flat provider network in each region, both on the core; the mapping ends with the block."""
    prefix = IPv4Network("10.4.0.0/24")
    with contextlib.ExitStack() as stack:
        for region in bench.regions:
            stack.enter_context(_mapped_to_core(region))
        endpoints = []
        for number, region in enumerate(bench.regions, start=1):
            network = region.network(
                "provider", provider_network_type="flat", provider_physical_network=PREFIX
            )
            region.subnet(network, prefix, None)
            endpoints.append(_endpoint(region, network, prefix, 10 * number, None))
        yield Way("provider", *endpoints)


def _endpoint(
    region: Region, network: str, prefix: IPv4Network, host: int, gateway: IPv4Address | None
) -> Endpoint:
    address = IPv4Interface(f"{prefix[host]}/{prefix.prefixlen}")
    return region.endpoint(network, address, gateway)


@contextlib.contextmanager
def _mapped_to_core(region: Region) -> Iterator[None]:
    """Let OVN reach the host's core bridge under the benchmark's physical network."""
    key = "external_ids:ovn-bridge-mappings"
    found = region.machine.run([*_VSCTL, "get", "Open_vSwitch", ".", key]).stdout
    # An interrupted run has left its own.
    mappings = [each for each in found.strip().strip('"').split(",") if not each.startswith(PREFIX)]
    before = ",".join(mappings)
    mapping = f"{before},{PREFIX}:br-core"
    region.machine.run([*_VSCTL, "set", "Open_vSwitch", ".", f'{key}="{mapping}"'])
    try:
        yield
    finally:
        region.machine.run([*_VSCTL, "set", "Open_vSwitch", ".", f'{key}="{before}"'])


@contextlib.contextmanager
def answering(way: Way) -> Iterator[None]:
    """An iperf3 server at the far end, once packets get there.

    Raises:
        NotMeasured: they do not within half a minute.
    """
    ping = ["ping", "-c", "1", "-W", "1", str(way.server.address.ip)]
    insist(lambda: way.client.run(ping, check=False).returncode == 0, 30, f"a ping over {way.name}")
    with running([*way.server.enter(), "iperf3", "-s"], subprocess.DEVNULL):
        time.sleep(0.5)
        yield
