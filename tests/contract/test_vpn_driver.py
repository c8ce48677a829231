# SPDX-License-Identifier: Apache-2.0
"""What every driver promises, asked for through the plug-in, as a tenant and an operator would."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.cloud import Cloud
    from tests.fakes.pe_agent import FakePeAgent

PES = {"pe-1": "192.0.2.11", "pe-2": "192.0.2.12"}


class Region:
    """A cloud with two compute hosts, each a PE as far as the driver knows PEs."""

    def __init__(self, cloud: Cloud, name: str, agents: list[FakePeAgent]) -> None:
        self.cloud = cloud
        self.agents = agents
        self._name = name
        self.restart_worker()

    def restart_worker(self) -> None:
        """Have a worker, and a driver in it, that remembers nothing."""
        from tests.fakes.driver import FlakyDriver

        self.driver = FlakyDriver(self.cloud.load_driver(self._name))
        self.cloud.use_driver(self.driver)

    def settle(self) -> None:
        """Let worker and agents do what they have to."""
        self.cloud.dispatch()
        for agent in self.agents:
            agent.sync()

    def reported(self) -> dict[tuple[str, str], int]:
        """Return the generation each PE reports of each VPN."""
        return self.cloud.reported()

    def attached_vpn(self, prefix: str = "10.1.0.0/24") -> tuple[dict[str, Any], str]:
        """Make a VPN with one network in it; return both."""
        vpn = self.cloud.vpn()
        network_id = self.cloud.network(prefix)
        self.cloud.made(self.cloud.associate(vpn["id"], network_id), "network_association")
        return vpn, network_id


@pytest.fixture(scope="session")
def agents(_cloud: Cloud) -> Iterator[list[FakePeAgent]]:
    """Both PEs' agents and the server they report to."""
    from tests.fakes.pe_agent import FakePeAgent

    _cloud.use_driver(_cloud.load_driver("pe_rpc"))
    servers = _cloud.plugin.start_rpc_listeners()
    started = [FakePeAgent(_cloud.transport, name, address) for name, address in PES.items()]
    yield started
    for server in [*servers, *(agent.server for agent in started)]:
        server.stop()
        server.wait()


@pytest.fixture(params=["noop", "pe_rpc"])
def region(cloud: Cloud, request: pytest.FixtureRequest) -> Region:
    """A region under each driver."""
    for name in PES:
        cloud.host(name)
    if request.param == "noop":
        return Region(cloud, "noop", [])
    alive: list[FakePeAgent] = request.getfixturevalue("agents")
    for agent in alive:
        agent.forget()
        agent.sync()
    return Region(cloud, "pe_rpc", alive)


def eventually(holds: Callable[[], object]) -> None:
    """Wait until something holds."""
    end = time.monotonic() + 5
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.01)


def test_a_vpn_with_hosts_becomes_active_where_its_hosts_are(region: Region) -> None:
    """And only there."""
    vpn, network_id = region.attached_vpn()
    region.cloud.port(network_id, "pe-1")
    assert region.cloud.status(vpn["id"])[0] == "PENDING"
    region.settle()
    assert region.cloud.status(vpn["id"]) == ("ACTIVE", "")
    assert {pe for pe, vpn_id in region.reported() if vpn_id == vpn["id"]} == {"pe-1"}


def test_a_network_associated_while_its_vpn_is_dispatched_is_served(
    region: Region, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After attachments were made and before intent is read: the change keeps its entry."""
    from isthmus.plugin import dispatch

    vpn = region.cloud.vpn()
    network_id = region.cloud.network("10.1.0.0/24")
    region.cloud.port(network_id, "pe-1")
    take_picture = dispatch._take_picture

    def late(vpn_id: str) -> object:
        monkeypatch.undo()
        region.cloud.made(region.cloud.associate(vpn["id"], network_id), "network_association")
        return take_picture(vpn_id)

    monkeypatch.setattr(dispatch, "_take_picture", late)
    region.settle()
    region.settle()
    assert ("pe-1", vpn["id"]) in region.reported()
    assert region.cloud.status(vpn["id"]) == ("ACTIVE", "")


def test_a_vm_that_comes_brings_the_vpn_to_its_host(region: Region) -> None:
    """Its port is journalled with it."""
    vpn, network_id = region.attached_vpn()
    region.settle()
    port = region.cloud.port(network_id, "pe-2")
    assert region.cloud.status(vpn["id"])[0] == "PENDING"
    region.settle()
    assert ("pe-2", vpn["id"]) in region.reported()
    region.cloud.request("DELETE", f"/ports/{port['id']}")
    region.settle()
    assert ("pe-2", vpn["id"]) not in region.reported()
    assert region.cloud.status(vpn["id"])[0] == "ACTIVE"


def test_ports_made_in_bulk_bring_the_vpn_to_their_host(region: Region) -> None:
    """Neutron tells of them in another form than of one alone."""
    vpn, network_id = region.attached_vpn()
    region.settle()
    port = {"network_id": network_id, "device_owner": "compute:nova", "binding:host_id": "pe-2"}
    answer = region.cloud.request("POST", "/ports", {"ports": [port, port]})
    assert answer.status == 201
    region.settle()
    assert ("pe-2", vpn["id"]) in region.reported()


def test_a_vm_that_moves_takes_the_vpn_along(region: Region) -> None:
    """Live migration changes the binding's host."""
    vpn, network_id = region.attached_vpn()
    port = region.cloud.port(network_id, "pe-1")
    region.settle()
    moved = {"port": {"binding:host_id": "pe-2"}}
    region.cloud.request("PUT", f"/ports/{port['id']}", moved)
    region.settle()
    assert {pe for pe, vpn_id in region.reported() if vpn_id == vpn["id"]} == {"pe-2"}


def test_dissociating_leaves_nothing(region: Region) -> None:
    """No port, no row, nothing at a PE."""
    vpn, network_id = region.attached_vpn()
    port = region.cloud.port(network_id, "pe-1")
    region.settle()
    assert len(region.cloud.attachments()) == 1
    region.cloud.dissociate(vpn["id"])
    region.settle()
    assert region.cloud.attachments() == []
    assert region.reported() == {}
    region.cloud.request("DELETE", f"/bgpvpn/bgpvpns/{vpn['id']}")
    region.cloud.request("DELETE", f"/ports/{port['id']}")
    region.settle()
    assert region.cloud.leftovers() == {}


def test_deleting_a_vpn_removes_its_associations_and_attachments(region: Region) -> None:
    """As a whole."""
    vpn, network_id = region.attached_vpn()
    region.cloud.port(network_id, "pe-1")
    region.settle()
    assert region.cloud.request("DELETE", f"/bgpvpn/bgpvpns/{vpn['id']}").status == 204
    region.settle()
    assert region.cloud.attachments() == []
    assert region.cloud.leftovers() == {}
    assert region.reported() == {}


def test_a_change_of_route_targets_touches_no_port(region: Region) -> None:
    """Only the generation rises."""
    vpn, network_id = region.attached_vpn()
    region.cloud.port(network_id, "pe-1")
    region.settle()
    before, ports = region.reported()["pe-1", vpn["id"]], region.cloud.attachments()
    body = {"bgpvpn": {"route_targets": ["64500:1", "64500:2"]}}
    assert region.cloud.request("PUT", f"/bgpvpn/bgpvpns/{vpn['id']}", body).status == 200
    region.settle()
    assert region.reported()["pe-1", vpn["id"]] > before
    assert region.cloud.attachments() == ports
    assert {str(rt) for rt in region.driver.applied[-1].import_rts} == {"64500:1", "64500:2"}


def test_a_network_in_two_vpns_has_one_attachment(region: Region) -> None:
    """Which goes with the last of them."""
    first, network_id = region.attached_vpn()
    region.settle()
    ports = region.cloud.attachments()
    second = region.cloud.vpn(route_targets=["64500:2"])
    region.cloud.associate(second["id"], network_id)
    region.settle()
    assert region.cloud.attachments() == ports
    region.cloud.dissociate(first["id"])
    region.settle()
    assert region.cloud.attachments() == ports
    region.cloud.dissociate(second["id"])
    region.settle()
    assert region.cloud.attachments() == []


def test_what_changes_nothing_raises_no_generation(region: Region) -> None:
    """Renaming a port is not intent."""
    vpn, network_id = region.attached_vpn()
    port = region.cloud.port(network_id, "pe-1")
    region.settle()
    before = region.reported()
    region.cloud.request("PUT", f"/ports/{port['id']}", {"port": {"name": "renamed"}})
    region.cloud.request("PUT", f"/bgpvpn/bgpvpns/{vpn['id']}", {"bgpvpn": {"name": "renamed"}})
    region.settle()
    assert region.reported() == before
    assert region.cloud.status(vpn["id"]) == ("ACTIVE", "")


def test_a_change_made_during_a_dispatch_is_dispatched_too(region: Region) -> None:
    """The journal entry that was not seen stays."""
    vpn, _ = region.attached_vpn()
    body = {"bgpvpn": {"route_targets": ["64500:9"]}}

    def change() -> None:
        region.cloud.request("PUT", f"/bgpvpn/bgpvpns/{vpn['id']}", body)

    region.driver.before_apply = change
    region.settle()
    assert {str(rt) for rt in region.driver.applied[-1].export_rts} == {"64500:9"}
    assert region.cloud.status(vpn["id"])[0] == "ACTIVE"


def test_nothing_is_lost_while_the_driver_is_away(region: Region) -> None:
    """PENDING until it is back, then as it was last wanted."""
    from isthmus.model.errors import DriverUnavailable

    vpn, network_id = region.attached_vpn()
    region.cloud.port(network_id, "pe-1")
    region.driver.is_away = True
    for _ in range(2):
        with pytest.raises(DriverUnavailable):
            region.cloud.dispatch()
    assert region.cloud.status(vpn["id"])[0] == "PENDING"
    region.cloud.port(network_id, "pe-2")
    region.driver.is_away = False
    region.settle()
    assert region.cloud.status(vpn["id"]) == ("ACTIVE", "")
    assert {pe for pe, _ in region.reported()} == set(PES)


def test_a_restarted_worker_sends_everything_again_unchanged(region: Region) -> None:
    """The same generation: nobody has to do anything, and the status stays."""
    vpn, network_id = region.attached_vpn()
    region.cloud.port(network_id, "pe-1")
    region.settle()
    before = region.reported()
    region.restart_worker()
    region.cloud.check_all()
    region.settle()
    assert [intent.vpn_id for intent in region.driver.applied] == [vpn["id"]]
    assert region.reported() == before
    assert region.cloud.status(vpn["id"]) == ("ACTIVE", "")


def test_a_host_without_an_agent_is_named_to_operators_alone(region: Region) -> None:
    """Its VMs are not served, and the status says so."""
    if not region.agents:
        pytest.skip("noop plays every host itself")
    region.cloud.host("bare-1")
    vpn, network_id = region.attached_vpn()
    region.cloud.port(network_id, "pe-1")
    region.cloud.port(network_id, "bare-1")
    region.settle()
    status, reason = region.cloud.status(vpn["id"])
    assert status == "DEGRADED"
    assert "bare-1: has no PE agent, its VMs are not served" in reason
    status, reason = region.cloud.status(vpn["id"], project="red-project")
    assert status == "DEGRADED"
    assert "bare-1" not in reason


def test_a_lost_cast_is_made_good_by_the_next_sync(region: Region) -> None:
    """And what came while the agent was deaf with it."""
    for agent in region.agents:
        agent.is_deaf = True
    vpn, network_id = region.attached_vpn()
    region.cloud.port(network_id, "pe-1")
    region.cloud.dispatch()
    for agent in region.agents:
        eventually(agent.has_heard)
        assert not agent.held
        agent.is_deaf = False
        agent.sync()
    assert region.cloud.status(vpn["id"]) == ("ACTIVE", "")


def test_casts_alone_bring_intent_to_the_agents(region: Region) -> None:
    """Sync is for what went wrong."""
    vpn, network_id = region.attached_vpn()
    region.cloud.port(network_id, "pe-1")
    region.cloud.dispatch()
    for agent in region.agents:
        eventually(agent.has_heard)
        assert (vpn["id"] in agent.held) == (agent.name == "pe-1")


def test_a_pe_is_shown_among_neutrons_agents(region: Region) -> None:
    """Alive as long as it syncs."""
    if not region.agents:
        pytest.skip("noop has no agents")
    agents = region.cloud.request("GET", "/agents?binary=isthmus-pe-agent")["agents"]
    assert {agent["host"] for agent in agents} == set(PES)
    assert all(agent["alive"] for agent in agents)


def test_a_pe_deleted_among_neutrons_agents_is_forgotten(region: Region) -> None:
    """Its host is then one without an agent."""
    if not region.agents:
        pytest.skip("noop has no agents")
    vpn, network_id = region.attached_vpn()
    region.cloud.port(network_id, "pe-2")
    region.settle()
    (agent,) = region.cloud.request("GET", "/agents?binary=isthmus-pe-agent&host=pe-2")["agents"]
    assert region.cloud.request("DELETE", f"/agents/{agent['id']}").status == 204
    assert region.cloud.status(vpn["id"])[0] == "DOWN"
    assert ("pe-2", vpn["id"]) not in region.reported()


def test_bgp_that_is_down_everywhere_takes_the_vpn_down(region: Region) -> None:
    """Whatever is installed."""
    vpn, network_id = region.attached_vpn()
    region.cloud.port(network_id, "pe-1")
    region.settle()
    for agent in region.agents:
        agent.is_established = False
        agent.sync()
    expected = "DOWN" if region.agents else "ACTIVE"
    assert region.cloud.status(vpn["id"])[0] == expected


def test_a_database_put_back_from_a_copy_overtakes_what_pes_hold(region: Region) -> None:
    """Generations go on from the greatest that is reported."""
    vpn, network_id = region.attached_vpn()
    region.cloud.port(network_id, "pe-1")
    region.settle()
    before = region.reported()["pe-1", vpn["id"]]
    region.cloud.forget_generations()
    region.cloud.check_all()
    region.settle()
    assert region.reported()["pe-1", vpn["id"]] > before
    assert region.cloud.status(vpn["id"]) == ("ACTIVE", "")
