# SPDX-License-Identifier: Apache-2.0
"""Networks of one project made at two sites that had not heard of each other, and that overlap."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.contract.test_vtn_api import VTNS, create, show, update

if TYPE_CHECKING:
    from tests.cloud import Cloud
    from tests.vtn_site import Region

EVENTS = "/vtn/interconnect_events"


def test_both_say_so_once_the_sites_have_heard_of_each_other(cloud: Cloud, west: Region) -> None:
    """And go on; to delete one ends it."""
    from tests.vtn_site import Peer, exchange, new_vtn

    ours = create(cloud)["id"]
    apart = create(cloud, prefixes=["192.168.0.0/16"])["id"]
    east: Peer = Peer("east")
    theirs = new_vtn("east", ["east", "west"], ["10.0.128.0/17", "2001:db8::/48"], "blue")
    east.put(theirs)
    assert "overlap" not in show(cloud, ours)["status_reason"]
    exchange(west, east)
    network = "of your virtual tenant network"
    of_ours = f"10.0.0.0/16 overlaps 10.0.128.0/17 {network} blue ({theirs.vtn_id})"
    of_theirs = f"10.0.128.0/17 overlaps 10.0.0.0/16 {network} red ({ours})"
    for vtn_id, words in ((ours, of_ours), (theirs.vtn_id, of_theirs)):
        shown = show(cloud, vtn_id)
        assert shown["status"] == "ACTIVE"
        assert words in shown["status_reason"]
        told = cloud.request("GET", f"{EVENTS}?virtual_tenant_network_id={vtn_id}")
        assert sum(words in each["sentence"] for each in told["interconnect_events"]) == 1
    assert "overlap" not in show(cloud, apart)["status_reason"]
    listed = cloud.request("GET", VTNS)["virtual_tenant_networks"]
    assert sum("overlaps" in each["status_reason"] for each in listed) == 2
    assert update(cloud, ours, name="still mine").status == 200
    exchange(west, east)
    assert cloud.request("DELETE", f"{VTNS}/{ours}").status == 204
    assert "overlap" not in show(cloud, theirs.vtn_id)["status_reason"]
