# SPDX-License-Identifier: Apache-2.0
"""A third site, of another operator's, with a Keystone of its own: joined by invitation, parted.

Its control plane is real: MariaDB, RabbitMQ, Keystone, Neutron with OVN and our plug-in, etcd and
isthmus-interconnect. It has no compute hosts.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from isthmus.model import invitation as inviting
from lab import machine, places, topology
from lab.demo.cloud import Cloud, RequestRefused
from lab.topology import CONTROL
from lab.waiting import wait_until
from tests.intruders.trespass import DONE
from tests.scenario import figures, north
from tests.scenario.north import HOST, NAME, OWN, SITES, SOON_S, VTNS, North, known
from tests.walks import shell
from tests.walks.walk import walk

pytestmark = pytest.mark.timeout(400)

_PAGE = places.CHECKOUT / "docs" / "operate" / "sites.md"
# As short as one may be good; it passes while north comes up and the tests before run.
_SHORTEST_S = 60


@pytest.fixture(scope="module")
def late() -> tuple[str, float]:
    """An invitation of west's that expires meanwhile, and when it does."""
    layout = topology.load()
    if machine.keeper(CONTROL) is None:
        pytest.fail("The lab is not up: make lab-up", pytrace=False)
    west = Cloud(HOST, "admin")
    if known(west, "late") is not None:
        west.call("DELETE", f"{SITES}/late")
    until = time.monotonic() + _SHORTEST_S + 1
    clouds = [west] * 4
    return North(layout, *clouds).invite("late", _SHORTEST_S), until


@pytest.fixture(scope="module")
def started(late: tuple[str, float]) -> Iterator[North]:
    """North is up."""
    with north.started(topology.load()) as both:
        yield both
        both.west.call("DELETE", f"{SITES}/late")


@pytest.fixture
def both(started: North) -> Iterator[North]:
    """Neither west nor north has anything of the other; nor after the test."""
    yield started
    started.part()


def refusal(both: North, invitation: str) -> str:
    """Return why north's API does not take an invitation."""
    with pytest.raises(RequestRefused) as refused:
        both.accept(invitation)
    assert refused.value.status == 400
    return refused.value.message


def state(cloud: Cloud, name: str) -> str:
    """Return how far peering is; empty where nothing is known."""
    return str((known(cloud, name) or {"state": ""})["state"])


def test_an_invitation_lets_in_whom_it_was_made_for_and_nobody_else(both: North) -> None:
    """Damaged, misdirected, forged, taken back, used or stolen: each has its sentence."""
    first = both.invite()
    assert "is damaged" in refusal(both, first[:-20])
    assert "knows no such invitation" in both.knock(first, is_forged=True)
    text = both.invite()
    assert "another was made since" in both.knock(first)
    elsewhere = inviting.encode(replace(inviting.decode(text), invited="elsewhere"))
    assert "for 'elsewhere', not north" in refusal(both, elsewhere)
    assert "a site of another name" in both.knock(text, "elsewhere")
    assert state(both.west, OWN) == "INVITED"
    # A thief is before north.
    text = both.invite()
    assert both.knock(text) == DONE
    assert state(both.west, OWN) == "PENDING"
    assert "used already" in both.knock(text)
    both.accept(text)
    wait_until(lambda: state(both.north, HOST) == "REVOKED", SOON_S, "north to be told")
    assert "it was stolen" in (known(both.north, HOST) or {})["reason"]
    events = both.west.call("GET", "/vtn/interconnect_events")["interconnect_events"]
    assert any("may have been stolen" in each["sentence"] for each in events)


def test_a_peer_reads_what_is_shared_and_can_t_write_and_once_revoked_not_even_that(
    both: North,
) -> None:
    """With the certificate that west issued to it, from where its daemon is."""
    invitation = both.join()
    assert "used already" in both.knock(invitation)
    member = {"name": NAME, "prefixes": ["10.83.0.0/16"], "members": [HOST, OWN]}
    made = both.red.call("POST", VTNS, {"virtual_tenant_network": member})
    vtn = made["virtual_tenant_network"]["id"]
    _accept_once_mapped(both, vtn)
    _is_realised(both, vtn)
    shown = both.credentials()
    target = f"/isthmus/v1/vtn/{vtn}"
    keys = both.intrude("read", **shown, target="/isthmus/")
    assert target in keys
    assert f"/isthmus/v1/site/{HOST}" in keys
    assert [key for key in keys if not key.startswith("/isthmus/")] == []
    told = both.intrude("trespass", **shown, target=target)
    assert {what: said for what, said in told.items() if "permission denied" not in said} == {}
    both.west.call("PUT", f"{SITES}/{OWN}/revoke", {})
    start = time.monotonic()
    wait_until(lambda: both.intrude("read", **shown, target=target) != [target], SOON_S, "its end")
    (said,) = both.intrude("read", **shown, target=target)
    assert "refused" in said
    figures.add(f"a revoked certificate opened nothing after {time.monotonic() - start:.0f} s")
    # What was made stays until somebody takes it away.
    assert [each.name for each in both.green.network.networks()] == [NAME]
    both.part()
    wait_until(lambda: not list(both.green.network.networks()), SOON_S, "north's part gone")


def _accept_once_mapped(both: North, vtn: str) -> None:
    """Have green accept; it sees the network once north's operator says that red is green."""
    path = f"{VTNS}/{vtn}/members/{OWN}/accept"
    found = partial(both.north.call, "GET", f"{VTNS}?id={vtn}")
    wait_until(lambda: found()["virtual_tenant_networks"], SOON_S, "north to hear of it")
    for cloud, status, words in (
        (both.north, 409, "No project of this site is the network's yet"),
        (both.green, 404, "could not be found"),
    ):
        with pytest.raises(RequestRefused) as refused:
            cloud.call("PUT", path, {})
        assert (refused.value.status, words in refused.value.message) == (status, True)
    site = {"projects": {both.red.project_id: both.green.project_id}}
    both.north.call("PUT", f"{SITES}/{HOST}", {"interconnect_site": site})
    (seen,) = both.green.call("GET", VTNS)["virtual_tenant_networks"]
    assert seen["network_id"] is None
    before = both.green.call("GET", f"{VTNS}/{vtn}/members/{OWN}")["member"]
    assert (before["acceptance"], before["status"]) == ("pending", "PENDING")
    assert not list(both.green.network.networks())
    assert both.green.call("PUT", path, {})["member"]["acceptance"] == "accepted"


def _is_realised(both: North, vtn: str) -> None:
    """Check with both that north made its part, green's, as west granted it."""
    path = f"{VTNS}/{vtn}/members/{OWN}"

    def is_active(cloud: Cloud) -> bool:
        return bool(cloud.call("GET", path)["member"]["status"] == "ACTIVE")

    for cloud in (both.green, both.red):
        wait_until(partial(is_active, cloud), SOON_S, f"north ACTIVE at {cloud.site}")
    member = both.red.call("GET", path)["member"]
    assert member["site_project_id"] == both.green.project_id
    (network,) = both.green.network.networks()
    (subnet,) = both.green.network.subnets()
    assert (network.id, network.project_id) == (member["network_id"], both.green.project_id)
    assert ([subnet.id], [subnet.cidr]) == (member["subnet_ids"], member["prefixes"])
    (vpn,) = both.north.call("GET", "/bgpvpn/bgpvpns")["bgpvpns"]
    by_operator = both.north.call("GET", path)["member"]["bgpvpn_id"]
    assert (vpn["id"], vpn["networks"]) == (by_operator, [network.id])


def test_two_operators_and_a_tenant_do_as_the_page_says(both: North, tmp_path: Path) -> None:
    """Join, map, accept, renew, revoke, part; in the end neither knows the other."""
    listening = tmp_path / "openstack.socket"
    command = [sys.executable, "-W", "ignore", "-m", "tests.walks.shell", str(listening)]
    warm = subprocess.Popen(command, cwd=places.CHECKOUT)
    environment = {
        "OS_CLIENT_CONFIG_FILE": str(places.CLOUDS_YAML),
        "PATH": f"{tmp_path}:/usr/bin:/bin",
        "COLUMNS": "200",
        "NO_PROXY": "*",
        "no_proxy": "*",
    }
    try:
        wait_until(listening.exists, 120, "openstack")
        shell.install(tmp_path, listening)
        assert walk(_PAGE, environment, tmp_path, lambda _site, _state: None)
    finally:
        warm.kill()
        warm.wait()
    assert (known(both.west, OWN), known(both.north, HOST)) == (None, None)
    assert not list(both.green.network.networks())


def test_an_invitation_that_is_too_old_lets_nobody_in(
    started: North, late: tuple[str, float]
) -> None:
    """Neither where it is accepted nor, whatever the clock there says, where it was made."""
    invitation, until = late
    # All of that time is over by now, unless this is the only test that runs.
    wait_until(lambda: time.monotonic() > until, 2 * _SHORTEST_S, "the invitation to expire")
    assert "has expired" in refusal(started, invitation)
    assert "has expired" in started.knock(invitation, "late")
    assert state(started.west, "late") == "INVITED"
