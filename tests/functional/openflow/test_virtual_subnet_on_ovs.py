# SPDX-License-Identifier: Apache-2.0
"""One subnet over two PEs on real switches: Linux hosts reach each other as if on one link.

vm1 10.6.0.11/24 2001:db8:6::11/64 ─ br-int ══ br-pe ── br-pe ══ br-int ─ vm2 10.6.0.111/24 …6::111
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.functional.openflow.real_switch import missing
from tests.functional.openflow.two_sites import Addresses, DualSite, adjacent_pes, two_sites

pytestmark = pytest.mark.functional

Sites = tuple[DualSite, DualSite]
WEST = Addresses("10.6.0.11", "2001:db8:6::11")
EAST = Addresses("10.6.0.111", "2001:db8:6::111")


@pytest.fixture
def sites(tmp_path: Path) -> Iterator[Sites]:
    """Two PEs with the same subnets."""
    if reason := missing():
        pytest.skip(reason)
    with two_sites(tmp_path, adjacent_pes(), (WEST, EAST)) as made:
        yield made


def test_hosts_of_one_subnet_reach_each_other_through_the_vpn(sites: Sites) -> None:
    """They take each other for neighbors; the MAC they know is their PE's."""
    west, east = sites
    for site, other in ((west, EAST), (east, WEST)):
        for address in (other.ipv4, other.ipv6):
            assert site.ping(address, "-c5", "-i0.1", "-W2") >= 4
            neighbor = site.say("ip", "neigh", "show", address)
            assert f"lladdr {site.mac}" in neighbor
            assert "router" not in neighbor


def test_a_host_that_is_nowhere_is_not_answered_for(sites: Sites) -> None:
    """Unreachable, and said so by the sender's own stack."""
    west, _ = sites
    for address in ("10.6.0.99", "2001:db8:6::99"):
        assert west.ping(address, "-c1", "-W1") == 0
        assert "lladdr" not in west.say("ip", "neigh", "show", address)


def test_a_host_may_check_an_address_before_it_takes_it(sites: Sites) -> None:
    """RFC 4862 §5.4: no answer to that, although the PE has a route to another place."""
    west, _ = sites
    west.say("ip", "-6", "addr", "add", f"{EAST.ipv6}/64", "dev", "eth0")
    west.say("sleep", "2")
    assert "dadfailed" not in west.say("ip", "-6", "addr", "show", "dev", "eth0")
