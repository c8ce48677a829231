# SPDX-License-Identifier: Apache-2.0
"""``isthmus trace`` and ``look`` on two real switches: as it is, and with failures planted.

vm1 10.1.0.5 ─ br-int ══ br-pe ══ br-core ──── br-core ══ br-pe ══ br-int ─ vm2 10.2.0.5
192.0.2.11 ╰─ MPLS, or MPLS-in-GRE ─╯ 192.0.2.12
"""

from __future__ import annotations

import dataclasses
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from isthmus.model.ids import RouteTarget
from tests.functional.openflow.real_switch import eventually
from tests.functional.openflow.sites import NET, Site, Sites
from tests.functional.openflow.test_two_pes import sites

__all__ = ["sites"]

pytestmark = pytest.mark.functional


def trace(site: Site, **asked: object) -> dict[str, Any]:
    """Ask a site's agent for a path."""
    return site.running.answers.answer({"trace": asked})


def there(site: Site, **more: object) -> dict[str, Any]:
    """Trace from a site's VM to the other's."""
    return trace(site, **{"from": site.vm, "to": f"10.{3 - site.number}.0.5", **more})


def differences(site: Site) -> Iterator[tuple[str, str]]:
    """Ask a site's agent what is not as it should be."""
    answer = site.running.answers.answer({"part": "difference"})
    assert not answer["unread"]
    for row in answer["tables"]["differences"]:
        yield row["where"], row["what"]


def delete_flows(site: Site, match: str) -> None:
    """Take flows out behind the agent's back."""
    target = f"unix:{site.switch.management_socket}"
    subprocess.run(["ovs-ofctl", "-OOpenFlow15", "del-flows", target, match], check=True)


def test_a_path_goes_through_both_pes(sites: Sites) -> None:
    """The near half names the far PE and the label with which the far half begins."""
    for near, far in (sites, reversed(sites)):
        first = there(near)
        assert first["failed"] is None, first
        assert not first["unread"]
        assert first["steps"][-1]["step"] == "switch"
        assert first["far"]["pe"] == f"192.0.2.1{far.number}"
        second = trace(far, label=first["far"]["label"], to=far.address)
        assert second["failed"] is None, second
        assert far.vm in second["steps"][-2]["says"]


def test_there_is_no_difference(sites: Sites) -> None:
    """Neither in the switch nor in the daemon, on either PE."""
    assert [*differences(sites[0]), *differences(sites[1])] == []


def test_a_packet_too_big_fails_by_its_size(sites: Sites) -> None:
    """The MTU is named."""
    path = there(sites[0], octets=1443)
    assert path["failed"] == "size"
    assert "1442" in path["steps"][-1]["says"]


def test_a_vm_that_is_not_plugged_fails_first(sites: Sites) -> None:
    """At its port here; at the label there, as nothing else is behind it."""
    near, far = sites
    label = there(near)["far"]["label"]
    far.switch.vsctl("del-port", "br-int", f"tap{far.vm}")
    eventually(lambda: there(far)["failed"] == "port")
    assert trace(far, label=label, to=far.address)["failed"] == "label"


def test_no_route_is_named_with_the_route_targets_that_do_not_meet(sites: Sites) -> None:
    """Withdrawn it is nobody's; with another route target it is somebody else's."""
    near, far = sites
    (theirs,) = far.daemon.heard
    near.daemon.neighbor_withdraws(theirs)
    eventually(lambda: there(near)["failed"] == "route")
    other = dataclasses.replace(theirs, route_targets=frozenset({RouteTarget.parse("64500:666")}))
    near.daemon.neighbor_sends(other)
    eventually(lambda: "64500:666" in there(near)["steps"][-1]["says"])


def test_a_label_never_advertised_is_named(sites: Sites) -> None:
    """The far PE drops and counts it."""
    path = trace(sites[1], label=1999, to=sites[1].address)
    assert path["failed"] == "label"


def test_an_attachment_that_is_gone_is_a_difference_or_repaired(sites: Sites) -> None:
    """The agent plugs it again by itself."""
    near, _ = sites
    near.switch.vsctl("del-port", "br-pe", f"ppe{NET[:9]}")
    eventually(lambda: there(near)["failed"] is None and not list(differences(near)))


@pytest.mark.parametrize(
    ("match", "table"), [("table=20", "FIB"), ("table=25", "next hop"), ("table=0", "classify")]
)
def test_a_flow_that_somebody_deleted_is_named(sites: Sites, match: str, table: str) -> None:
    """By trace in the path, by look among all; until the agent is started again."""
    near, _ = sites
    delete_flows(near, match)
    path = there(near)
    assert path["failed"] == "switch", path
    assert f"({table})" in path["steps"][-1]["says"]
    assert set(differences(near)) == {("flow", "missing")}


def test_a_label_flow_that_somebody_deleted_is_named_at_the_far_pe(sites: Sites) -> None:
    """The near half is not affected."""
    near, far = sites
    delete_flows(far, "table=6")
    first = there(near)
    assert first["failed"] is None
    path = trace(far, label=first["far"]["label"], to=far.address)
    assert path["failed"] == "switch"
    assert "(VPN label)" in path["steps"][-1]["says"]


def test_a_switch_that_is_away_is_said_to_be(sites: Sites) -> None:
    """Computed, but not checked."""
    near, _ = sites
    near.switch.kill_vswitchd()
    assert there(near)["unread"]
    answer = near.running.answers.answer({"part": "difference"})
    assert answer["unread"]
