# SPDX-License-Identifier: Apache-2.0
"""What a BGP speaker is told once, at start."""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import IPv4Address

from isthmus.model.errors import InvalidValue
from isthmus.model.ids import Label


@dataclass(frozen=True, slots=True)
class BgpConfig:
    """One PE's part in MP-BGP.

    Attributes:
        as_number: of this PE and of ``neighbors``, 32 bits (RFC 6793).
        router_id: BGP identifier; also the address sessions come from and are accepted on.
        neighbors: route reflectors, or all other PEs; VPN routes go to and come from them (iBGP).
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
        quiet_s: how long after its end-of-RIB, or the last route, a neighbor that is asked for
            route targets may have more: one that does not wait until it has been asked for all
            ends its RIB too early (RFC 4684 §6).
        password: TCP MD5 key of all sessions (RFC 2385); empty: none.
        ttl_security_hops: accept only neighbors at most this many hops away (RFC 5082); 0: off.
        constrains_routes: tell ``neighbors`` which route targets this PE wants (RFC 4684).
        labelled_neighbors: adjacent P routers, on sessions that carry labelled unicast alone (RFC
            8277): what constrains routes on a session would keep those back, having no targets.
        labelled_as_number: of ``labelled_neighbors``; 0: this PE's (iBGP).
        gateway_neighbors: the other gateways of this region, on sessions with BFD (RFC 5880); one
            that is not among ``neighbors`` is told nothing but that this PE lives.
        labelled_address: this PE's on the core link, where P routers send labelled packets to and
            have their sessions with; None: ``router_id``. A router that resolves next hops by its
            own table, as they do, takes no route to an address by way of that same address.
        transport_label: label P routers deliver to this PE by; None: they pop (implicit null).

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
    quiet_s: float = 2.0
    password: str = field(default="", repr=False)
    ttl_security_hops: int = 0
    constrains_routes: bool = True
    labelled_neighbors: tuple[IPv4Address, ...] = ()
    labelled_as_number: int = 0
    gateway_neighbors: tuple[IPv4Address, ...] = ()
    labelled_address: IPv4Address | None = None
    transport_label: Label | None = None

    @property
    def core_address(self) -> IPv4Address:
        """Return the address that P routers know this PE by."""
        return self.labelled_address or self.router_id

    @property
    def all_neighbors(self) -> tuple[IPv4Address, ...]:
        """Return the neighbors that tell routes, in order of address."""
        return tuple(sorted((*self.neighbors, *self.labelled_neighbors)))

    @property
    def sessions(self) -> tuple[IPv4Address, ...]:
        """Return the neighbors of every kind, in order of address."""
        return tuple(sorted({*self.all_neighbors, *self.gateway_neighbors}))

    def as_number_of(self, neighbor: IPv4Address) -> int:
        """Return a neighbor's AS number."""
        is_labelled = neighbor in self.labelled_neighbors
        return (self.labelled_as_number if is_labelled else 0) or self.as_number

    def __post_init__(self) -> None:
        ranges = {
            "as_number": (1, 2**32 - 1),
            "listen_port": (1, 2**16 - 1),
            "hold_time_s": (3, 2**16 - 1),
            "graceful_restart_time_s": (1, 2**12 - 1),
            "long_lived_stale_time_s": (0, 2**24 - 1),
            "deferral_time_s": (1, 2**12 - 1),
            "late_neighbor_s": (0, 2**12 - 1),
            "quiet_s": (0, 2**12 - 1),
            "ttl_security_hops": (0, 255),
            "labelled_as_number": (0, 2**32 - 1),
        }
        for name, (least, most) in ranges.items():
            if not least <= getattr(self, name) <= most:
                raise InvalidValue(
                    f"{name} is {getattr(self, name)}; it must be between {least} and {most}."
                )
        for address in set(self.neighbors) & set(self.labelled_neighbors):
            raise InvalidValue(
                f"{address} is among neighbors and among labelled_neighbors; one session can't "
                f"carry both: give one of them another address of that router."
            )
        for address in set(self.gateway_neighbors) & set(self.labelled_neighbors):
            raise InvalidValue(f"{address} can't be a P router and a gateway of this region.")
        if len(set(self.all_neighbors)) != len(self.all_neighbors):
            raise InvalidValue("A BGP neighbor is listed twice.")
        for address in {self.router_id, self.core_address} & set(self.sessions):
            raise InvalidValue(f"{address} is listed as a BGP neighbor of itself.")
