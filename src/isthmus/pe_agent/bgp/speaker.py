# SPDX-License-Identifier: Apache-2.0
"""What the agent asks of a BGP daemon, whichever it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from isthmus.model.gateways import GatewayView
from isthmus.model.ids import RouteTarget
from isthmus.model.report import NeighborReport
from isthmus.model.route import LabelledRoute, VpnRoute


@dataclass(frozen=True, slots=True)
class RibIn:
    """What neighbors have told this PE, as of now.

    Attributes:
        routes: best paths learnt from neighbors; this PE's own are not among them. Routes of a
            neighbor that restarts stay in as long as graceful restart allows (RFC 4724), and so
            do all of them while the local daemon restarts.
        is_complete: every configured neighbor has either sent its end-of-RIB marker once (RFC
            4724 §2) or had the time to; until then a missing route may only be late.
        neighbors: in order of address; those that tell labels alone are among them.
        gateways: what is seen of the other gateways of this region.
        labelled: the ways into LSPs to other PEs, for each PE all that are equally good; kept
            like ``routes``.
    """

    routes: frozenset[VpnRoute]
    is_complete: bool
    neighbors: tuple[NeighborReport, ...]
    labelled: frozenset[LabelledRoute] = frozenset()
    gateways: GatewayView = field(default_factory=GatewayView)


class BgpSpeaker(Protocol):
    """A BGP daemon we tell what to advertise and ask what it has heard.

    ``start`` returns at once; a thread of the adapter keeps the connection and repeats what the
    daemon forgot, routes before neighbors (RFC 4724 §4.1: an end-of-RIB after an empty table
    would withdraw everything). Neighbors that tell labels hear this PE's own from it, unasked.
    """

    def start(self, on_change: Callable[[], None]) -> None:
        """Connect and keep connected.

        ``on_change`` is called, from any thread, when ``rib`` changed.
        """

    def advertise(
        self, routes: frozenset[VpnRoute], imports: frozenset[RouteTarget] = frozenset()
    ) -> None:
        """Make ``routes`` all that neighbors hear from this PE. Idempotent.

        Neighbors that constrain routes (RFC 4684) send those with a route target of ``imports``,
        and perhaps some more; the others send all they have.

        The first call also releases the neighbors: until it, no session is opened, so that a
        restarted agent never withdraws what it has not compiled yet.
        Returns once the daemon has accepted them, not once a neighbor has them.

        Raises:
            SpeakerUnreachable: the daemon is away; it gets ``routes`` when it is back.
            SpeakerRefused: a route is not one that may be sent; none was changed.
        """

    def meet_gateways(self) -> None:
        """Let other gateways hear this PE from now on: it is ready to serve. Idempotent.

        One that heard it earlier would hand it networks that it can't carry yet.

        Raises:
            SpeakerUnreachable: the daemon is away; it hears of them when it is back.
        """

    def core_link(self, *, is_up: bool) -> None:
        """Note whether the link to the core is up; sessions over it notice later. Never blocks."""

    def rib(self) -> RibIn:
        """Return the last known RIB-in. Never blocks, never raises."""

    def read_advertised(self) -> frozenset[VpnRoute]:
        """Ask the daemon what it has of this PE to advertise. From any thread.

        Raises:
            SpeakerUnreachable: the daemon is away.
        """

    def stop(self) -> None:
        """Disconnect; the daemon and its sessions go on."""
