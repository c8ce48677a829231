# SPDX-License-Identifier: Apache-2.0
"""Who reaches whom, as a step of a story."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import partial

from lab.demo import guest
from lab.demo.tenants import Server
from lab.demo.terminal import Failed, Told
from lab.waiting import wait_until

_PINGS = 20


def ping(
    step: Callable[[str], AbstractContextManager[Told]],
    near: Server,
    far: Server,
    patience_s: float,
) -> None:
    """Tell that one server reaches another: answers come, and from then on none is missing.

    Args:
        step: of the teller.
        near: who asks.
        far: who answers.
        patience_s: how long the first answer may take.
    """
    with step(f"ping {near.name} → {far.name} ({far.address})") as told:
        wait_until(partial(guest.reaches, near, far.address), patience_s, "the first answer")
        pinged = guest.ping(near, far.address, _PINGS)
        told.result = str(pinged)
        if pinged.lost:
            raise Failed(f"{pinged.lost} lost")
