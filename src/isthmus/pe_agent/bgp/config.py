# SPDX-License-Identifier: Apache-2.0
"""What a BGP speaker is told once, at start."""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import IPv4Address

from isthmus.model.errors import InvalidValue


@dataclass(frozen=True, slots=True)
class BgpConfig:
    """One PE's part in MP-BGP; all neighbors are in its own AS (iBGP).

    Attributes:
        as_number: of this PE and of its neighbors, 32 bits (RFC 6793).
        router_id: BGP identifier; also the address sessions come from and are accepted on.
        neighbors: route reflectors, or all other PEs.
        api: where the daemon listens for us, a gRPC target; a UNIX socket, for it has no
            authentication of its own.
        listen_port: TCP port of BGP here; the neighbors' is 179.
        hold_time_s: a silent neighbor is down after it (RFC 4271 §4.2); keepalives every third.
        graceful_restart_time_s: how long neighbors keep our routes while our daemon is away, and
            the longest that missing routes are waited for (RFC 4724 §3).
        long_lived_stale_time_s: how much longer they keep them as a last resort (RFC 9494).
        deferral_time_s: how long a restarted daemon waits for the end-of-RIB of all neighbors
            before it sends its own (RFC 4724 §4.1, Selection_Deferral_Timer).
        late_neighbor_s: how long a neighbor without session is waited for once another has sent
            everything.
        password: TCP MD5 key of all sessions (RFC 2385); empty: none.
        ttl_security_hops: accept only neighbors at most this many hops away (RFC 5082); 0: off.

    Raises:
        InvalidValue: a value its BGP field has no room for, or neighbors that can't be.
    """

    as_number: int
    router_id: IPv4Address
    neighbors: tuple[IPv4Address, ...]
    api: str = "unix:///run/isthmus/gobgpd.sock"
    listen_port: int = 179
    hold_time_s: int = 9
    graceful_restart_time_s: int = 120
    long_lived_stale_time_s: int = 3600
    deferral_time_s: int = 6
    late_neighbor_s: float = 15.0
    password: str = field(default="", repr=False)
    ttl_security_hops: int = 0

    def __post_init__(self) -> None:
        ranges = {
            "as_number": (1, 2**32 - 1),
            "listen_port": (1, 2**16 - 1),
            "hold_time_s": (3, 2**16 - 1),
            "graceful_restart_time_s": (1, 2**12 - 1),
            "long_lived_stale_time_s": (0, 2**24 - 1),
            "deferral_time_s": (1, 2**12 - 1),
            "late_neighbor_s": (0, 2**12 - 1),
            "ttl_security_hops": (0, 255),
        }
        for name, (least, most) in ranges.items():
            if not least <= getattr(self, name) <= most:
                raise InvalidValue(
                    f"{name} is {getattr(self, name)}; it must be between {least} and {most}."
                )
        if len(set(self.neighbors)) != len(self.neighbors):
            raise InvalidValue("A BGP neighbor is listed twice.")
        if self.router_id in self.neighbors:
            raise InvalidValue(f"{self.router_id} is listed as a BGP neighbor of itself.")
