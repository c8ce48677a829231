# SPDX-License-Identifier: Apache-2.0
"""The MPLS backbone: one P router with a static label table, and the route reflectors.

P forwards what is addressed to its own MAC by label and switches everything else like Ethernet,
so that BGP and GRE between provider edges and reflectors run through it in-band.
"""

from __future__ import annotations

from lab import process, settings
from lab.machine import Machine
from lab.provider_edge import gobgpd
from lab.switch import Switch, join
from lab.topology import Host, ReflectorMake, RouteReflector, Topology

P_BRIDGE = "br-p"
_FROM_PE, _LABELS = 0, 1


def label_table(topology: Topology) -> str:
    """P's flows: the incoming label map and the next hop of each label (RFC 3031 §3.10-3.11).

    Pure. Table 0 takes MPLS frames addressed to P on the link they came by; table 1 pops (for a
    label with a label below it) or swaps, with the TTL counted down. Other MPLS frames are dropped.
    """
    flows = []
    for port, host in enumerate(topology.hosts, start=1):
        flows.append(
            f"table={_FROM_PE},priority=100,in_port={port},mpls,dl_dst={host.p_mac} "
            f"actions=goto_table:{_LABELS}"
        )
        to_host = (
            f"set_field:{host.p_mac}->eth_src,set_field:{host.core_mac}->eth_dst,output:{port}"
        )
        flows.append(
            f"table={_LABELS},priority=100,mpls,mpls_label={host.transport_label},mpls_bos=0 "
            f"actions=dec_mpls_ttl,{_operation(host)},{to_host}"
        )
    flows += [
        f"table={_FROM_PE},priority=50,mpls actions=drop",
        f"table={_FROM_PE},priority=0 actions=NORMAL",
        f"table={_LABELS},priority=0 actions=drop",
    ]
    return "\n".join(flows) + "\n"


def _operation(host: Host) -> str:
    if host.swapped_label is None:
        return "pop_mpls:0x8847"
    return f"set_field:{host.swapped_label}->mpls_label"


def ensure_p_router(topology: Topology, switch: Switch) -> None:
    """P's bridge, its links to the hosts and its label table."""
    name = switch.machine.name
    links = [f"to-{host.name}" for host in topology.hosts]
    for host, link in zip(topology.hosts, links, strict=True):
        join(name, link, host.name, "core", topology.core.mtu)
    reflector_links = [f"to-{reflector.name}" for reflector in topology.route_reflectors]
    for reflector, link in zip(topology.route_reflectors, reflector_links, strict=True):
        join(name, link, reflector.name, "core", topology.core.mtu)
    switch.ensure()
    ports = [
        word
        for number, link in enumerate([*links, *reflector_links], start=1)
        for word in switch.port(P_BRIDGE, link, f"ofport_request={number}")
    ]
    switch.vsctl(*switch.bridge(P_BRIDGE, "fail-mode=secure"), *ports)
    raise_links(switch.machine, [*links, *reflector_links])
    switch.replace_flows(P_BRIDGE, label_table(topology))


def cut(topology: Topology, site_name: str) -> None:
    """Have P carry nothing to or from a site's hosts. Their links stay up: nobody is told."""
    _change_links(topology, site_name, "no-receive", "no-forward")


def heal(topology: Topology, site_name: str) -> None:
    """Undo `cut`; does nothing where nothing was cut."""
    _change_links(topology, site_name, "receive", "forward")


def _change_links(topology: Topology, site_name: str, *changes: str) -> None:
    for host in topology.site(site_name).hosts:
        for change in changes:
            command = ["ovs-ofctl", "-O", "OpenFlow15", "mod-port", P_BRIDGE, f"to-{host.name}"]
            Machine(topology.core.p_router).run([*command, change])


def ensure_core_bridge(topology: Topology, host: Host, switch: Switch) -> None:
    """The operator's core bridge of a host, with the PE's address on it."""
    bridge = "br-core"
    switch.vsctl(
        *switch.bridge(bridge, "fail-mode=standalone"),
        *switch.port(bridge, "core"),
        *("--", "set", "interface", bridge, f"mtu_request={topology.core.mtu}"),
    )
    raise_links(switch.machine, ["core"])
    _address(topology, switch.machine, bridge, str(host.provider_edge))


def ensure_reflector(topology: Topology, reflector: RouteReflector, machine: Machine) -> None:
    """A route reflector's address and daemon; restarted when it dies."""
    _address(topology, machine, "core", str(reflector.address))
    start = {ReflectorMake.FRR: _start_frr, ReflectorMake.GOBGP: _start_gobgp}
    start[reflector.make](topology, reflector)


def raise_links(machine: Machine, interfaces: list[str]) -> None:
    """Bring interfaces up, with checksums filled in by the kernel.

    Open vSwitch's userspace datapath passes on packets as they are, unfinished checksums too.
    """
    machine.ip(*(f"link set {interface} up" for interface in interfaces))
    for interface in interfaces:
        machine.run(["ethtool", "-K", interface, "tx", "off"])


def _address(topology: Topology, machine: Machine, interface: str, address: str) -> None:
    prefix_len = topology.core.network.prefixlen
    machine.ip(f"addr replace {address}/{prefix_len} dev {interface}")
    raise_links(machine, [interface])


def _start_frr(topology: Topology, reflector: RouteReflector) -> None:
    neighbors = "\n".join(f" neighbor {h.provider_edge} peer-group PE" for h in topology.hosts)
    file = settings.write(
        f"{reflector.name}/bgpd.conf",
        "bgpd.conf",
        settings.bgp(topology) | {"address": str(reflector.address), "neighbors": neighbors},
    )
    # No zebra (-Z), no kernel routes (-n), as root (-S): a reflector forwards nothing.
    argv: tuple[str, ...] = ("/usr/lib/frr/bgpd", "-Z", "-n", "-S", "-f", str(file), "-P", "0")
    argv += ("-l", str(reflector.address), "--vty_socket", "/run/frr", "-i", "/run/frr/bgpd.pid")
    Machine(reflector.name).run(["mkdir", "-p", "/run/frr"])
    process.start(
        process.Process(
            f"{reflector.name}-bgpd", reflector.name, argv, supervised=True, files=(str(file),)
        )
    )


def _start_gobgp(topology: Topology, reflector: RouteReflector) -> None:
    values = settings.bgp(topology) | {"address": str(reflector.address)}
    neighbors = "".join(
        settings.render("gobgpd-neighbor.toml", values | {"neighbor": str(host.provider_edge)})
        for host in topology.hosts
    )
    file = settings.write(
        f"{reflector.name}/gobgpd.toml", "gobgpd.toml", values | {"neighbors": neighbors}
    )
    command = gobgpd("-f", str(file))
    process.start(
        process.Process(
            f"{reflector.name}-gobgpd",
            reflector.name,
            command,
            supervised=True,
            # After a crash: tell neighbors so, and let them fill the table before it is sent on.
            restart_argv=(*command, "-r"),
            files=(str(file),),
        )
    )
