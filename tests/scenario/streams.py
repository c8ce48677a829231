# SPDX-License-Identifier: Apache-2.0
"""A stream of packets between two VMs that must not lose any.

Each stream is ping from a VM in one region to one in the other, so every packet crosses both
provider edges, the P router, and comes back. It goes on until what it is about has been over for a
while, and all of its packets must come back.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager

from lab.demo import guest
from lab.demo.tenants import Server
from lab.waiting import wait_until
from tests.scenario import figures

Ends = tuple[Server, Server]
#: What an event breaks late is broken, too.
AFTERWARDS_S = 5
#: An emulated guest of a busy machine does not keep the pace; one that hardly sends shows nothing.
LEAST_RATE = guest.RATE / 4


@contextmanager
def no_packet_lost(ends: Ends, seconds: int) -> Iterator[None]:
    """Whatever happens inside must be over within ``seconds`` and cost no packet."""
    with counted(ends, seconds) as results:
        yield
    assert results[0].lost == 0


@contextmanager
def counted(ends: Ends, seconds: int) -> Iterator[list[guest.Pinged]]:
    """Whatever happens inside must be over within ``seconds``; afterwards there is one result."""
    results: list[guest.Pinged] = []
    near, far = ends
    stream = guest.Stream(near, far.address, seconds + 2 * AFTERWARDS_S)
    stream.start()
    try:
        wait_until(stream.is_under_way, 10, "the beginning of the stream")
        began = time.monotonic()
        yield results
        took_s = time.monotonic() - began
        assert not stream.is_over(), f"the stream of {seconds} s ended before the event did"
        # So long it has to hold, however soon the event was over.
        time.sleep(AFTERWARDS_S)
    finally:
        stream.end()
    wait_until(stream.is_over, 30, "the end of the stream", every_s=0.5)
    result = stream.result()
    figures.add(f"{near.name} → {far.name}, {took_s:.0f} s: {result}")
    assert result.sent >= took_s * LEAST_RATE
    results.append(result)
