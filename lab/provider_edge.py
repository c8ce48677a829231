# SPDX-License-Identifier: Apache-2.0
"""The provider edge of a host: gobgpd and isthmus-pe-agent, both started again when they die."""

from __future__ import annotations

from ipaddress import IPv4Address

from lab import places, process, settings
from lab.process import Process
from lab.topology import Host, Site, Topology

_SOCKET_FILE = "/run/isthmus/gobgpd.sock"
_SOCKET = f"unix://{_SOCKET_FILE}"


def agent_settings(topology: Topology, site: Site, host: Host) -> dict[str, str]:
    """What one agent's configuration says. Pure.

    The labels are seen from this host: what P takes for each other provider edge, with P's MAC on
    this host's link as next hop. What P swaps a label to is the other end's business.
    """
    others = [
        remote_option(other.provider_edge, other.transport_label, host.p_mac)
        for other in topology.hosts
        if other is not host
    ]
    neighbors = [str(reflector.address) for reflector in topology.route_reflectors]
    gateways = [str(other.provider_edge) for other in site.hosts if other is not host]
    own_label = host.swapped_label
    return {
        "host": host.name,
        "transport_url": settings.transport_url(topology, site),
        "state_path": str(places.STATE / host.name / "pe-agent"),
        "address": str(host.provider_edge),
        "core_mac": host.core_mac,
        "core_mtu": str(topology.core.mtu),
        "transport_label": "" if own_label is None else f"transport_label = {own_label}",
        "remotes": "\n".join(f"remotes = {other}" for other in others),
        "as_number": str(topology.as_number),
        "neighbors": ",".join(neighbors),
        "gateway_neighbors": ",".join(gateways),
        "api": _SOCKET,
    }


def remote_option(address: IPv4Address, label: int, next_hop_mac: str) -> str:
    """One value of the agent's option ``remotes``."""
    return f"address={address},label={label},via={next_hop_mac}"


def configure(topology: Topology, site: Site, host: Host) -> None:
    """Write the agent's configuration."""
    (places.STATE / host.name / "pe-agent").mkdir(parents=True, exist_ok=True)
    values = agent_settings(topology, site, host)
    settings.write(f"{host.name}/pe-agent.conf", "pe-agent.conf", values)


def start(host: Host) -> None:
    """Start the BGP daemon, which learns everything from the agent, and the agent."""
    process.start(Process(f"{host.name}-gobgpd", host.name, gobgpd(), supervised=True))
    file = f"{places.ETC}/{host.name}/pe-agent.conf"
    agent = (places.tool("isthmus-pe-agent"), f"--config-file={file}")
    process.start(
        Process(f"{host.name}-pe-agent", host.name, agent, supervised=True, files=(file,))
    )


def gobgpd(*more: str) -> tuple[str, ...]:
    """The command of a BGP daemon with its API on a unix socket.

    A killed daemon leaves its socket behind, and the next one then runs on without an API.
    """
    command = (str(places.BIN / "gobgpd"), "--api-hosts", _SOCKET, "--pprof-disable", "-l", "info")
    return ("sh", "-c", f'rm -f {_SOCKET_FILE}; exec "$@"', "sh", *command, *more)
