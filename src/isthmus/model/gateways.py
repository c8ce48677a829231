# SPDX-License-Identifier: Apache-2.0
"""What a PE sees of the gateways of its region."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Address


@dataclass(frozen=True, slots=True)
class GatewayView:
    """What a PE sees of the other gateways of its region.

    Attributes:
        alive: those that are heard now and ready to serve.
        is_settled: the others have had the time to be heard since this PE was ready to serve, or
            since its link to the core came back.
        is_cut_off: it has no link to the core, or no BGP neighbor of any kind is heard.
    """

    alive: frozenset[IPv4Address] = frozenset()
    is_settled: bool = True
    is_cut_off: bool = False
