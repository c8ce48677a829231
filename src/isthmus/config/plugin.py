# SPDX-License-Identifier: Apache-2.0
"""Options of the Neutron service plug-in, in Neutron's files: ``[isthmus]`` and ``[quotas]``."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import TypeVar

from oslo_config import cfg, types

from isthmus.model.errors import InvalidValue
from isthmus.model.ids import AdministeredNumber, RouteDistinguisher, RouteTarget
from isthmus.model.ip import IpPrefix
from isthmus.model.pools import NumberPool

GROUP = "isthmus"
QUOTA_GROUP = "quotas"
# Of a transit network, and how many of either there are to be in their ranges.
TRANSIT_PREFIX_LENGTHS = {4: 29, 6: 64}
NO_ROUTE_TARGETS = NumberPool(RouteTarget)
NO_ROUTE_DISTINGUISHERS = NumberPool(RouteDistinguisher)
_Number = TypeVar("_Number", bound=AdministeredNumber)


@dataclass(frozen=True, slots=True)
class TransitOptions:
    """How routers meet their PEs.

    Attributes:
        ipv4_range: of transit networks.
        ipv6_range: of transit networks.
        aggregates: what routers send to their PEs.
    """

    ipv4_range: IPv4Network
    ipv6_range: IPv6Network
    aggregates: tuple[IpPrefix, ...]


DEFAULT_TRANSIT = TransitOptions(
    ipv4_range=IPv4Network("169.254.0.0/17"),
    ipv6_range=IPv6Network("fd69:7374:686d::/48"),
    aggregates=(
        IPv4Network("10.0.0.0/8"),
        IPv4Network("172.16.0.0/12"),
        IPv4Network("192.168.0.0/16"),
        IPv4Network("100.64.0.0/10"),
        IPv6Network("fc00::/7"),
    ),
)


class _Prefix(types.ConfigType):  # type: ignore[misc]  # oslo.config has no types
    """An IP prefix without host bits."""

    def __init__(self) -> None:
        super().__init__(type_name="prefix value")

    def __call__(self, value: object) -> IpPrefix:
        return ip_network(str(value).strip())

    def _formatter(self, value: object) -> str:
        return str(value)


OPTIONS = (
    cfg.StrOpt(
        "site_name",
        default="RegionOne",
        regex=r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}$",
        help="What other sites call this one, usually its Keystone region. Virtual tenant "
        "networks name their members by it: never change it while there are any.",
    ),
    cfg.StrOpt(
        "driver",
        default="pe_rpc",
        help="What carries intent to provider edges: an entry point of isthmus.vpn_drivers. "
        "pe_rpc speaks to isthmus-pe-agent; noop accepts everything and does nothing.",
    ),
    cfg.StrOpt(
        "attachment_mode",
        default="distributed",
        choices=[
            ("distributed", "every compute host is a provider edge for its own VMs"),
            ("gateway", "chosen provider edges are gateways, one at a time for each network"),
        ],
        help="How networks of this region meet provider edges, unless their association says "
        "otherwise.",
    ),
    cfg.FloatOpt(
        "poll_interval",
        default=2.0,
        min=0.1,
        max=60.0,
        help="Seconds between two looks into the journal when nobody wakes the worker.",
    ),
    cfg.FloatOpt(
        "resync_interval",
        default=300.0,
        min=10.0,
        max=86400.0,
        help="Seconds after which every VPN is compared with what was last sent, "
        "so that a change that no event told of is found.",
    ),
    cfg.IntOpt(
        "dispatch_threads",
        default=4,
        min=1,
        max=32,
        help="VPNs one worker dispatches at the same time.",
    ),
    cfg.FloatOpt(
        "retry_interval",
        default=1.0,
        min=0.1,
        max=60.0,
        help="Seconds to the first retry of a VPN whose dispatch failed; doubles each time.",
    ),
    cfg.FloatOpt(
        "max_retry_interval",
        default=60.0,
        min=1.0,
        max=3600.0,
        help="Longest time in seconds between two retries of a VPN whose dispatch failed.",
    ),
    cfg.IntOpt(
        "pe_down_time",
        default=75,
        min=15,
        max=3600,
        help="Seconds without a word from a provider edge after which it counts as dead.",
    ),
    cfg.IntOpt(
        "report_time",
        default=30,
        min=1,
        max=600,
        help="Seconds a provider edge has to put a change in force before a VPN that waits for "
        "it is DEGRADED instead of PENDING.",
    ),
    cfg.ListOpt(
        "route_target_pool",
        default=[],
        sample_default=["64500:100000-199999"],
        help="Ranges of route targets to give to VPNs that ask for one (allocate_route_target), "
        "as ASN:low-high or IPv4-address:low-high. The pools of regions that share a core must "
        "not overlap. Route targets of a pool that were typed by hand are never given.",
    ),
    cfg.ListOpt(
        "route_distinguisher_pool",
        default=[],
        sample_default=["64500:100000-199999"],
        help="Ranges of route distinguishers to give to VPNs that ask for one "
        "(allocate_route_distinguisher), likewise. All provider edges of the region use the one "
        "their VPN was given, so that reflectors pass on one path to a prefix that several of "
        "them have; a VPN without a route distinguisher has one of each provider edge's own.",
    ),
    cfg.StrOpt(
        "vtn_drift",
        default="repair",
        choices=[
            ("repair", "it is put back as the virtual tenant network's owner wants it"),
            ("leave", "it stays, and the member's status says so"),
        ],
        help="What is done when somebody changes by hand what this site made of a virtual tenant "
        "network: its network, subnets, BGP VPN or association. What somebody adds stays.",
    ),
    cfg.Opt(
        "transit_ipv4_range",
        type=_Prefix(),
        default=str(DEFAULT_TRANSIT.ipv4_range),
        help="Where routers' transit networks take their IPv4 prefixes, a /29 for each router "
        "that is in a VPN. No address of it leaves the region.",
    ),
    cfg.Opt(
        "transit_ipv6_range",
        type=_Prefix(),
        default=str(DEFAULT_TRANSIT.ipv6_range),
        help="The same for IPv6, a /64 for each router. Unique local addresses (RFC 4193); has to "
        "hold as many /64 as transit_ipv4_range holds /29.",
    ),
    cfg.Opt(
        "router_aggregates",
        type=types.List(_Prefix()),
        default=",".join(str(prefix) for prefix in DEFAULT_TRANSIT.aggregates),
        help="What a router that is in a VPN sends to its PE, as extra routes of the router. "
        "A route that its tenant set to one of these stays. A router without an external "
        "gateway sends everything. Neutron's quota router_route has to leave room for them.",
    ),
)

# Of Neutron's section [quotas].
QUOTA_OPTIONS = (
    cfg.IntOpt(
        "quota_mpls_vpn",
        default=-1,
        min=-1,
        help="BGP VPNs a project may have; -1 for any number. Administrators make them, unless "
        "policy create_bgpvpn says otherwise.",
    ),
    cfg.IntOpt(
        "quota_mpls_vpn_association",
        default=-1,
        min=-1,
        help="Networks, routers and ports, all together, that a project may have in BGP VPNs; -1 "
        "for any number. One in two VPNs counts twice.",
    ),
    cfg.IntOpt(
        "quota_mpls_vtn",
        default=10,
        min=-1,
        help="Virtual tenant networks a project may have at this site, those made elsewhere "
        "among them; -1 for any number. Tenants make them without an administrator.",
    ),
)


@dataclass(frozen=True, slots=True)
class PluginOptions:
    """The options, read once."""

    driver: str
    attachment_mode: str
    poll_interval_s: float
    resync_interval_s: float
    dispatch_threads: int
    retry_interval_s: float
    max_retry_interval_s: float
    pe_down_time_s: int
    report_time_s: int
    vtn_drift: str = "repair"
    transit: TransitOptions = DEFAULT_TRANSIT
    route_target_pool: NumberPool[RouteTarget] = NO_ROUTE_TARGETS
    route_distinguisher_pool: NumberPool[RouteDistinguisher] = NO_ROUTE_DISTINGUISHERS
    site_name: str = "RegionOne"


def _read_transit(group: cfg.GroupAttr) -> TransitOptions:
    """Read and check what no single option can be checked for.

    Raises:
        ValueError: a range of the wrong family, or one too small.
    """
    ipv4, ipv6 = group.transit_ipv4_range, group.transit_ipv6_range
    for name, prefix, version in (("ipv4", ipv4, 4), ("ipv6", ipv6, 6)):
        length = TRANSIT_PREFIX_LENGTHS[version]
        if prefix.version != version or prefix.prefixlen > length:
            raise ValueError(f"transit_{name}_range is not an IPv{version} range of /{length}s.")
    if 64 - ipv6.prefixlen < 29 - ipv4.prefixlen:
        raise ValueError("transit_ipv6_range holds fewer networks than transit_ipv4_range.")
    return TransitOptions(ipv4, ipv6, tuple(group.router_aggregates))


def _read_pool(group: cfg.GroupAttr, kind: type[_Number]) -> NumberPool[_Number]:
    """Read the pool of a kind of numbers.

    Raises:
        ValueError: one of the ranges is none, or two overlap.
    """
    pool = NumberPool(kind)
    try:
        return pool.parse(kind, group[pool.option])
    except InvalidValue as error:
        raise ValueError(f"[{GROUP}] {pool.option}: {error}") from error


def read_options(conf: cfg.ConfigOpts) -> PluginOptions:
    """Register the options with ``conf`` and read them."""
    conf.register_opts(OPTIONS, GROUP)
    group = conf[GROUP]
    return PluginOptions(
        driver=group.driver,
        attachment_mode=group.attachment_mode,
        poll_interval_s=group.poll_interval,
        resync_interval_s=group.resync_interval,
        dispatch_threads=group.dispatch_threads,
        retry_interval_s=group.retry_interval,
        max_retry_interval_s=group.max_retry_interval,
        pe_down_time_s=group.pe_down_time,
        report_time_s=group.report_time,
        vtn_drift=group.vtn_drift,
        transit=_read_transit(group),
        route_target_pool=_read_pool(group, RouteTarget),
        route_distinguisher_pool=_read_pool(group, RouteDistinguisher),
        site_name=group.site_name,
    )


def list_opts() -> list[tuple[str, tuple[cfg.Opt, ...]]]:
    """Return the options for oslo-config-generator."""
    return [(GROUP, OPTIONS), (QUOTA_GROUP, QUOTA_OPTIONS)]
