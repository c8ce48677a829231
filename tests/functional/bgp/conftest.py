# SPDX-License-Identifier: Apache-2.0
"""A core network per test module."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.functional.bgp.network import CoreNetwork, missing_for_bgp


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
