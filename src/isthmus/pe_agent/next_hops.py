# SPDX-License-Identifier: Apache-2.0
"""Who is on the core link: MACs of next hops, as the kernel's neighbor table has them (RFC 826).

The PE's address is on the core bridge's own port, so BGP has the kernel resolve the routers it
talks to. Others are asked for; all are asked again from time to time, for packets with labels never
pass the kernel: it would not notice that one has gone.
"""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import select
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from ipaddress import IPv4Address

LOG = logging.getLogger(__name__)

_ASK_AGAIN_S = 10.0
_ASK_MISSING_S = 1.0
_FIRST_ANSWER_S = 1.0
_RETRY_S = 1.0

# linux/rtnetlink.h, linux/neighbour.h
_HEADER = struct.Struct("=IHHII")
_NEIGHBOR = struct.Struct("=B3xiHBB")
_ATTRIBUTE = struct.Struct("=HH")
_RTM_NEWNEIGH, _RTM_DELNEIGH, _RTM_GETNEIGH = 28, 29, 30
_REQUEST, _DUMP, _CREATE_OR_REPLACE = 0x1, 0x300, 0x500
_RTMGRP_NEIGH = 0x4
_NDA_DST, _NDA_LLADDR = 1, 2
_NTF_USE = 0x1
_INCOMPLETE, _FAILED = 0x1, 0x20
# linux/sockios.h
_SIOCGIFHWADDR = 0x8927

Neighbor = tuple[int, IPv4Address, str | None]
"""Interface, address, and MAC; None if there is none, or not any more."""


class NextHops:
    """Follows the neighbor table of one interface; one thread of its own.

    Args:
        interface: the core bridge's own port.
        tell_own_mac: is told that port's MAC at the start and from time to time, in the thread;
            returns whether it could do with it what it does.
        enter: called first in the thread; what it changes about it (such as its network namespace)
            applies to all that is asked.
    """

    def __init__(
        self,
        interface: str,
        tell_own_mac: Callable[[str], bool] = lambda _: True,
        enter: Callable[[], None] = lambda: None,
    ) -> None:
        self._interface = interface
        self._tell_own_mac = tell_own_mac
        self._enter = enter
        self._on_change: Callable[[], None] = lambda: None
        self._wake_fd = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._thread = threading.Thread(target=self._run, name="next-hops", daemon=True)
        self._is_stopping = False
        # What follows is shared under the condition.
        self._changed = threading.Condition()
        self._wanted: frozenset[IPv4Address] = frozenset()
        self._known: Mapping[IPv4Address, str] = {}
        self._life = ""
        # These are the thread's own.
        self._index = 0
        self._table: dict[IPv4Address, str] = {}

    def start(self, on_change: Callable[[], None]) -> None:
        """Follow the table; ``on_change`` is called after a change of what is wanted."""
        self._on_change = on_change
        self._thread.start()

    def stop(self) -> None:
        """Stop following."""
        self._is_stopping = True
        os.eventfd_write(self._wake_fd, 1)
        if self._thread.is_alive():
            self._thread.join(_FIRST_ANSWER_S)

    def resolve(self, wanted: frozenset[IPv4Address], life: str) -> Mapping[IPv4Address, str]:
        """Return the MACs of those of ``wanted`` that answer.

        Waits a moment for those asked for the first time, so that a restarted agent does not take
        them for silent.

        Args:
            wanted: addresses on the core link.
            life: of the switch; in a new one everything is asked, and told, anew.
        """
        with self._changed:
            is_new = bool(wanted - self._wanted)
            if is_new or life != self._life:
                os.eventfd_write(self._wake_fd, 1)
            self._wanted, self._life = wanted, life
            if is_new and self._thread.is_alive():
                self._changed.wait_for(lambda: wanted <= self._known.keys(), _FIRST_ANSWER_S)
            return {address: self._known[address] for address in wanted & self._known.keys()}

    def _run(self) -> None:
        self._enter()
        while not self._is_stopping:
            try:
                self._follow()
            except OSError as error:
                LOG.warning("next_hops.unread interface=%s error=%r", self._interface, error)
                self._publish({})
                time.sleep(_RETRY_S)

    def _follow(self) -> None:
        """Read the table, then its changes, until something is lost."""
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as netlink:
            netlink.bind((0, _RTMGRP_NEIGH))
            self._index = socket.if_nametoindex(self._interface)
            self._table.clear()
            netlink.send(_message(_RTM_GETNEIGH, _REQUEST | _DUMP, 0))
            asked_at = float("-inf")
            asked: object = None
            is_done = False
            while not self._is_stopping:
                with self._changed:
                    wanted, life = self._wanted, self._life
                now = time.monotonic()
                missing = wanted - self._table.keys()
                pause_s = _ASK_AGAIN_S if is_done and not missing else _ASK_MISSING_S
                if (wanted, life) != asked or now >= asked_at + pause_s:
                    if self._index != socket.if_nametoindex(self._interface):
                        return
                    is_done = self._tell_own_mac(_own_mac(self._interface))
                    for address in wanted:
                        netlink.send(_use(self._index, address))
                    asked, asked_at = (wanted, life), now
                self._read(netlink, pause_s)

    def _read(self, netlink: socket.socket, timeout_s: float) -> None:
        descriptors = [netlink.fileno(), self._wake_fd]
        readable, _, _ = select.select(descriptors, [], [], timeout_s)
        if self._wake_fd in readable:
            with contextlib.suppress(BlockingIOError):
                os.eventfd_read(self._wake_fd)
        if netlink.fileno() not in readable:
            return
        for index, address, mac in read_neighbors(netlink.recv(65536)):
            if index != self._index:
                continue
            if mac is None:
                self._table.pop(address, None)
            else:
                self._table[address] = mac
        self._publish(dict(self._table))

    def _publish(self, table: Mapping[IPv4Address, str]) -> None:
        with self._changed:
            before = {address: self._known.get(address) for address in self._wanted}
            self._known = table
            after = {address: table.get(address) for address in self._wanted}
            self._changed.notify_all()
        if before != after:
            LOG.info("next_hops.changed %s", " ".join(f"{a}={m}" for a, m in after.items()))
            self._on_change()


def read_neighbors(octets: bytes) -> Iterator[Neighbor]:
    """Read the IPv4 neighbors of a datagram of rtnetlink; other messages are skipped."""
    while len(octets) >= _HEADER.size:
        length, kind, *_ = _HEADER.unpack_from(octets)
        if length < _HEADER.size:
            return
        body, octets = octets[_HEADER.size : length], octets[_aligned(length) :]
        if kind not in (_RTM_NEWNEIGH, _RTM_DELNEIGH) or len(body) < _NEIGHBOR.size:
            continue
        family, index, state, *_ = _NEIGHBOR.unpack_from(body)
        attributes = dict(_attributes(body[_NEIGHBOR.size :]))
        if family != socket.AF_INET or len(attributes.get(_NDA_DST, b"")) != 4:
            continue
        mac = attributes.get(_NDA_LLADDR, b"")
        is_there = kind == _RTM_NEWNEIGH and not state & (_INCOMPLETE | _FAILED) and len(mac) == 6
        yield index, IPv4Address(attributes[_NDA_DST]), mac.hex(":") if is_there else None


def _own_mac(interface: str) -> str:
    request = struct.pack("256s", interface.encode())
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        answer = fcntl.ioctl(any_socket, _SIOCGIFHWADDR, request)
    return answer[18:24].hex(":")


def _attributes(octets: bytes) -> Iterator[tuple[int, bytes]]:
    while len(octets) >= _ATTRIBUTE.size:
        length, kind = _ATTRIBUTE.unpack_from(octets)
        if length < _ATTRIBUTE.size:
            return
        yield kind, octets[_ATTRIBUTE.size : length]
        octets = octets[_aligned(length) :]


def _use(index: int, address: IPv4Address) -> bytes:
    """Encode that somebody wants to send to a neighbor: one not known, or long silent, is asked."""
    attribute = _ATTRIBUTE.pack(_ATTRIBUTE.size + 4, _NDA_DST) + address.packed
    return _message(_RTM_NEWNEIGH, _REQUEST | _CREATE_OR_REPLACE, index, _NTF_USE, attribute)


def _message(
    kind: int, flags: int, index: int, neighbor_flags: int = 0, rest: bytes = b""
) -> bytes:
    body = _NEIGHBOR.pack(socket.AF_INET, index, 0, neighbor_flags, 0) + rest
    return _HEADER.pack(_HEADER.size + len(body), kind, flags, 0, 0) + body


def _aligned(length: int) -> int:
    return (length + 3) & ~3
