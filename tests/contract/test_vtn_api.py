# SPDX-License-Identifier: Apache-2.0
"""The API of virtual tenant networks: what a tenant asks for once and gets at every site."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.cloud import Answer, Cloud
    from tests.vtn_site import Peer, Region

VTNS = "/vtn/virtual_tenant_networks"
RED, BLUE = "red-project", "blue-project"
NOBODY = "00000000-0000-4000-8000-000000000000"


def ask(cloud: Cloud, project: str | None = RED, **said: Any) -> Answer:
    """Ask for a VTN."""
    body = {"name": "red", "prefixes": ["10.0.0.0/16"], **said}
    return cloud.request("POST", VTNS, {"virtual_tenant_network": body}, project)


def create(cloud: Cloud, **said: Any) -> dict[str, Any]:
    """Make a VTN, as a tenant."""
    return cloud.made(ask(cloud, **said), "virtual_tenant_network")


def show(cloud: Cloud, vtn_id: str, project: str | None = RED) -> dict[str, Any]:
    """Return a VTN as the API shows it."""
    vtn: dict[str, Any] = cloud.request("GET", f"{VTNS}/{vtn_id}", project=project)[
        "virtual_tenant_network"
    ]
    return vtn


def members(cloud: Cloud, vtn_id: str, project: str | None = RED) -> dict[str, dict[str, Any]]:
    """Return the members of a VTN by site."""
    answer = cloud.request("GET", f"{VTNS}/{vtn_id}/members", project=project)
    return {member["site"]: member for member in answer["members"]}


def update(cloud: Cloud, vtn_id: str, revision: int | None = None, **said: Any) -> Answer:
    """Change a VTN, as a tenant."""
    body = {"virtual_tenant_network": said}
    return cloud.request("PUT", f"{VTNS}/{vtn_id}", body, RED, revision=revision)


@pytest.fixture
def east() -> Peer:
    """Another site."""
    from tests.vtn_site import Peer

    return Peer("east")


# Making


def test_a_tenant_makes_one_without_an_administrator(cloud: Cloud, west: Region) -> None:
    """It comes back as it was asked for, and is realised here."""
    made = create(cloud, prefixes=["10.0.0.0/16", "2001:db8::/48"], description="mine")
    assert (made["owner_site"], made["members"]) == ("west", ["west"])
    assert (made["status"], made["project_id"], made["type"]) == ("PENDING", RED, "l3")
    assert made["prefixes"] == ["10.0.0.0/16", "2001:db8::/48"]
    west.work()
    shown = show(cloud, made["id"])
    assert (shown["status"], shown["status_reason"]) == ("ACTIVE", "")
    network = cloud.request("GET", f"/networks/{shown['network_id']}", project=RED)["network"]
    assert network["name"] == "red"


def test_members_are_shown_with_what_each_made_of_it(
    cloud: Cloud, west: Region, east: Peer
) -> None:
    """Each its own prefix of the whole."""
    from tests.vtn_site import exchange

    made = create(cloud, members=["west", "east"])
    assert {each["status"] for each in members(cloud, made["id"]).values()} == {"PENDING"}
    exchange(west, east)
    found = members(cloud, made["id"])
    assert found["west"]["network_id"] == show(cloud, made["id"])["network_id"]
    assert found["west"]["prefixes"] != found["east"]["prefixes"]
    assert found["east"]["acceptance"] == "accepted"
    one = cloud.request("GET", f"{VTNS}/{made['id']}/members/east", project=RED)["member"]
    assert one == found["east"]


def test_tenants_never_see_route_targets_nor_the_vpn_behind(cloud: Cloud, west: Region) -> None:
    """In no answer, whatever is asked for."""
    made = create(cloud)
    west.work()
    answers = [made, show(cloud, made["id"]), *members(cloud, made["id"]).values()]
    assert "64500:" not in repr(answers)
    assert not {name for each in answers for name in each if "target" in name or "vpn" in name}
    assert cloud.request("GET", "/bgpvpn/bgpvpns", project=RED)["bgpvpns"] == []


def test_two_vtns_never_get_one_route_target(cloud: Cloud, west: Region) -> None:
    """Nor does a VPN get one of a VTN's, even before that is realised."""
    from isthmus.db.vtn import documents
    from isthmus.plugin import transactions

    for number in range(5):
        create(cloud, prefixes=[f"10.{number}.0.0/16"])
    bodies = [
        each.body
        for each in transactions.read(documents.read_of_site, "west")
        if each.kind == "vtn"
    ]
    targets = {body.partition('"route_targets":["')[2].partition('"')[0] for body in bodies}
    assert len(targets) == 5
    taken = targets.pop()
    body = {"bgpvpn": {"project_id": BLUE, "route_targets": [taken]}}
    blue = cloud.request("POST", "/bgpvpn/bgpvpns", body)
    assert blue.status in (201, 409)
    made = cloud.vpn(BLUE, route_targets=[], allocate_route_target=True)
    assert not targets & set(made["route_targets"])


def test_many_are_made_at_once_or_none(cloud: Cloud, west: Region) -> None:
    """Bulk creation is one transaction."""
    good = {"name": "a", "prefixes": ["10.1.0.0/16"]}
    bad = {"name": "b", "prefixes": ["10.1.128.0/17"]}
    answer = cloud.request("POST", VTNS, {"virtual_tenant_networks": [good, bad]}, RED)
    assert (answer.status, cloud.request("GET", VTNS)["virtual_tenant_networks"]) == (409, [])
    fine = {"name": "b", "prefixes": ["10.2.0.0/16"]}
    answer = cloud.request("POST", VTNS, {"virtual_tenant_networks": [good, fine]}, RED)
    assert answer.status == 201
    assert [each["name"] for each in answer["virtual_tenant_networks"]] == ["a", "b"]


# Changing


def test_a_change_at_the_owner_is_in_force_at_once(cloud: Cloud, west: Region) -> None:
    """And counts as a revision."""
    made = create(cloud)
    answer = update(cloud, made["id"], name="other", description="new", admin_state_up=False)
    assert answer.status == 200
    changed = answer["virtual_tenant_network"]
    assert (changed["name"], changed["description"]) == ("other", "new")
    assert changed["revision_number"] == made["revision_number"] + 1
    west.work()
    assert show(cloud, made["id"])["status"] == "DOWN"


def test_a_condition_on_a_revision_is_kept(cloud: Cloud, west: Region) -> None:
    """Of two who change it at a time the later hears of it."""
    made = create(cloud)
    assert update(cloud, made["id"], made["revision_number"], name="first").status == 200
    assert update(cloud, made["id"], made["revision_number"], name="second").status == 412
    stale = cloud.request(
        "DELETE", f"{VTNS}/{made['id']}", project=RED, revision=made["revision_number"]
    )
    assert (stale.status, show(cloud, made["id"])["name"]) == (412, "first")


def test_elsewhere_a_change_waits_for_the_owner(cloud: Cloud, west: Region, east: Peer) -> None:
    """PENDING at once, whether the owner is there or not."""
    from tests.vtn_site import exchange, new_vtn

    document = new_vtn("east", ["east", "west"], ["10.0.0.0/16"])
    east.put(document)
    exchange(west, east)
    vtn_id = document.vtn_id
    assert show(cloud, vtn_id)["status"] == "ACTIVE"
    answer = update(cloud, vtn_id, name="asked here")
    assert answer.status == 200
    assert answer["virtual_tenant_network"]["status"] == "PENDING"
    assert "waits for the site east" in answer["virtual_tenant_network"]["status_reason"]
    assert show(cloud, vtn_id)["name"] == "red"
    exchange(west, east)
    shown = show(cloud, vtn_id)
    assert (shown["name"], shown["status"]) == ("asked here", "ACTIVE")


def test_what_the_owner_refuses_is_told_where_it_was_asked(
    cloud: Cloud, west: Region, east: Peer
) -> None:
    """In the words of the owner."""
    from tests.vtn_site import exchange, new_vtn

    document = new_vtn("east", ["east", "west"], ["10.0.0.0/29", "10.0.1.0/29"])
    east.put(document)
    exchange(west, east)
    update(cloud, document.vtn_id, prefixes=["10.0.0.0/29"])
    exchange(west, east)
    reason = show(cloud, document.vtn_id)["status_reason"]
    assert "was refused" in reason
    assert "remove that member first" in reason


@pytest.mark.parametrize("is_one_by_one", [True, False])
def test_a_refusal_is_told_though_what_was_asked_for_after_it_is_done(
    cloud: Cloud, west: Region, east: Peer, *, is_one_by_one: bool
) -> None:
    """Answers may come together or one by one; the next thing asked for ends it."""
    from tests.vtn_site import exchange, new_vtn

    document = new_vtn("east", ["east", "west"], ["10.0.0.0/29", "10.0.1.0/29"])
    east.put(document)
    exchange(west, east)
    asked = ({"prefixes": ["10.0.0.0/29"]}, {"name": "new"}, {"prefixes": ["10.0.1.0/29"]})
    for change in (*asked, {"description": "done too"}):
        assert update(cloud, document.vtn_id, **change).status == 200
        if is_one_by_one:
            east.hear(west.published())
    exchange(west, east)
    shown = show(cloud, document.vtn_id)
    assert (shown["name"], shown["description"]) == ("new", "done too")
    assert "Of what was asked for last, this was refused: " in shown["status_reason"]
    for given in ("10.0.1.0/29", "10.0.0.0/29"):
        assert f"{given} is given to a member" in shown["status_reason"]
    update(cloud, document.vtn_id, name="newer")
    assert "refused" not in show(cloud, document.vtn_id)["status_reason"]
    exchange(west, east)
    assert "refused" not in show(cloud, document.vtn_id)["status_reason"]


def test_members_come_and_go(cloud: Cloud, west: Region, east: Peer) -> None:
    """One is asked for, realises its part, and is removed."""
    from tests.vtn_site import exchange

    made = create(cloud)
    path = f"{VTNS}/{made['id']}/members"
    answer = cloud.request("POST", path, {"member": {"site": "east"}}, RED)
    assert (answer.status, answer["member"]["status"]) == (201, "PENDING")
    again = cloud.request("POST", path, {"member": {"site": "east"}}, RED)
    assert (again.status, "already" in again.sentence) == (409, True)
    exchange(west, east)
    assert show(cloud, made["id"])["members"] == ["east", "west"]
    assert cloud.request("DELETE", f"{path}/east", project=RED).status == 204
    exchange(west, east)
    assert set(members(cloud, made["id"])) == {"west"}
    assert cloud.request("DELETE", f"{path}/east", project=RED).status == 404


# Owners


def test_an_operator_takes_over_what_a_dead_site_owned(
    cloud: Cloud, west: Region, east: Peer
) -> None:
    """Then it can be changed here; its tenant can't do that."""
    from tests.vtn_site import exchange, new_vtn

    document = new_vtn("east", ["east", "west"], ["10.0.0.0/16"])
    east.put(document)
    exchange(west, east)
    path = f"{VTNS}/{document.vtn_id}/take_over"
    assert cloud.request("PUT", path, {}, RED).status == 403
    answer = cloud.request("PUT", path, {})
    assert answer.status == 200
    taken = answer["virtual_tenant_network"]
    assert (taken["owner_site"], taken["epoch"]) == ("west", 2)
    changed = update(cloud, document.vtn_id, name="ours")["virtual_tenant_network"]
    assert changed["name"] == "ours"
    again = cloud.request("PUT", path, {})
    assert (again.status, "already" in again.sentence) == (409, True)
    exchange(west, east)
    assert east.view(document.vtn_id).document.owner == "west"  # type: ignore[union-attr]


# Sites that do not share identities


@pytest.fixture
def north(cloud: Cloud) -> Peer:
    """A site with a Keystone of its own; a project of ours is mapped."""
    from isthmus.db.vtn import sites
    from isthmus.plugin import transactions
    from tests.vtn_site import Peer

    record = sites.SiteRecord("north", NOBODY, sites.State.CONFIRMED, shares_identity=False)
    transactions.write(sites.create, record)
    transactions.write(sites.replace_projects, "north", {"their-red": RED})
    return Peer("north")


def test_a_membership_under_another_identity_is_accepted_first(
    cloud: Cloud, west: Region, north: Peer
) -> None:
    """By the tenant whose project it is mapped to; nothing is made before."""
    from dataclasses import replace

    from tests.vtn_site import exchange, new_vtn

    document = new_vtn("north", ["north", "west"], ["10.0.0.0/16"])
    document = replace(
        document,
        project="their-red",
        members=tuple(replace(each, project=None) for each in document.members),
    )
    north.put(document)
    exchange(west, north)
    assert west.networks() == []
    shown = show(cloud, document.vtn_id)
    assert (shown["project_id"], shown["status"]) == (RED, "PENDING")
    path = f"{VTNS}/{document.vtn_id}/members"
    assert cloud.request("PUT", f"{path}/west/accept", {}, BLUE).status == 404
    assert cloud.request("PUT", f"{path}/north/accept", {}, RED).status == 409
    answer = cloud.request("PUT", f"{path}/west/accept", {}, RED)
    assert (answer.status, answer["member"]["acceptance"]) == (200, "accepted")
    exchange(west, north)
    (network,) = west.networks(RED)
    assert network["project_id"] == RED
    assert cloud.request("PUT", f"{path}/west/refuse", {}, RED).status == 200
    exchange(west, north)
    assert west.networks() == []


def test_the_far_project_is_the_mapped_one(cloud: Cloud, west: Region, north: Peer) -> None:
    """And whose project is not mapped is told what to do."""
    made = create(cloud, members=["west", "north"])
    assert members(cloud, made["id"])["north"]["site_project_id"] == "their-red"
    refused = ask(cloud, BLUE, members=["west", "north"])
    assert refused.status == 409
    assert "ask your provider to map it" in refused.sentence


# Reading


def test_lists_are_filtered_sorted_and_cut_by_the_database(cloud: Cloud, west: Region) -> None:
    """As every list of Neutron's."""
    for number, name in enumerate(("c", "a", "b")):
        create(cloud, name=name, prefixes=[f"10.{number}.0.0/16"])

    def names(query: str) -> list[str]:
        answer = cloud.request("GET", f"{VTNS}?{query}", project=RED)
        return [each["name"] for each in answer["virtual_tenant_networks"]]

    assert names("sort_key=name&sort_dir=desc") == ["c", "b", "a"]
    assert names("sort_key=name&sort_dir=asc&limit=2") == ["a", "b"]
    assert names("name=b") == names("prefixes=10.2.0.0/16") == ["b"]
    assert names("members=west&sort_key=name&sort_dir=asc") == ["a", "b", "c"]
    assert names("members=east") == names("status=ACTIVE") == []
    assert names("status=PENDING&sort_key=name&sort_dir=asc") == ["a", "b", "c"]
    first = cloud.request(
        "GET", f"{VTNS}?sort_key=name&sort_dir=asc&limit=1&fields=id", project=RED
    )
    (marker,) = first["virtual_tenant_networks"]
    assert names(f"sort_key=name&sort_dir=asc&limit=1&marker={marker['id']}") == ["b"]


def test_a_list_costs_as_many_statements_however_long_it_is(cloud: Cloud, west: Region) -> None:
    """No query for each."""
    create(cloud)
    with cloud.statements() as few:
        cloud.request("GET", VTNS, project=RED)
    for number in range(1, 6):
        create(cloud, prefixes=[f"10.{number}.0.0/16"])
    with cloud.statements() as many:
        cloud.request("GET", VTNS, project=RED)
    assert len(many) == len(few)


def test_tags_are_words_to_find_one_by(cloud: Cloud, west: Region) -> None:
    """Those of this site."""
    made = create(cloud)
    path = f"{VTNS}/{made['id']}/tags"
    assert cloud.request("PUT", path, {"tags": ["gold"]}, RED).status == 200
    assert show(cloud, made["id"])["tags"] == ["gold"]
    found = cloud.request("GET", f"{VTNS}?tags=gold", project=RED)["virtual_tenant_networks"]
    assert [each["id"] for each in found] == [made["id"]]
    assert cloud.request("DELETE", f"{path}/gold", project=BLUE).status == 404


def test_a_project_has_no_more_than_its_quota(cloud: Cloud, west: Region) -> None:
    """Ten, unless an operator says otherwise."""
    path = f"/quotas/{RED}"
    assert cloud.request("GET", path)["quota"]["mpls_vtn"] == 10
    assert cloud.request("PUT", path, {"quota": {"mpls_vtn": 1}}).status == 200
    create(cloud)
    assert ask(cloud, prefixes=["10.1.0.0/16"]).status == 409
    assert ask(cloud, BLUE).status == 201


def test_nobody_sees_anothers(cloud: Cloud, west: Region) -> None:
    """Neither in lists nor by id, nor its members."""
    made = create(cloud)
    assert cloud.request("GET", VTNS, project=BLUE)["virtual_tenant_networks"] == []
    for method, path, body in (
        ("GET", "", None),
        ("PUT", "", {"virtual_tenant_network": {"name": "mine"}}),
        ("DELETE", "", None),
        ("GET", "/members", None),
        ("POST", "/members", {"member": {"site": "west"}}),
        ("DELETE", "/members/west", None),
        ("PUT", "/members/west/refuse", {}),
        ("PUT", "/take_over", {}),
    ):
        more: dict[str, Any] = {} if body is None else {"body": body}
        answer = cloud.request(method, f"{VTNS}/{made['id']}{path}", project=BLUE, **more)
        assert answer.status == 404, (method, path, answer)
