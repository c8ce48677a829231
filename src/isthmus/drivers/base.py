# SPDX-License-Identifier: Apache-2.0
"""The contract of a driver: what carries intent from the plug-in to provider edges."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass
from typing import Any, Protocol

from isthmus.model.intent import VpnIntent, VrfIntent
from isthmus.model.report import PeReport


@dataclass(frozen=True, slots=True)
class DriverSetup:
    """What a driver is made with.

    Attributes:
        transport: returns this process's oslo.messaging transport; called when first needed.
        record_report: for drivers that know by themselves what is in force.
    """

    transport: Callable[[], Any]
    record_report: Callable[[PeReport], None]


@dataclass(frozen=True, slots=True)
class SyncAnswer:
    """What a PE has to change to hold what it should.

    Attributes:
        lacking: its parts that it does not have, or has of an older generation.
        excess: VPNs it holds but has no part in.
    """

    lacking: tuple[VrfIntent, ...] = ()
    excess: tuple[str, ...] = ()


class VpnDriver(Protocol):
    """Carries intent to PEs. Level-triggered: every call says the whole state of one VPN.

    Made with a ``DriverSetup`` in every process of Neutron; ``__init__`` opens nothing. Calls come
    from several threads and processes, also for one VPN: the greater generation counts.
    """

    def apply(self, intent: VpnIntent, pes: Collection[str]) -> None:
        """Make ``intent`` what the region's PEs hold of this VPN. Idempotent.

        Returns once the intent is on its way, not once it is in force: PEs report that.

        Args:
            intent: the whole VPN at this site.
            pes: every PE of the region; those without a host of the VPN have no part in it.

        Raises:
            DriverUnavailable: nothing or a part of it was sent; the caller tries again.
            InvalidValue: the intent can't be carried; trying again is useless.
        """

    def remove(self, vpn_id: str, pes: Collection[str]) -> None:
        """Make no PE hold this VPN. Idempotent; a VPN never heard of is no error.

        Raises:
            DriverUnavailable: as for ``apply``.
        """

    def answer(
        self, report: PeReport, intents: Iterable[VpnIntent], pes: Collection[str]
    ) -> SyncAnswer:
        """Compare what a PE holds with what it should hold of some VPNs.

        Args:
            report: what it holds.
            intents: VPNs to compare; others in the report are right already.
            pes: every PE of the region.
        """
