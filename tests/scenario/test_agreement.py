# SPDX-License-Identifier: Apache-2.0
"""The check that database, agents and switches agree finds a difference planted in each."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from lab import control, database
from lab.agreement.read import read_disagreements
from lab.demo import provider_edge
from lab.demo.stage import Stage
from lab.waiting import wait_until

SETTLED_S = 60
UPDATE = "UPDATE"
BOGUS = "table=20,priority=1,cookie=0xbad,metadata=0x7ffe,ip,actions=drop"


@pytest.fixture(scope="module", autouse=True)
def _agreement(stage: Stage) -> Iterator[None]:
    # Before anything is planted, and once everything is taken out again.
    site = stage.topology.sites[0]
    assert read_disagreements(site, SETTLED_S) == []
    yield
    assert read_disagreements(site, SETTLED_S) == []


@pytest.fixture
def host(stage: Stage) -> str:
    """The first host of the first region."""
    return stage.topology.sites[0].hosts[0].name


def test_a_route_target_changed_in_the_database_alone_is_found(stage: Stage) -> None:
    """Behind the API's back: no PE was told."""
    site = stage.topology.sites[0]
    vpn = stage.cloud(site.name).vpn(stage.plan.tenants[0].name)
    change = (
        f"USE neutron; {UPDATE} isthmus_route_targets SET value = '{{}}' "
        f"WHERE vpn_id = '{vpn['id']}' AND value = '{{}}';"
    )
    target = vpn["route_targets"][0]
    database.of_site(site).execute(change.format("64500:64999", target))
    try:
        found = read_disagreements(site)
    finally:
        database.of_site(site).execute(change.format(target, "64500:64999"))
    assert any("agent: vpns missing" in line and "64500:64999" in line for line in found)


def test_a_report_that_is_not_true_is_found(stage: Stage, host: str) -> None:
    """The database believes that a PE is further than it is."""
    wait_until(lambda: _is_untrue_report_found(stage, host), SETTLED_S, "the difference found")


def _is_untrue_report_found(stage: Stage, host: str) -> bool:
    """Plant it and look; the PE's next word, which comes every few seconds, may mend it before."""
    site = stage.topology.sites[0]
    change = f"USE neutron; {UPDATE} isthmus_pe_reports SET generation = generation"
    database.of_site(site).execute(f"{change} + 1000 WHERE pe = '{host}'")
    found = read_disagreements(site)
    database.of_site(site).execute(f"{change} - 1000 WHERE pe = '{host}' AND generation > 1000")
    return any(f"{host} reported generation" in line for line in found)


def test_an_agent_that_is_away_is_not_taken_for_agreement(stage: Stage, host: str) -> None:
    """Nobody knows what it holds."""
    control.stop(f"{host}-pe-agent")
    try:
        found = read_disagreements(stage.topology.sites[0])
    finally:
        control.start(f"{host}-pe-agent")
        wait_until(lambda: provider_edge.is_in_force(host), SETTLED_S, f"{host} in force")
    assert f"{host}: its agent does not answer" in found


def test_a_flow_that_nobody_asked_for_is_found(stage: Stage, host: str) -> None:
    """Put into the switch by hand."""
    control.run_in(host, ["ovs-ofctl", "-O", "OpenFlow15", "add-flow", "br-pe", BOGUS])
    try:
        found = read_disagreements(stage.topology.sites[0])
    finally:
        flow = "cookie=0xbad/-1"
        control.run_in(host, ["ovs-ofctl", "-O", "OpenFlow15", "del-flows", "br-pe", flow])
    assert any(line.startswith(f"{host} installed: flow unexpected") for line in found)


def test_a_route_that_nobody_asked_for_is_taken_back(host: str) -> None:
    """Given to the BGP daemon by hand: the agent does not wait for a check to find it."""
    argv = ["gobgp", "--target", "unix:///run/isthmus/gobgpd.sock", "global", "rib"]
    route = ["10.99.99.99/32", "label", "999", "rd", "64500:999", "rt", "64500:999"]
    control.run_in(host, [*argv, "add", "-a", "vpnv4", *route])

    def is_gone() -> bool:
        return "10.99.99.99" not in control.run_in(host, [*argv, "-a", "vpnv4"]).stdout

    wait_until(is_gone, SETTLED_S, "the end of the route")
