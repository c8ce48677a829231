# SPDX-License-Identifier: Apache-2.0
"""A site dies whole while tenants write at both; the other goes on, and later they are alike again.

The short form is for every run of the tests; ``SCENARIO=long`` has all the times.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import partial

import pytest

from lab import control
from lab.demo import guest
from lab.demo.cloud import Cloud
from lab.demo.stage import Stage, side_by_side
from lab.demo.tenants import Server
from lab.waiting import wait_until
from tests.scenario import figures, length
from tests.scenario.streams import no_packet_lost
from tests.scenario.vtn.client import Client, told
from tests.scenario.vtn.ledger import Ledger
from tests.scenario.vtn.observed import wait_until_alike
from tests.scenario.vtn.scene import afresh, tenant_everywhere
from tests.scenario.vtn.writers import writing

ABSENT_S = length.choose(short=20, long=60)
LOSSES = length.choose(
    short=["without its etcd's data"], long=["with all", "without its etcd's data"]
)
# Seen as dead; alike after the return; on a machine that runs many things at once.
SEEN_S, ALIKE_S, BOOT_S = 10, 60, 240
AROUND_S, TOLD = 5, 4
SITES = "/vtn/interconnect_sites"


@pytest.fixture
def clients(stage: Stage) -> Iterator[list[Client]]:
    """The tenant at both sites; the second site runs afterwards, with its VMs."""
    dying = stage.topology.sites[1].name
    with tenant_everywhere(stage) as clients:
        try:
            yield clients
        finally:
            control.start_site(dying)
            side_by_side(partial(restart, stage), servers_of(stage, dying))


def servers_of(stage: Stage, site: str) -> list[Server]:
    """The tenants' VMs at a site."""
    return [server for server in stage.plan.servers if server.site == site]


def restart(stage: Stage, server: Server) -> None:
    """Have nova start a VM whose host was dead."""
    tenant = next(t for t in stage.plan.tenants if server in t.servers)
    compute = stage.cloud(server.site, tenant.name).connection.compute
    found = compute.find_server(server.name, ignore_missing=False)
    compute.reboot_server(found.id, "HARD")
    stage.wait_for_server(tenant, server)


def liveness(cloud: Cloud, site: str) -> str:
    """What a site knows of another's being there."""
    return str(_shown(cloud, site)["liveness"])


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.timeout(900)
def test_a_dead_site_hurts_no_other_and_finds_everything_when_it_returns(
    stage: Stage, clients: list[Client], loss: str
) -> None:
    """All its processes are killed; nothing that either site acknowledged is lost."""
    living, dying = afresh(clients)
    operator, ledger = stage.cloud(living.site), Ledger()
    near, other = stage.plan.server("red-west-1"), stage.plan.server("red-west-2")
    wait_until(lambda: liveness(operator, dying.site) == "UP", ALIKE_S, f"{dying.site} to be UP")
    with writing([living, dying], ledger, LOSSES.index(loss)):
        time.sleep(AROUND_S)
        with no_packet_lost((near, other), ABSENT_S + SEEN_S):
            control.kill_site(dying.site)
            killed = time.monotonic()
            seen = partial(lambda: liveness(operator, dying.site) != "UP")
            wait_until(seen, SEEN_S, f"{living.site} to see it", every_s=0.2)
            seen_s = time.monotonic() - killed
            time.sleep(max(0, ABSENT_S - seen_s))
        # Emulated guests lose packets where twenty programs start beside them on two processors.
        if loss != "with all":
            control.lose_etcd(dying.site)
        control.start_site(dying.site)
        returned = time.monotonic()
        time.sleep(AROUND_S)
    left = wait_until_alike(ledger, [living, dying], returned + ALIKE_S)
    alike_s = time.monotonic() - returned
    differs = recover(operator, dying.site)
    figures.add(
        f"{loss}: seen after {seen_s:.1f} s; {len(ledger)} things written, {len(left)} lost or "
        f"unlike {alike_s:.0f} s after the return; {living.site}: {told(living.tally)}; "
        f"{dying.site}, dead meanwhile: {dying.tally.changes} writes acknowledged"
    )
    for sentence in told_of(operator, dying.site):
        figures.add(f"{loss}: {living.site} tells: {sentence}")
    assert living.tally.wrong == []
    assert left == []
    assert differs == []


def recover(operator: Cloud, site: str) -> list[str]:
    """Have everything of a site read anew; return what differs then."""
    operator.call("PUT", f"{SITES}/{site}/recover", {})
    wait_until(lambda: not _shown(operator, site)["asked"], ALIKE_S, "the end of the recovery")
    return str(_shown(operator, site)["recovery"] or "").splitlines()


def _shown(operator: Cloud, site: str) -> dict[str, object]:
    return dict(operator.call("GET", f"{SITES}/{site}")["interconnect_site"])


def told_of(operator: Cloud, site: str) -> list[str]:
    """The last that a site tells its operator of another, the newest first."""
    events = operator.call("GET", f"/vtn/interconnect_events?site={site}")["interconnect_events"]
    return [event["sentence"] for event in events[:TOLD]]


def test_the_vms_of_a_site_that_was_dead_are_reached_again(stage: Stage) -> None:
    """Nova starts them; nobody has to do anything about their VPN."""
    near, far = stage.plan.server("red-west-1"), stage.plan.server("red-east-1")
    wait_until(partial(guest.reaches, near, far.address), BOOT_S, "an answer", every_s=0.5)
