# SPDX-License-Identifier: Apache-2.0
"""What a site makes of a virtual tenant network: all of it, once, under the tenant's project."""

from __future__ import annotations

from ipaddress import IPv4Address
from typing import TYPE_CHECKING, Any

import pytest

from isthmus.model.report import PeReport, Status, VrfReport
from isthmus.model.vtn.documents import Operation

if TYPE_CHECKING:
    from tests.cloud import Cloud
    from tests.vtn_site import Region

RED, BLUE = "red-project", "blue-project"
VPNS, VTNS = "/bgpvpn/bgpvpns", "/vtn/virtual_tenant_networks"


def test_a_vtn_becomes_network_subnets_vpn_and_association(cloud: Cloud, west: Region) -> None:
    """The network is named as the VTN, and the tenant's."""
    vtn_id = west.create("west", "east")
    west.work()
    (network,) = west.networks(RED)
    assert (network["name"], network["project_id"]) == ("red", RED)
    wanted = west.view(vtn_id).wanted
    assert wanted is not None
    subnets = cloud.request("GET", "/subnets", project=RED)["subnets"]
    assert {each["cidr"] for each in subnets} == {str(prefix) for prefix in wanted.prefixes}
    assert {each["ipv6_address_mode"] for each in subnets if each["ip_version"] == 6} <= {
        "slaac",
        "dhcpv6-stateful",
    }
    (vpn,) = cloud.request("GET", VPNS)["bgpvpns"]
    assert vpn["route_targets"] == ["64500:100000"]
    assert (vpn["project_id"], vpn["networks"]) == (RED, [network["id"]])
    said = west.said(vtn_id)
    assert (said.network_id, said.bgpvpn_id) == (network["id"], vpn["id"])
    assert set(said.subnet_ids) == {each["id"] for each in subnets}
    assert said.carried_out == wanted.version
    assert (said.status, said.reason, said.drift) == (Status.ACTIVE, "", ())


def test_tenants_do_not_see_the_vpn_behind_it(cloud: Cloud, west: Region) -> None:
    """Nor can they change, share or count it; operators see it."""
    vtn_id = west.create()
    west.work()
    assert cloud.request("GET", VPNS, project=RED)["bgpvpns"] == []
    path = f"{VPNS}/{west.said(vtn_id).bgpvpn_id}"
    assert cloud.request("GET", path, project=RED).status == 404
    associations = cloud.request("GET", f"{path}/network_associations", project=RED)
    assert associations["network_associations"] == []
    body = {"network_association": {"network_id": cloud.network()}}
    assert cloud.request("POST", f"{path}/network_associations", body, RED).status == 404
    assert cloud.request("GET", path).status == 200


def test_a_second_look_changes_nothing(cloud: Cloud, west: Region) -> None:
    """Neither here nor in what other sites hear."""
    west.create()
    west.work()
    before = cloud.rows()
    west.start()
    west.check_all()
    assert cloud.rows() == before


def test_a_change_by_the_owner_is_carried_out_in_place(cloud: Cloud, west: Region) -> None:
    """The network gets the new name; the VPN goes down and up with the VTN."""
    vtn_id = west.create()
    west.work()
    (before,) = west.networks()
    west.change(vtn_id, Operation.UPDATE, name="crimson", admin_state_up=False)
    west.work()
    (after,) = west.networks()
    assert (after["id"], after["name"]) == (before["id"], "crimson")
    assert west.said(vtn_id).status is Status.DOWN
    west.change(vtn_id, Operation.UPDATE, admin_state_up=True)
    west.work()
    assert west.said(vtn_id).status is Status.ACTIVE


def test_a_prefix_that_comes_later_becomes_a_subnet_too(cloud: Cloud, west: Region) -> None:
    """Of the same network."""
    from ipaddress import ip_network

    vtn_id = west.create(prefixes=["10.0.0.0/16"])
    west.work()
    before = west.said(vtn_id)
    both = (ip_network("10.0.0.0/16"), ip_network("2001:db8::/48"))
    west.change(vtn_id, Operation.UPDATE, prefixes=both)
    west.work()
    after = west.said(vtn_id)
    assert after.network_id == before.network_id
    assert after.subnet_ids[:1] == before.subnet_ids
    subnets = cloud.request("GET", "/subnets", project=RED)["subnets"]
    assert {each["ip_version"] for each in subnets} == {4, 6}


@pytest.mark.parametrize("is_made", [False, True])
def test_a_prefix_that_was_taken_back_goes(cloud: Cloud, west: Region, *, is_made: bool) -> None:
    """Whether its subnet was made or not; one with servers on it stays until they have gone."""
    from ipaddress import ip_network

    from isthmus.db.vtn import realisations
    from isthmus.plugin import transactions

    cloud.host("pe-1")
    vtn_id = west.create(prefixes=["10.0.0.0/16"])
    west.work()
    network_id = str(west.said(vtn_id).network_id)
    claimed = transactions.write(realisations.claim, vtn_id, [ip_network("10.7.0.0/24")])
    transactions.write(realisations.release, vtn_id)
    assert claimed is not None
    if is_made:
        body: dict[str, Any] = {
            "id": claimed.subnets[1].id,
            "name": "red",
            "tenant_id": RED,
            "project_id": RED,
        }
        body |= {"network_id": network_id, "cidr": "10.7.0.0/24", "ip_version": 4}
        from neutron_lib.plugins import utils as plugin_utils

        made = {"subnet": {**body, "enable_dhcp": True}}
        plugin_utils.create_subnet(cloud.core, cloud.context(), made, check_allow_post=False)
        cloud.dispatch()
    west.check_all()
    subnets = cloud.request("GET", "/subnets", project=RED)["subnets"]
    assert [each["cidr"] for each in subnets] == ["10.0.0.0/24"]
    record = west.record(vtn_id)
    assert record is not None
    assert len(record.subnets) == 1
    assert west.said(vtn_id).drift == ()


def test_the_status_is_that_of_the_vpn(cloud: Cloud, west: Region) -> None:
    """As its PEs report, and said again when it changes."""
    cloud.host("pe-1")
    vtn_id = west.create()
    west.work()
    said = west.said(vtn_id)
    cloud.port(str(said.network_id), "pe-1")
    cloud.dispatch()
    late = VrfReport(str(said.bgpvpn_id), 99, is_in_force=False, reason="the switch is away")
    cloud.report(PeReport("pe-1", IPv4Address("192.0.2.11"), (late,), ()))
    west.work()
    assert west.said(vtn_id).status is Status.PENDING
    cloud.report_in_force("pe-1", str(said.bgpvpn_id))
    west.work()
    assert west.said(vtn_id).status is Status.ACTIVE
    assert west.said(vtn_id).ports == 1


def test_the_tenants_quota_counts(cloud: Cloud, west: Region) -> None:
    """What it does not allow is said in the member's status, and made when it does."""
    quota = {"quota": {"network": 0}}
    assert cloud.request("PUT", f"/quotas/{RED}", quota).status == 200
    vtn_id = west.create()
    west.work()
    assert west.networks() == []
    said = west.said(vtn_id)
    assert said.status is Status.ERROR
    assert said.reason.startswith("The project's quota of networks at this site is used up.")
    assert cloud.request("PUT", f"/quotas/{RED}", {"quota": {"network": 1}}).status == 200
    west.work()
    assert west.said(vtn_id).status is Status.ACTIVE


def test_a_route_target_of_a_strangers_is_not_joined(cloud: Cloud, west: Region) -> None:
    """Two tenants are never merged; the tenant reads no route target."""
    cloud.vpn(BLUE, route_targets=["64500:100000"])
    vtn_id = west.create()
    west.work()
    said = west.said(vtn_id)
    assert said.status is Status.ERROR
    assert "64500" not in said.reason
    assert len(cloud.request("GET", VPNS)["bgpvpns"]) == 1


def test_what_is_deleted_goes_wholly(cloud: Cloud, west: Region) -> None:
    """Neutron has nothing of it any more, and neither have the tables of realisations."""
    cloud.host("pe-1")
    vtn_id = west.create()
    west.work()
    assert cloud.attachments()
    west.change(vtn_id, Operation.DELETE)
    west.work()
    assert west.networks() == []
    assert cloud.request("GET", "/ports")["ports"] == []
    assert cloud.request("GET", VPNS)["bgpvpns"] == []
    assert west.record(vtn_id) is None
    assert not {name for name, count in cloud.leftovers().items() if count}


def test_what_has_ports_stays_until_they_are_gone(cloud: Cloud, west: Region) -> None:
    """The member says what to do, and the rest goes by itself."""
    cloud.host("pe-1")
    vtn_id = west.create()
    west.work()
    (network,) = west.networks()
    port = cloud.port(network["id"], "pe-1")
    west.change(vtn_id, Operation.DELETE)
    west.work()
    assert len(west.networks()) == 1
    said = west.said(vtn_id)
    assert said.reason.startswith(f"Network {network['id']} still has a port. Delete")
    assert said.status is Status.DOWN
    assert cloud.request("DELETE", f"/ports/{port['id']}").status == 204
    west.work()
    assert west.networks() == []


def test_a_tenant_cant_delete_the_network(cloud: Cloud, west: Region) -> None:
    """Nor a subnet of it: they go with the VTN."""
    west.create()
    west.work()
    (network,) = west.networks()
    assert cloud.request("DELETE", f"/networks/{network['id']}", project=RED).status == 409
    for subnet in network["subnets"]:
        assert cloud.request("DELETE", f"/subnets/{subnet}", project=RED).status == 409


def test_sites_that_hear_of_each_other_agree(cloud: Cloud, west: Region) -> None:
    """Each realises its own part; the owner reads what the others say."""
    from tests.vtn_site import EAST, Peer, exchange

    east = Peer(EAST)
    vtn_id = west.create("west", "east")
    exchange(west, east)
    ours, theirs = west.view(vtn_id), east.view(vtn_id)
    assert ours.wanted is not None
    assert theirs.wanted is not None
    assert not set(ours.wanted.prefixes) & set(theirs.wanted.prefixes)
    assert theirs.member("west").document == west.said(vtn_id)
    assert ours.member("east").document == theirs.own_member


def test_another_sites_vtn_is_realised_here(cloud: Cloud, west: Region) -> None:
    """Under the tenant's project, which is the same where identities are shared."""
    from tests.vtn_site import EAST, PREFIXES, Peer, exchange, new_vtn

    east = Peer(EAST)
    document = new_vtn(EAST, (EAST, "west"), PREFIXES)
    east.put(document)
    exchange(west, east)
    (network,) = west.networks(RED)
    assert network["project_id"] == RED
    assert west.said(document.vtn_id).status is Status.ACTIVE


def test_a_member_that_is_taken_out_removes_everything(cloud: Cloud, west: Region) -> None:
    """And says so, so that its prefixes can be given to somebody else."""
    from isthmus.model.vtn import ownership
    from isthmus.model.vtn.documents import Change
    from tests.vtn_site import EAST, PREFIXES, Peer, exchange, new_vtn

    east = Peer(EAST)
    document = new_vtn(EAST, (EAST, "west"), PREFIXES)
    east.put(document)
    exchange(west, east)
    view = east.view(document.vtn_id)
    east.put(ownership.change(view, Operation.REMOVE_MEMBER, Change(member="west")))
    exchange(west, east)
    assert west.networks() == []
    assert west.record(document.vtn_id) is None
    left = east.view(document.vtn_id).document
    assert left is not None
    assert [each.site for each in left.members] == [EAST]


def test_what_a_tenant_asks_for_is_there(cloud: Cloud, west: Region) -> None:
    """From the request to the network, and from its deletion to nothing."""
    body = {"virtual_tenant_network": {"name": "mine", "prefixes": ["10.0.0.0/16"]}}
    made = cloud.made(cloud.request("POST", VTNS, body, RED), "virtual_tenant_network")
    path = f"{VTNS}/{made['id']}"
    west.work()
    shown = cloud.request("GET", path, project=RED)["virtual_tenant_network"]
    (network,) = west.networks(RED)
    assert (shown["status"], shown["network_id"]) == ("ACTIVE", network["id"])
    cloud.host("pe-1")
    port = cloud.port(network["id"], "pe-1")
    assert cloud.request("DELETE", path, project=RED).status == 409
    assert cloud.request("DELETE", f"/ports/{port['id']}").status == 204
    west.work()
    assert cloud.request("DELETE", path, project=RED).status == 204
    west.work()
    assert west.networks() == []
    assert cloud.request("GET", path, project=RED).status == 404


def test_what_is_taken_down_is_down_between_sites_alone(cloud: Cloud, west: Region) -> None:
    """The VPN carries nothing; the network stays up, with its gateway."""
    cloud.host("pe-1")
    vtn_id = west.create()
    west.work()
    (before,) = west.networks()
    west.change(vtn_id, Operation.UPDATE, admin_state_up=False)
    west.work()
    (vpn,) = cloud.request("GET", VPNS)["bgpvpns"]
    assert (vpn["admin_state_up"], vpn["networks"]) == (False, [before["id"]])
    (network,) = west.networks()
    assert (network["admin_state_up"], network["subnets"]) == (True, before["subnets"])
    assert cloud.attachments()
    assert west.said(vtn_id).status is Status.DOWN
    assert west.said(vtn_id).drift == ()
    west.change(vtn_id, Operation.UPDATE, admin_state_up=True)
    west.work()
    assert west.said(vtn_id).status is not Status.DOWN


def test_many_ports_made_at_once_are_told(cloud: Cloud, west: Region) -> None:
    """Each is told of when all of them are there already."""
    from isthmus.db.vtn import journal
    from isthmus.plugin import transactions

    vtn_id = west.create()
    west.work()
    ports = [{"network_id": west.said(vtn_id).network_id, "tenant_id": RED} for _ in range(6)]
    assert cloud.request("POST", "/ports", {"ports": ports}).status == 201
    assert vtn_id in transactions.read(journal.read_changed)
    west.work()
    assert west.said(vtn_id).ports == 6
    ports = [{**ports[0], "name": "one more"}]
    assert cloud.request("POST", "/ports", {"ports": ports}).status == 201
    assert vtn_id not in transactions.read(journal.read_changed)


def test_ports_made_while_the_worker_counts_are_told(cloud: Cloud, west: Region) -> None:
    """It may have seen that the only one has gone, and none of the many that were made since."""
    from isthmus.db.vtn import journal
    from isthmus.plugin import transactions

    cloud.host("pe-1")
    vtn_id = west.create()
    west.work()
    network_id = str(west.said(vtn_id).network_id)
    port = cloud.port(network_id, "pe-1")
    west.work()
    assert cloud.request("DELETE", f"/ports/{port['id']}").status == 204
    counted_for = transactions.read(journal.read_changed)[vtn_id]
    ports = [{"network_id": network_id, "tenant_id": RED} for _ in range(6)]
    assert cloud.request("POST", "/ports", {"ports": ports}).status == 201
    assert transactions.read(journal.read_changed)[vtn_id] > counted_for


def test_other_sites_are_told_whether_there_are_ports(cloud: Cloud, west: Region) -> None:
    """When the first comes and when the last has gone; the owner refuses deletion meanwhile."""
    cloud.host("pe-1")
    vtn_id = west.create()
    west.work()
    network_id = str(west.said(vtn_id).network_id)
    ports = [cloud.port(network_id, "pe-1") for _ in range(2)]
    west.work()
    assert west.said(vtn_id).ports == 2
    for port in ports:
        assert cloud.request("DELETE", f"/ports/{port['id']}").status == 204
        west.work()
    assert west.said(vtn_id).ports == 0
