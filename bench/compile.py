# SPDX-License-Identifier: Apache-2.0
"""CPU time the compiler takes for the whole state of a PE, and that it grows as the state does.

Needs no lab. Half of the routes come from neighbors, half are VMs of this host; 50 of each make
one VRF.
"""

from __future__ import annotations

import gc
import itertools
import sys
import time
from ipaddress import IPv4Address, IPv4Network

from bench.command import Benchmark, main
from bench.figures import Outcome, Target, median, table
from isthmus.model.ids import Label, RouteDistinguisher, RouteTarget
from isthmus.model.intent import AttachedHost, AttachedSubnet, AttachmentCircuit, VrfIntent
from isthmus.model.provider_edge import ProviderEdge, TransportNextHop
from isthmus.model.route import VpnRoute
from isthmus.pe_agent.compile.compiler import compile_pe
from isthmus.pe_agent.compile.inputs import Inputs, Numbers

SIZES = (10, 100, 1_000, 10_000)
_PER_VRF = 50
_OTHER_PE = IPv4Address("192.0.2.21")
_PE = ProviderEdge(
    address=IPv4Address("192.0.2.11"),
    core_mac="02:00:c0:00:02:0b",
    core_mtu=1600,
    remote_pes={_OTHER_PE: TransportNextHop(Label(1021), "02:00:00:00:f0:01")},
)
#: A linear compiler takes ten times as long for ten times as much; caches and the garbage
#: collector add to it.
_STEEPEST = 20.0


def state(size: int) -> Inputs:
    """A PE with ``size`` routes in all."""
    vrfs = max(1, size // (2 * _PER_VRF))
    each = size // (2 * vrfs)
    hosts = [
        [
            AttachedHost(f"host-{vrf}-{host}", _mac(vrf, host), (_address(0, host),))
            for host in range(each)
        ]
        for vrf in range(vrfs)
    ]
    return Inputs(
        intents={f"vpn-{vrf}": _intent(vrf, hosts[vrf]) for vrf in range(vrfs)},
        routes=frozenset(_route(vrf, host) for vrf in range(vrfs) for host in range(each)),
        core_port=1,
        circuit_ports={f"port-{vrf}": vrf + 2 for vrf in range(vrfs)},
        plugged_hosts=frozenset(host.port_id for members in hosts for host in members),
        numbers=Numbers(),
    )


def _intent(vrf: int, hosts: list[AttachedHost]) -> VrfIntent:
    targets = frozenset({_target(vrf)})
    circuit = AttachmentCircuit(
        network_id=f"network-{vrf}",
        port_id=f"port-{vrf}",
        mac=_mac(vrf, 65535),
        mtu=1442,
        subnets=(AttachedSubnet(IPv4Network("10.0.0.0/16"), IPv4Address("10.0.255.254")),),
        hosts=tuple(sorted(hosts)),
    )
    return VrfIntent(f"vpn-{vrf}", 1, targets, targets, None, (circuit,))


def _route(vrf: int, host: int) -> VpnRoute:
    return VpnRoute(
        rd=RouteDistinguisher.parse(f"{_OTHER_PE}:{vrf + 1}"),
        prefix=IPv4Network(_address(1, host)),
        next_hop=_OTHER_PE,
        label=Label(1000 + vrf),
        route_targets=frozenset({_target(vrf)}),
    )


def _target(vrf: int) -> RouteTarget:
    return RouteTarget.parse(f"64500:{vrf + 1}")


def _mac(vrf: int, host: int) -> str:
    octets = vrf.to_bytes(2, "big") + host.to_bytes(2, "big")
    return "02:00:" + octets.hex(":")


def _address(network: int, host: int) -> IPv4Address:
    return IPv4Address(f"10.{network}.0.1") + host


def seconds(size: int, repeats: int) -> float:
    """The median CPU time of one compilation."""
    inputs = state(size)
    samples = []
    for _ in range(repeats):
        gc.collect()
        begin = time.process_time()
        compile_pe(_PE, range(1000, 100_000), inputs)
        samples.append(time.process_time() - begin)
    return median(samples)


def measure(rounds: int) -> Outcome:
    """Compile states of growing size."""
    milliseconds = {size: seconds(size, rounds) * 1000 for size in SIZES}
    steepest = max(
        milliseconds[large] / milliseconds[small] / (large / small) * 10
        for small, large in itertools.pairwise(SIZES[1:])
    )
    rows = [
        (f"{size:,}", f"{taken:.2f}", f"{taken / size * 1000:.1f}")
        for size, taken in milliseconds.items()
    ]
    return Outcome(
        figures={
            "rounds": rounds,
            "milliseconds": {str(size): round(taken, 3) for size, taken in milliseconds.items()},
        },
        text=table(("routes and hosts", "ms", "µs each"), rows),
        targets=[Target("ten times the state takes at most", steepest, _STEEPEST, " times")],
    )


BENCHMARK = Benchmark("compile", "Compiling the whole state of one PE", 5, measure)


if __name__ == "__main__":
    sys.exit(main(BENCHMARK))
