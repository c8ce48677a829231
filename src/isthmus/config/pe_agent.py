# SPDX-License-Identifier: Apache-2.0
"""Options of ``isthmus-pe-agent``: read once, checked as a whole, then a frozen value.

All mistakes of a configuration file are named at once, one sentence each.
"""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address
from pathlib import Path
from typing import Any, TypeVar

from oslo_config import cfg

from isthmus.config.bgp import BgpConfig
from isthmus.config.bgp_options import BGP, BGP_OPTIONS, read_bgp
from isthmus.config.reader import Reader
from isthmus.model.errors import InvalidValue
from isthmus.model.ids import MAX_LABEL, Label, check_mac
from isthmus.model.provider_edge import Encapsulation, ProviderEdge, TransportNextHop

AGENT_OPTIONS = [
    cfg.HostAddressOpt(
        "host",
        sample_default="compute-1",
        help="Name of this host, the same as in Neutron's binding:host_id. Default: its hostname.",
    ),
    cfg.StrOpt(
        "state_path",
        default="/var/lib/isthmus",
        help="Directory in which the last intent and the numbers given out are kept.",
    ),
    cfg.StrOpt(
        "look_socket",
        default="/run/isthmus/pe-agent-look.sock",
        help="UNIX socket on which 'isthmus-pe-agent look' asks the agent; empty for none.",
    ),
]

PROVIDER_EDGE_OPTIONS = [
    cfg.StrOpt(
        "address",
        help="IPv4 address of this PE: next hop of its routes, end of its tunnels. Required.",
    ),
    cfg.StrOpt("bridge", default="br-pe", help="PE bridge; made by the agent, all its own."),
    cfg.StrOpt("integration_bridge", default="br-int", help="Neutron's integration bridge."),
    cfg.StrOpt(
        "core_bridge",
        default="br-core",
        help="The operator's bridge with the core link; the PE bridge is patched into it.",
    ),
    cfg.BoolOpt(
        "gateway",
        default=False,
        help="This PE may be a gateway: it has a port on each network in gateway mode, and serves "
        "it when those preferred to it are away. [bgp] gateway_neighbors has to name the others.",
    ),
    cfg.StrOpt(
        "core_mac",
        help="MAC address of this PE on the core link. Default: 02:00 and the octets of address.",
    ),
    cfg.IntOpt(
        "core_mtu",
        default=1500,
        min=576,
        max=65535,
        help="Largest frame payload on the core link, labels included, in octets.",
    ),
    cfg.StrOpt(
        "transport",
        default=Encapsulation.MPLS.value,
        choices=[
            (Encapsulation.MPLS.value, "labels on the wire; 'remotes' says which"),
            (Encapsulation.MPLS_IN_GRE.value, "MPLS-in-GRE (RFC 4023) over a plain IP core"),
        ],
        help="How VPN packets cross the core.",
    ),
    cfg.IntOpt(
        "transport_label",
        min=16,
        max=MAX_LABEL,
        help="Label under which P routers deliver to this PE without popping; unset if they pop.",
    ),
    cfg.MultiStrOpt(
        "remotes",
        default=[],
        sample_default=["address=192.0.2.12,label=1002,via=02:00:5e:00:00:f1"],
        help="The LSP to one other PE: its address, the label to push (left out when it is "
        "adjacent), and the MAC of the next hop on the core link. Once per remote PE; for "
        "transport mpls only. The LSPs to PEs not named here are learnt: [bgp] labelled_neighbors.",
    ),
    cfg.MultiStrOpt(
        "next_hops",
        default=[],
        sample_default=["address=192.0.2.1,via=02:00:5e:00:00:f1"],
        help="A router on the core link and its MAC, where a label learnt leads to it. Once per "
        "router; unset to have its MAC learnt by ARP on the core bridge's own port.",
    ),
    cfg.IntOpt(
        "first_label",
        default=10000,
        min=16,
        max=MAX_LABEL,
        help="First VPN label this PE may give out.",
    ),
    cfg.IntOpt(
        "last_label",
        default=99999,
        min=16,
        max=MAX_LABEL,
        help="Last VPN label this PE may give out.",
    ),
    cfg.BoolOpt(
        "hide_from_traceroute",
        default=False,
        help="Leave the TTL of VPN packets alone, so that traceroute from a VM shows no PE but "
        "only the end host. The same on all PEs, or some are seen.",
    ),
    cfg.StrOpt(
        "ovsdb",
        default="unix:/run/openvswitch/db.sock",
        help="Where ovsdb-server listens: unix:PATH or tcp:ADDRESS:PORT.",
    ),
    cfg.StrOpt(
        "ovs_run_dir",
        default="/run/openvswitch",
        help="Directory of ovs-vswitchd's sockets; BRIDGE.mgmt there takes flows.",
    ),
]

_PE = "provider_edge"
_Value = TypeVar("_Value")
_GROUPS: dict[str | None, list[Any]] = {
    None: AGENT_OPTIONS,
    _PE: PROVIDER_EDGE_OPTIONS,
    BGP: BGP_OPTIONS,
}


@dataclass(frozen=True, slots=True)
class SwitchOptions:
    """Where the switch is and how its bridges are called."""

    bridge: str
    integration_bridge: str
    core_bridge: str
    ovsdb: str
    run_dir: Path


@dataclass(frozen=True, slots=True)
class PeAgentOptions:
    """Everything the agent is told by its operator.

    Attributes:
        host: as in Neutron's ``binding:host_id``.
        labels: the VPN labels this PE may give out.
        look_socket: None for no looking glass.
        is_gateway: it may be a gateway of networks in gateway mode.
    """

    host: str
    state_path: Path
    look_socket: Path | None
    pe: ProviderEdge
    labels: range
    switch: SwitchOptions
    bgp: BgpConfig
    is_gateway: bool = False


class InvalidConfiguration(Exception):
    """The configuration can't be used.

    Attributes:
        sentences: what is wrong, all of it, one sentence each.
    """

    def __init__(self, sentences: Sequence[str]) -> None:
        super().__init__(" ".join(sentences))
        self.sentences = tuple(sentences)


def list_opts() -> list[tuple[str | None, list[Any]]]:
    """List the options for oslo-config-generator."""
    return list(_GROUPS.items())


def register_options(conf: cfg.ConfigOpts) -> None:
    """Make the options known to ``conf``."""
    for group, options in _GROUPS.items():
        conf.register_opts(options, group=group)


def read_options(conf: cfg.ConfigOpts) -> PeAgentOptions:
    """Read and check all options.

    Raises:
        InvalidConfiguration: something is missing or wrong.
    """
    reader = Reader(conf)
    pe = _read_provider_edge(reader)
    options = PeAgentOptions(
        host=reader.value(None, "host", str, "") or socket.gethostname(),
        state_path=Path(reader.text(None, "state_path")),
        look_socket=reader.value(None, "look_socket", Path, None),
        pe=pe,
        labels=_read_labels(reader),
        switch=SwitchOptions(
            bridge=reader.text(_PE, "bridge"),
            integration_bridge=reader.text(_PE, "integration_bridge"),
            core_bridge=reader.text(_PE, "core_bridge"),
            ovsdb=reader.text(_PE, "ovsdb"),
            run_dir=Path(reader.text(_PE, "ovs_run_dir")),
        ),
        bgp=read_bgp(reader, pe),
        is_gateway=bool(reader.raw(_PE, "gateway")),
    )
    if reader.sentences:
        raise InvalidConfiguration(reader.sentences)
    return options


def parse_remote(text: str) -> tuple[IPv4Address, TransportNextHop]:
    """Read ``address=192.0.2.12,label=1002,via=02:00:5e:00:00:f1``; ``label`` may be left out.

    Raises:
        InvalidValue: not of that form.
    """
    form = f"'{text}' is not of the form address=IPv4,label=NUMBER,via=MAC."
    fields = dict(part.strip().partition("=")[::2] for part in text.split(","))
    if not {"address", "via"} <= set(fields) <= {"address", "label", "via"}:
        raise InvalidValue(form)
    label = fields.get("label")
    if label is not None and not (label.isascii() and label.isdigit()):
        raise InvalidValue(form)
    try:
        address = IPv4Address(fields["address"])
    except AddressValueError:
        raise InvalidValue(form) from None
    return address, TransportNextHop(None if label is None else Label(int(label)), fields["via"])


def _read_labels(reader: Reader) -> range:
    first = reader.number(_PE, "first_label")
    last = reader.number(_PE, "last_label")
    if first > last > 0:
        reader.complain(f"[{_PE}] first_label is greater than last_label.")
    return range(first, last + 1)


def _read_provider_edge(reader: Reader) -> ProviderEdge:
    address = reader.required(_PE, "address", IPv4Address, IPv4Address(0))
    derived = "02:00:" + ":".join(f"{octet:02x}" for octet in address.packed)
    return ProviderEdge(
        address=address,
        core_mac=reader.value(_PE, "core_mac", check_mac, derived),
        core_mtu=reader.number(_PE, "core_mtu"),
        encapsulation=reader.required(_PE, "transport", Encapsulation, Encapsulation.MPLS),
        transport_label=reader.value(_PE, "transport_label", lambda raw: Label(int(raw)), None),
        remote_pes=_read_each(reader, "remotes", parse_remote),
        next_hop_macs=_read_each(reader, "next_hops", _parse_next_hop),
        hide_from_traceroute=reader.value(_PE, "hide_from_traceroute", bool, otherwise=False),
    )


def _read_each(
    reader: Reader, name: str, parse: Callable[[str], tuple[IPv4Address, _Value]]
) -> dict[IPv4Address, _Value]:
    found: dict[IPv4Address, _Value] = {}
    texts: list[str] = reader.value(_PE, name, list, [])
    for text in texts:
        try:
            address, value = parse(text)
        except InvalidValue as error:
            reader.complain(f"[{_PE}] {name} can't be used: {error}")
            continue
        if address in found:
            reader.complain(f"[{_PE}] {name} names {address} twice.")
        found[address] = value
    return found


def _parse_next_hop(text: str) -> tuple[IPv4Address, str]:
    address, hop = parse_remote(text)
    if hop.label is not None:
        raise InvalidValue(f"'{text}' is not of the form address=IPv4,via=MAC.")
    return address, hop.mac
