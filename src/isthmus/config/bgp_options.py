# SPDX-License-Identifier: Apache-2.0
"""Options of the group ``bgp`` of ``isthmus-pe-agent``, and what is made of them."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import IPv4Address
from typing import Any

from oslo_config import cfg

from isthmus.config.bgp import BgpConfig
from isthmus.config.reader import Reader
from isthmus.model.errors import InvalidValue
from isthmus.model.provider_edge import ProviderEdge

BGP = "bgp"

BGP_OPTIONS = [
    cfg.IntOpt("as_number", min=1, max=2**32 - 1, help="AS number of this PE. Required."),
    cfg.ListOpt(
        "neighbors",
        default=[],
        sample_default=["192.0.2.101", "192.0.2.102"],
        help="IPv4 addresses of the route reflectors, at least two that fail apart.",
    ),
    cfg.BoolOpt(
        "constrain_routes",
        default=True,
        help="Tell reflectors which route targets this PE imports, so that they send nothing else "
        "(RFC 4684). Reflectors that can't are not asked and send everything.",
    ),
    cfg.ListOpt(
        "labelled_neighbors",
        default=[],
        sample_default=["192.0.2.1", "192.0.2.2"],
        help="IPv4 addresses of the adjacent P routers that tell the labels towards other PEs, by "
        "BGP labelled unicast (RFC 8277), and hear this PE's. On sessions of their own: none may "
        "be among 'neighbors'. What [provider_edge] remotes says of a PE wins.",
    ),
    cfg.StrOpt(
        "labelled_address",
        help="IPv4 address of this PE on the core link, on the core bridge's own port, if that is "
        "not [provider_edge] address: sessions with labelled_neighbors come from it, and they send "
        "labelled packets to it. P routers that resolve next hops, such as FRR, need the two to "
        "differ; [provider_edge] address is then one on a loopback.",
    ),
    cfg.IntOpt(
        "labelled_as_number",
        min=1,
        max=2**32 - 1,
        help="AS number of those P routers. Default: this PE's.",
    ),
    cfg.ListOpt(
        "gateway_neighbors",
        default=[],
        sample_default=["192.0.2.12"],
        help="IPv4 addresses of the other gateways of this region, which take over from this one. "
        "They have to be on the same core link: a dead one is missed by BFD (RFC 5881).",
    ),
    cfg.StrOpt(
        "api",
        default="unix:///run/isthmus/gobgpd.sock",
        help="gRPC address of gobgpd.",
    ),
    cfg.PortOpt("listen_port", default=179, help="TCP port on which gobgpd takes BGP sessions."),
    cfg.IntOpt(
        "hold_time_s",
        default=9,
        min=3,
        max=65535,
        help="Seconds of silence after which a neighbor counts as dead (RFC 4271 §4.2).",
    ),
    cfg.IntOpt(
        "graceful_restart_time_s",
        default=120,
        min=1,
        max=4095,
        help="Seconds neighbors keep this PE's routes while its BGP daemon restarts (RFC 4724).",
    ),
    cfg.IntOpt(
        "long_lived_stale_time_s",
        default=3600,
        min=0,
        max=2**24 - 1,
        help="Seconds they keep them as stale after that (RFC 9494).",
    ),
    cfg.StrOpt(
        "password",
        secret=True,
        help="TCP MD5 password of all sessions (RFC 2385); unset for none.",
    ),
    cfg.IntOpt(
        "ttl_security_hops",
        default=0,
        min=0,
        max=255,
        help="Accept only neighbors at most this many hops away (RFC 5082); 0 for any.",
    ),
]


def read_bgp(reader: Reader, pe: ProviderEdge) -> BgpConfig:
    """Read what the BGP daemon is told; a stand-in if any option is wrong.

    Args:
        reader: gathers what is wrong.
        pe: gives the router ID and the label this PE is reached by.
    """
    as_number = reader.number(BGP, "as_number")
    none: tuple[IPv4Address, ...] = ()
    values: dict[str, Any] = {
        "neighbors": reader.required(BGP, "neighbors", _read_addresses, none),
        "labelled_neighbors": reader.value(BGP, "labelled_neighbors", _read_addresses, none),
        "gateway_neighbors": reader.value(BGP, "gateway_neighbors", _read_addresses, none),
        "labelled_as_number": reader.value(BGP, "labelled_as_number", int, as_number),
        "labelled_address": reader.value(BGP, "labelled_address", IPv4Address, None),
        "constrains_routes": bool(reader.raw(BGP, "constrain_routes")),
        "api": reader.text(BGP, "api"),
        "listen_port": reader.number(BGP, "listen_port"),
        "hold_time_s": reader.number(BGP, "hold_time_s"),
        "graceful_restart_time_s": reader.number(BGP, "graceful_restart_time_s"),
        "long_lived_stale_time_s": reader.number(BGP, "long_lived_stale_time_s"),
        "password": reader.value(BGP, "password", str, ""),
        "ttl_security_hops": reader.value(BGP, "ttl_security_hops", int, 0),
    }
    if not reader.sentences:
        try:
            return BgpConfig(as_number, pe.address, transport_label=pe.transport_label, **values)
        except InvalidValue as error:
            reader.complain(f"[{BGP}] can't be used: {error}")
    return BgpConfig(1, IPv4Address(0), ())


def _read_addresses(texts: Sequence[str]) -> tuple[IPv4Address, ...]:
    return tuple(sorted({IPv4Address(text) for text in texts}))
