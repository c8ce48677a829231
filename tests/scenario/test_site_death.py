# SPDX-License-Identifier: Apache-2.0
"""A site dies whole while tenants write at both; the other goes on, and later they are alike again.

As when its power fails: all machines of the site end at once, with every process by SIGKILL, its
MariaDB, RabbitMQ, OVN, etcd, hosts and VMs among them. What is on its disks stays. The Keystone
that both sites share is no site's own and lives.

The short form is for every run of the tests; ``SCENARIO=long`` has all the times.
"""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from functools import partial

import pytest

from lab import control, machine, outage
from lab.agreement.read import read_disagreements
from lab.demo import command, guest
from lab.demo.stage import Stage, side_by_side
from lab.demo.tenants import Server
from lab.topology import Site
from lab.waiting import wait_until
from tests.scenario import figures, length
from tests.scenario.rows import Rows
from tests.scenario.streams import counted
from tests.scenario.vtn.agreement import unexpected
from tests.scenario.vtn.client import Client, told
from tests.scenario.vtn.ledger import Ledger
from tests.scenario.vtn.observed import observe, wait_until_alike
from tests.scenario.vtn.operator import liveness, told_of
from tests.scenario.vtn.scene import afresh, tenant_everywhere
from tests.scenario.vtn.writers import writing

ABSENT_S = length.choose(short=15, long=60)
LOSSES = length.choose(
    short=["without its etcd's data"], long=["with all", "without its etcd's data"]
)
# Seen as dead; a guest of a busy machine has booted.
SEEN_S, BOOT_S = 10, 240
# Alike after it answers again: the short form is for any machine, which may be busy.
ALIKE_S = length.choose(short=180, long=60)
AROUND_S = 5
NOTHING = ("", None)


@pytest.fixture
def clients(stage: Stage) -> Iterator[list[Client]]:
    """The tenant at both sites; the second site runs afterwards, with its VMs."""
    dying = stage.topology.sites[1]
    with tenant_everywhere(stage) as clients:
        try:
            yield clients
        finally:
            control.start_site(dying.name)
            side_by_side(partial(restart, stage), servers_of(stage, dying))


def servers_of(stage: Stage, site: Site) -> list[Server]:
    """The tenants' VMs at a site."""
    return [server for server in stage.plan.servers if server.site == site.name]


def restart(stage: Stage, server: Server) -> None:
    """Have nova start a VM whose host was dead."""
    tenant = next(t for t in stage.plan.tenants if server in t.servers)
    compute = stage.cloud(server.site, tenant.name).connection.compute
    found = compute.find_server(server.name, ignore_missing=False)
    compute.reboot_server(found.id, "HARD")
    stage.wait_for_server(tenant, server)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.timeout(900)
def test_a_dead_site_hurts_no_other_and_finds_everything_when_it_returns(
    stage: Stage, clients: list[Client], loss: str
) -> None:
    """Nothing that either site acknowledged is lost, nor a row that its MariaDB did."""
    living, dying = afresh(clients)
    west, east = stage.topology.sites
    operator, ledger = stage.cloud(west.name), Ledger()
    near, other = stage.plan.server("red-west-1"), stage.plan.server("red-west-2")
    wait_until(lambda: liveness(operator, east.name) == "UP", ALIKE_S, f"{east.name} to be UP")
    wait_until(partial(guest.reaches, near, other.address), ALIKE_S, "the first answer")
    rows = Rows(stage.topology, east)
    with writing([living, dying], ledger, LOSSES.index(loss)), rows.inserting():
        time.sleep(AROUND_S)
        with counted((near, other), ABSENT_S + SEEN_S) as packets:
            processes = control.kill_site(east.name)
            killed = time.monotonic()
            seen = partial(lambda: liveness(operator, east.name) != "UP")
            wait_until(seen, SEEN_S, f"{west.name} to see it", every_s=0.2)
            seen_s = time.monotonic() - killed
            survivors = [name for name in outage.machines(east) if machine.inhabitants(name)]
            time.sleep(max(0, ABSENT_S - seen_s))
        # Emulated guests lose packets where thirty programs start beside them on two processors.
        if loss != "with all":
            control.lose_etcd(east.name)
        begun = time.monotonic()
        control.start_site(east.name)
        answering = time.monotonic()
        time.sleep(AROUND_S)
    left = wait_until_alike(stage, ledger, [living, dying], answering + ALIKE_S)
    alike = time.monotonic()
    figures.add(
        f"{loss}: {processes} processes of {east.name} killed, seen after {seen_s:.1f} s; "
        f"{len(ledger)} things written, {len(left)} lost or unlike {alike - answering:.0f} s after "
        f"it answered again, {alike - begun:.0f} s after its power was back; {rows.acknowledged} "
        f"rows acknowledged by its MariaDB; {west.name}: {told(living.tally)}; {east.name}, dead "
        f"meanwhile: {dying.tally.changes} writes acknowledged"
    )
    for sentence in told_of(operator, east.name):
        figures.add(f"{loss}: {west.name} tells: {sentence}")
    assert survivors == []
    assert packets[0].lost == 0
    assert living.tally.wrong == []
    assert left == [], "\n".join(left)
    assert rows.lost() == []
    shown = [observe(client) for client in (living, dying)]
    for one, another in ((west, east), (east, west)):
        assert unexpected(reported(stage, one, another), shown) == []
    for site in (west, east):
        assert read_disagreements(site, ALIKE_S) == []


def reported(stage: Stage, site: Site, of: Site) -> list[str]:
    """What the command for it reports to differ, once it has read everything anew."""
    words = f"interconnect recover {of.name} --wait -f json"
    lines = json.loads(command.run(stage.cloud(site.name).name, words))
    assert [line["Site"] for line in lines] == [of.name]
    assert [line["Liveness"] for line in lines] == ["UP"]
    return [line["Differs"] for line in lines if line["Differs"] not in NOTHING]


def test_the_vms_of_a_site_that_was_dead_are_reached_again(stage: Stage) -> None:
    """Nova starts them; nobody has to do anything about their VPN."""
    near, far = stage.plan.server("red-west-1"), stage.plan.server("red-east-1")
    wait_until(partial(guest.reaches, near, far.address), BOOT_S, "an answer", every_s=0.5)
