# SPDX-License-Identifier: Apache-2.0
"""A core network per test module."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from ipaddress import IPv4Address
from pathlib import Path

import pytest

from tests.functional.bgp.network import (
    CONSTRAINED_FAMILIES,
    CoreNetwork,
    GoBgpd,
    gobgp_reflector_configuration,
    missing_for_bgp,
)
from tests.functional.bgp.three_pes import CLIENTS, FRR, REFLECTOR, MakePe, Pe


@pytest.fixture(scope="module")
def network() -> Iterator[CoreNetwork]:
    """An empty core network, ended with all its daemons after the module."""
    missing = missing_for_bgp()
    if missing:
        pytest.skip(f"missing: {missing}")
    # Short, for the path of a UNIX socket; open to FRR's own user.
    with tempfile.TemporaryDirectory(prefix="isthmus-bgp-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        network = CoreNetwork(folder)
        try:
            yield network
        finally:
            network.close()


@pytest.fixture(scope="module")
def core(network: CoreNetwork) -> CoreNetwork:
    """The places of three PEs and two reflectors."""
    for name, address in CLIENTS.items():
        network.add_node(name, address)
    network.add_node("rr", REFLECTOR)
    network.add_node("rr-frr", FRR)
    return network


@pytest.fixture
def reflector(core: CoreNetwork) -> Iterator[GoBgpd]:
    """One that waits to be asked."""
    configuration = gobgp_reflector_configuration(
        REFLECTOR, list(CLIENTS.values()), families=CONSTRAINED_FAMILIES
    )
    reflector = GoBgpd(core, "rr", configuration)
    yield reflector
    reflector.kill()


@pytest.fixture
def make_pe(core: CoreNetwork) -> Iterator[MakePe]:
    """Make PEs, ended after the test."""
    made: list[Pe] = []

    def make(name: str, *neighbors: IPv4Address) -> Pe:
        made.append(Pe(core, name, neighbors or (REFLECTOR,)))
        return made[-1]

    yield make
    for pe in made:
        pe.end()
