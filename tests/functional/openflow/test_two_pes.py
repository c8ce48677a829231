# SPDX-License-Identifier: Apache-2.0
"""Two whole agents on real switches, joined by a cable: what the VMs behind them notice."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from isthmus.model.provider_edge import Encapsulation
from tests.functional.openflow.real_switch import eventually, missing
from tests.functional.openflow.sites import Site, Sites, joined_sites

pytestmark = pytest.mark.functional


@pytest.fixture(params=list(Encapsulation))
def sites(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Sites]:
    """Two PEs that have each other's routes."""
    if reason := missing():
        pytest.skip(reason)
    with joined_sites(tmp_path, request.param) as made:
        yield made


def ping(site: Site, to: str, *options: str) -> str:
    """Ping from a site's VM."""
    argv = site.switch.inside(site.vm, "ping", "-n", *options, to)
    return subprocess.run(argv, capture_output=True, text=True, timeout=30).stdout


def test_vms_behind_two_pes_reach_each_other(sites: Sites) -> None:
    """Labelled on the way; a first packet may be lost to the tunnel's own ARP."""
    west, east = sites
    eventually(lambda: " 0 received" not in ping(west, east.address, "-c1", "-W1"), 10)
    assert "5 received" in ping(west, east.address, "-c5", "-i0.05", "-W2")
    assert "5 received" in ping(east, west.address, "-c5", "-i0.05", "-W2")
    assert "5 received" in ping(west, east.address, "-c5", "-i0.05", "-W2", "-Mdo", "-s1414")


def test_traceroute_sees_both_pes_and_nothing_between(sites: Sites) -> None:
    """The core stays hidden: its hops are not the customer's (pipe model, RFC 3443)."""
    west, east = sites
    eventually(lambda: "1 received" in ping(west, east.address, "-c1", "-W1"), 10)
    for ttl, hop in ((1, "10.1.0.1"), (2, "10.2.0.1")):
        output = ping(west, east.address, "-c1", "-W2", f"-t{ttl}")
        assert re.search(rf"From {re.escape(hop)} .*Time to live exceeded", output), output


def test_a_withdrawn_route_is_gone_from_the_flows(sites: Sites) -> None:
    """And its host from sight."""
    west, east = sites
    west.daemon.neighbor_withdraws(*east.daemon.heard)
    eventually(lambda: not any(east.address in flow for flow in west.switch.flows()))
    assert " 0 received" in ping(west, east.address, "-c1", "-W1")
