# SPDX-License-Identifier: Apache-2.0
"""Options of ``isthmus-interconnect``: read once, checked as a whole, then a frozen value.

It reads Neutron's own file beside its own, for the database, the message queue and the site's name.
"""

from __future__ import annotations

import socket
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from oslo_config import cfg

from isthmus.config.pe_agent import InvalidConfiguration
from isthmus.config.plugin import GROUP as PLUGIN_GROUP
from isthmus.config.plugin import OPTIONS as PLUGIN_OPTIONS
from isthmus.config.reader import Reader

GROUP = "interconnect"

INTERCONNECT_OPTIONS = [
    cfg.HostAddressOpt(
        "host",
        sample_default="control-1",
        help="Names this daemon among those of the site. Default: the host's name.",
    ),
    cfg.IntOpt(
        "as_number",
        min=1,
        max=2**32 - 1,
        help="AS number of this site (RFC 6793), told to other sites. Required.",
    ),
    cfg.StrOpt(
        "certificates_path",
        default="/etc/isthmus/interconnect",
        help="Directory of the site's authority, certificates and secret, the same on all hosts "
        "that run this daemon. 'isthmus-interconnect prepare' makes it.",
    ),
    cfg.ListOpt(
        "etcd_endpoints",
        default=["https://127.0.0.1:2379"],
        help="URLs of the members of this site's etcd, as this daemon reaches them.",
    ),
    cfg.ListOpt(
        "public_etcd_endpoints",
        default=[],
        sample_default=["https://192.0.2.10:2379"],
        help="URLs of the same, as other sites reach them. Default: etcd_endpoints.",
    ),
    cfg.HostAddressOpt(
        "peering_address",
        default="0.0.0.0",  # noqa: S104  other sites have to reach it
        help="Address on which invitations are accepted and certificates renewed.",
    ),
    cfg.PortOpt("peering_port", default=2382, help="TCP port of the same."),
    cfg.StrOpt(
        "public_peering_endpoint",
        sample_default="192.0.2.10:2382",
        help="HOST:PORT under which other sites reach it; it stands in invitations. Default: the "
        "host of the first of public_etcd_endpoints, and peering_port.",
    ),
    cfg.IntOpt(
        "certificate_days",
        default=90,
        min=1,
        max=825,
        help="Days for which a peer's certificate is valid. It is renewed, without a break, when "
        "two thirds of them are over.",
    ),
    cfg.FloatOpt(
        "outbox_interval_s",
        default=0.2,
        min=0.1,
        max=60,
        help="Seconds between two looks for what is to be told to other sites.",
    ),
    cfg.FloatOpt(
        "heartbeat_interval_s",
        default=2,
        min=0.5,
        max=60,
        help="Seconds between two heartbeats. The same at all sites, or the faster one is taken "
        "for silent by silent_after_s of the others.",
    ),
    cfg.FloatOpt(
        "silent_after_s",
        default=5,
        min=1,
        max=600,
        help="Seconds after its last heartbeat after which another site is UNREACHABLE or DOWN. "
        "At least twice heartbeat_interval_s.",
    ),
    cfg.IntOpt(
        "lease_s",
        default=5,
        min=2,
        max=600,
        help="Seconds after which another daemon of this site takes over from one that is gone.",
    ),
    cfg.FloatOpt(
        "take_over_after_s",
        default=0,
        min=0,
        max=30 * 86400,
        sample_default=3600,
        help="Seconds for which another site has to be DOWN, seen without a break, before this "
        "one takes over the networks that it owns: the first of their members by name, and after "
        "as long again the next. 0: an operator does it. A site that is UNREACHABLE may be well "
        "and keeps its networks.",
    ),
]


@dataclass(frozen=True, slots=True)
class InterconnectOptions:
    """Everything the daemon is told by its operator.

    Attributes:
        site: the site's name.
        host: names this daemon.
        as_number: the site's.
        certificates_path: directory of certificates and keys.
        etcd: of this site, for this daemon.
        public_etcd: the same, for other sites.
        peering_address: where to listen.
        peering_port: where to listen.
        peering_endpoint: the same, for other sites: ``host:port``.
        certificate_days: of a peer's certificate.
        outbox_interval_s: between looks.
        heartbeat_interval_s: between heartbeats.
        silent_after_s: without any.
        lease_s: of leadership.
        take_over_after_s: that an owner was DOWN; 0 for never.
    """

    site: str
    host: str
    as_number: int
    certificates_path: Path
    etcd: tuple[str, ...]
    public_etcd: tuple[str, ...]
    peering_address: str
    peering_port: int
    peering_endpoint: str
    certificate_days: int
    outbox_interval_s: float
    heartbeat_interval_s: float
    silent_after_s: float
    lease_s: int
    take_over_after_s: float = 0.0

    @property
    def public_hosts(self) -> list[str]:
        """Return every address and name under which a server of the site is reached."""
        urls = (*self.etcd, *self.public_etcd, f"https://{self.peering_endpoint}")
        hosts = [urlsplit(url).hostname for url in urls]
        return list(dict.fromkeys(host for host in [*hosts, "127.0.0.1"] if host))


def list_opts() -> list[tuple[str, list[Any]]]:
    """List the options for oslo-config-generator."""
    return [(GROUP, INTERCONNECT_OPTIONS)]


def register_options(conf: cfg.ConfigOpts) -> None:
    """Make the options known to ``conf``."""
    conf.register_opts(INTERCONNECT_OPTIONS, group=GROUP)
    site_name = next(option for option in PLUGIN_OPTIONS if option.name == "site_name")
    conf.register_opt(site_name, group=PLUGIN_GROUP)


def read_options(conf: cfg.ConfigOpts) -> InterconnectOptions:
    """Read and check all options.

    Raises:
        InvalidConfiguration: something is missing or wrong.
    """
    reader = Reader(conf)
    none: tuple[str, ...] = ()
    etcd = reader.required(GROUP, "etcd_endpoints", _read_urls, none)
    public = reader.value(GROUP, "public_etcd_endpoints", _read_urls, none) or etcd
    port = reader.number(GROUP, "peering_port")
    first = urlsplit(public[0]).netloc.rpartition(":")[0] if public else ""
    options = InterconnectOptions(
        site=reader.text(PLUGIN_GROUP, "site_name"),
        host=reader.value(GROUP, "host", str, "") or socket.gethostname(),
        as_number=reader.number(GROUP, "as_number"),
        certificates_path=Path(reader.text(GROUP, "certificates_path")),
        etcd=etcd,
        public_etcd=public,
        peering_address=reader.text(GROUP, "peering_address"),
        peering_port=port,
        peering_endpoint=reader.value(
            GROUP, "public_peering_endpoint", read_host_and_port, f"{first}:{port}"
        ),
        certificate_days=reader.number(GROUP, "certificate_days"),
        outbox_interval_s=reader.required(GROUP, "outbox_interval_s", float, 0.0),
        heartbeat_interval_s=reader.required(GROUP, "heartbeat_interval_s", float, 0.0),
        silent_after_s=reader.required(GROUP, "silent_after_s", float, 0.0),
        lease_s=reader.number(GROUP, "lease_s"),
        take_over_after_s=reader.required(GROUP, "take_over_after_s", float, 0.0),
    )
    if 0 < options.take_over_after_s < options.silent_after_s:
        reader.complain(
            f"[{GROUP}] take_over_after_s is less than silent_after_s: say 0 for never, or longer "
            "than a site takes to restart."
        )
    if options.silent_after_s < 2 * options.heartbeat_interval_s:
        reader.complain(
            f"[{GROUP}] silent_after_s is less than twice heartbeat_interval_s: one late heartbeat "
            f"would make a site DOWN."
        )
    if reader.sentences:
        raise InvalidConfiguration(reader.sentences)
    return options


def read_host_and_port(text: str) -> str:
    """Return ``host:port`` if a text is that.

    Raises:
        ValueError: it is not.
    """
    parts = urlsplit(f"//{text}")
    if not parts.hostname or not parts.port or parts.netloc != text or parts.username:
        raise ValueError(f"'{text}' is not of the form HOST:PORT.")
    return text


def _read_urls(texts: Sequence[str]) -> tuple[str, ...]:
    for text in texts:
        parts = urlsplit(text)
        if parts.scheme not in ("https", "http") or not parts.hostname or not parts.port:
            raise ValueError(f"'{text}' is not of the form https://HOST:PORT.")
    return tuple(dict.fromkeys(text.rstrip("/") for text in texts))
