# SPDX-License-Identifier: Apache-2.0
"""Options of the Neutron service plug-in, section ``[isthmus]`` of Neutron's configuration."""

from __future__ import annotations

from dataclasses import dataclass

from oslo_config import cfg

GROUP = "isthmus"

OPTIONS = (
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
    )


def list_opts() -> list[tuple[str, tuple[cfg.Opt, ...]]]:
    """Return the options for oslo-config-generator."""
    return [(GROUP, OPTIONS)]
