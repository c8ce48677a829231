# SPDX-License-Identifier: Apache-2.0
"""A stream of packets between two VMs that must not lose any.

Each stream is ping from a VM in one region to one in the other, so every packet crosses both
provider edges, the P router, and comes back. It must still be running when what it is about is
over, and all of its packets must come back.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from lab.demo import guest
from lab.demo.tenants import Server
from lab.waiting import wait_until
from tests.scenario import figures

Ends = tuple[Server, Server]


@contextmanager
def no_packet_lost(ends: Ends, seconds: int) -> Iterator[None]:
    """Whatever happens inside must be over within ``seconds`` and cost no packet."""
    near, far = ends
    stream = guest.Stream(near, far.address, seconds)
    stream.start()
    try:
        wait_until(stream.is_under_way, 10, "the beginning of the stream")
        yield
        assert not stream.is_over(), f"the stream of {seconds} s ended before the event did"
        wait_until(stream.is_over, seconds + 30, "the end of the stream", every_s=0.5)
    except BaseException:
        stream.stop()
        raise
    result = stream.result()
    figures.add(f"{near.name} → {far.name}: {result}")
    assert (result.sent, result.lost) == (seconds * 100, 0)
