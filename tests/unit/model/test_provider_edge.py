# SPDX-License-Identifier: Apache-2.0
"""What labels and tunnels cost, from the core's MTU to what is left for a packet."""

from __future__ import annotations

import pytest

from isthmus.model.provider_edge import Encapsulation
from tests.actors import provider_edge


@pytest.mark.parametrize(
    ("encapsulation", "core_mtu", "payload"),
    [
        (Encapsulation.MPLS, 1500, 1492),
        (Encapsulation.MPLS, 1450, 1442),
        (Encapsulation.MPLS_IN_GRE, 1500, 1472),
        (Encapsulation.MPLS_IN_GRE, 1470, 1442),
    ],
)
def test_what_the_core_carries(encapsulation: Encapsulation, core_mtu: int, payload: int) -> None:
    """Two labels of 4 octets; or IPv4 and GRE headers of 24, and one label."""
    pe = provider_edge(core_mtu=core_mtu, encapsulation=encapsulation)
    assert pe.core_payload == payload
