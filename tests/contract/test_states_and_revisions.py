# SPDX-License-Identifier: Apache-2.0
"""What is added to the BGPVPN API: administrative state, standard attributes, tags, conditions."""

from __future__ import annotations

from ipaddress import IPv4Address
from typing import TYPE_CHECKING, Any

import pytest

from isthmus.model.errors import IntentConflict
from isthmus.model.report import PeReport
from tests.fakes.driver import FlakyDriver

if TYPE_CHECKING:
    from tests.cloud import Cloud

VPNS = "/bgpvpn/bgpvpns"
RED, BLUE = "red-project", "blue-project"
DOWN = "It is administratively down."


def change(cloud: Cloud, path: str, resource: str = "bgpvpn", **attributes: object) -> Any:
    """Change a resource as a member of its project."""
    answer = cloud.request("PUT", path, {resource: attributes}, RED)
    assert answer.status == 200, answer
    return answer[resource]


def carried(cloud: Cloud) -> list[int]:
    """Return how many attachments each intent had that the driver was given."""
    driver = cloud.plugin._driver
    assert isinstance(driver, FlakyDriver)
    return [len(intent.attachments) for intent in driver.applied]


# Administrative state


def test_a_vpn_taken_down_carries_nothing_and_says_so(cloud: Cloud) -> None:
    """Its associations and attachments stay; put up again, it is as before."""
    cloud.use_driver(FlakyDriver(cloud.load_driver("noop")))
    vpn_id, network_id = cloud.vpn()["id"], cloud.network("10.1.0.0/24")
    cloud.associate(vpn_id, network_id)
    cloud.dispatch()
    path = f"{VPNS}/{vpn_id}"
    assert change(cloud, path, admin_state_up=False)["status"] == "PENDING"
    cloud.dispatch()
    assert cloud.status(vpn_id, RED) == ("DOWN", DOWN)
    assert len(cloud.attachments()) == 1
    change(cloud, path, admin_state_up=True)
    cloud.dispatch()
    assert cloud.status(vpn_id, RED)[0] == "ACTIVE"
    assert carried(cloud) == [1, 0, 1]


def test_a_change_of_a_vpn_that_was_refused_is_tried_before_it_is_refused_again(
    cloud: Cloud,
) -> None:
    """Who waits for the change is not told of the state before it."""
    vpn_id = cloud.vpn()["id"]
    cloud.dispatch()
    cloud.refuse(vpn_id, IntentConflict("No labels are left."))
    assert cloud.status(vpn_id, RED)[0] == "ERROR"
    assert change(cloud, f"{VPNS}/{vpn_id}", name="blue")["status"] == "ERROR"
    assert change(cloud, f"{VPNS}/{vpn_id}", local_pref=200)["status"] == "PENDING"
    cloud.dispatch()
    assert cloud.status(vpn_id, RED)[0] == "ACTIVE"


def test_an_association_taken_down_leaves_the_others_alone(cloud: Cloud) -> None:
    """The VPN is not down for it."""
    cloud.use_driver(FlakyDriver(cloud.load_driver("noop")))
    vpn_id = cloud.vpn()["id"]
    path = f"{VPNS}/{vpn_id}/network_associations"
    cloud.associate(vpn_id, cloud.network("10.2.0.0/24"))
    body = {"network_id": cloud.network("10.1.0.0/24"), "admin_state_up": False}
    made = cloud.request("POST", path, {"network_association": body}, RED)["network_association"]
    assert made["admin_state_up"] is False
    cloud.dispatch()
    shown = cloud.request("GET", f"{path}/{made['id']}", project=RED)["network_association"]
    assert (shown["status"], shown["status_reason"]) == ("DOWN", DOWN)
    assert cloud.status(vpn_id, RED)[0] == "ACTIVE"
    up = change(cloud, f"{path}/{made['id']}", "network_association", admin_state_up=True)
    assert up["status"] == "PENDING"
    cloud.dispatch()
    assert carried(cloud) == [1, 2]


# Standard attributes


def test_a_vpn_tells_when_it_was_made_and_counts_its_changes(cloud: Cloud) -> None:
    """A change that changes nothing is none."""
    made = cloud.vpn(description="to the east")
    assert made["created_at"] == made["updated_at"]
    assert made["created_at"].endswith("Z")
    assert (made["revision_number"], made["description"]) == (0, "to the east")
    path = f"{VPNS}/{made['id']}"
    assert change(cloud, path, description="to the west")["revision_number"] == 1
    same = change(cloud, path, description="to the west")
    assert (same["revision_number"], same["description"]) == (1, "to the west")


def test_associations_have_standard_attributes_too(cloud: Cloud) -> None:
    """And their own revision."""
    vpn_id = cloud.vpn()["id"]
    made = cloud.associate(vpn_id, cloud.network("10.1.0.0/24"))["network_association"]
    path = f"{VPNS}/{vpn_id}/network_associations/{made['id']}"
    changed = change(cloud, path, "network_association", description="mine")
    assert (changed["revision_number"], changed["description"]) == (1, "mine")
    assert cloud.status(vpn_id) != ("ERROR", "")


def test_nothing_of_them_is_left_when_a_vpn_goes(cloud: Cloud) -> None:
    """Neither its own nor its associations'."""
    network_id = cloud.network()
    before = cloud.count_standard_attributes()
    vpn_id = cloud.vpn()["id"]
    cloud.associate(vpn_id, network_id)
    cloud.request("PUT", f"{VPNS}/{vpn_id}/tags", {"tags": ["a"]}, RED)
    assert cloud.request("DELETE", f"{VPNS}/{vpn_id}").status == 204
    assert cloud.count_standard_attributes() == before


def test_rows_of_the_release_before_are_given_some(cloud: Cloud) -> None:
    """Until then they are shown without, and can be changed."""
    vpn_id = cloud.vpn(name="old")["id"]
    cloud.forget_standard_attributes()
    shown = cloud.request("GET", f"{VPNS}/{vpn_id}")["bgpvpn"]
    assert (shown["created_at"], shown["revision_number"], shown["name"]) == (None, 0, "old")
    assert change(cloud, f"{VPNS}/{vpn_id}", name="new")["name"] == "new"
    cloud.check_all()
    shown = cloud.request("GET", f"{VPNS}/{vpn_id}")["bgpvpn"]
    assert shown["created_at"].endswith("Z")


@pytest.mark.parametrize("text", ["train 🚂", "a\0b", "half \ud83d"])
def test_text_that_neutrons_tables_can_not_keep_is_refused(cloud: Cloud, text: str) -> None:
    """With a sentence, in every place where it would be kept."""
    vpn_id = cloud.vpn()["id"]
    body = {"bgpvpn": {"description": text}}
    assert cloud.request("PUT", f"{VPNS}/{vpn_id}", body, RED).status == 400
    assert cloud.request("PUT", f"{VPNS}/{vpn_id}/tags", {"tags": [text]}, RED).status == 400


# Conditions


def test_a_change_is_made_only_if_the_client_saw_the_newest(cloud: Cloud) -> None:
    """412 otherwise, and nothing happens."""
    vpn_id = cloud.vpn()["id"]
    path, body = f"{VPNS}/{vpn_id}", {"bgpvpn": {"name": "new"}}
    assert cloud.request("PUT", path, body, RED, revision=1).status == 412
    assert cloud.request("PUT", path, body, RED, revision=0).status == 200
    assert cloud.request("DELETE", path, revision=0).status == 412
    assert cloud.request("GET", path)["bgpvpn"]["revision_number"] == 1
    association = cloud.associate(vpn_id, cloud.network("10.1.0.0/24"))["network_association"]
    own = f"{path}/network_associations/{association['id']}"
    assert cloud.request("DELETE", own, project=RED, revision=7).status == 412
    assert cloud.request("DELETE", own, project=RED, revision=0).status == 204
    assert cloud.request("DELETE", path, revision=1).status == 204


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_condition_on_a_collection_means_nothing(cloud: Cloud, method: str) -> None:
    """There is nothing it could be about."""
    answer = cloud.request(method, VPNS, {"bgpvpn": {"project_id": RED}}, revision=3)
    assert answer.status in {200, 201}


# Tags


def test_tags_are_set_added_and_removed(cloud: Cloud) -> None:
    """As on any other resource of Neutron."""
    from tests.cloud import NOTHING

    vpn_id = cloud.vpn()["id"]
    path = f"{VPNS}/{vpn_id}/tags"

    def ask(method: str, path: str, body: object = NOTHING) -> int:
        return cloud.request(method, path, body, RED).status

    assert ask("PUT", path, {"tags": ["gold", "east"]}) == 200
    assert ask("POST", path, {"tags": ["new"]}) == 200
    assert ask("PUT", f"{path}/one.more") == 201
    assert cloud.request("GET", path, project=RED)["tags"] == ["east", "gold", "new", "one.more"]
    assert ask("GET", f"{path}/gold") == 204
    assert ask("DELETE", f"{path}/gold") == 204
    assert ask("GET", f"{path}/gold") == ask("DELETE", f"{path}/gold") == 404
    shown = cloud.request("GET", f"{VPNS}/{vpn_id}", project=RED)["bgpvpn"]
    assert shown["tags"] == ["east", "new", "one.more"]
    assert ask("DELETE", path) == 204
    assert cloud.request("GET", path, project=RED)["tags"] == []
    assert cloud.request("GET", path, project=BLUE).status == 404


@pytest.mark.parametrize("body", [{}, {"tags": "a"}, {"tags": ["a", "a"]}, {"tags": [5]}, None])
def test_what_is_no_list_of_tags_is_refused(cloud: Cloud, body: object) -> None:
    """400, and for too many too."""
    path = f"{VPNS}/{cloud.vpn()['id']}/tags"
    assert cloud.request("PUT", path, body, RED).status == 400
    many = {"tags": [str(n) for n in range(51)]}
    assert cloud.request("PUT", path, many, RED).status == 400


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("tags=gold", ["ab", "a"]),
        ("tags=gold,east", ["ab"]),
        ("tags-any=east,gold", ["ab", "a", "b"]),
        ("not-tags=gold,east", ["a", "b", "none"]),
        ("not-tags-any=gold", ["b", "none"]),
    ],
)
def test_vpns_are_found_by_tags(cloud: Cloud, query: str, names: list[str]) -> None:
    """All of them, any of them, not all, none."""
    for name, tags in (("ab", ["gold", "east"]), ("a", ["gold"]), ("b", ["east"]), ("none", [])):
        cloud.request("PUT", f"{VPNS}/{cloud.vpn(name=name)['id']}/tags", {"tags": tags}, RED)
    found = cloud.request("GET", f"{VPNS}?{query}&fields=name", project=RED)["bgpvpns"]
    assert sorted(vpn["name"] for vpn in found) == sorted(names)


# Lists


@pytest.mark.parametrize("sort", ["name", "vni", "created_at", "description", "status"])
@pytest.mark.parametrize("direction", ["asc", "desc"])
def test_pages_put_together_are_the_list(cloud: Cloud, sort: str, direction: str) -> None:
    """Whatever it is sorted by, forwards and backwards."""
    for number in range(7):
        cloud.vpn(name=f"vpn-{number % 3}", vni=None if number % 2 else number + 1)
    order = f"sort_key={sort}&sort_dir={direction}&fields=id"
    whole = [vpn["id"] for vpn in cloud.request("GET", f"{VPNS}?{order}")["bgpvpns"]]
    assert len(whole) == 7

    def walk(*, backwards: bool) -> list[str]:
        found: list[str] = []
        step = f"{VPNS}?{order}&limit=3&page_reverse={backwards}"
        while True:
            at = (found[0] if backwards else found[-1]) if found else None
            marker = f"&marker={at}" if at else ""
            page = [vpn["id"] for vpn in cloud.request("GET", step + marker)["bgpvpns"]]
            found = page + found if backwards else found + page
            if len(page) < 3:
                return found

    assert walk(backwards=False) == whole
    assert walk(backwards=True) == whole


def test_a_page_reads_no_more_than_itself(cloud: Cloud) -> None:
    """The database cuts it."""
    for _ in range(5):
        cloud.vpn()
    with cloud.statements() as statements:
        assert len(cloud.request("GET", f"{VPNS}?limit=2")["bgpvpns"]) == 2
    assert "LIMIT" in statements[0]
    assert cloud.request("GET", f"{VPNS}?limit=2&marker=nobody")["bgpvpns"] == []


@pytest.mark.parametrize(
    "query",
    [
        *("name=Zürich", "description=mine", "vni=7", "admin_state_up=True", "type=l3"),
        *("route_targets=64500:1", "import_targets=64500:2", "route_distinguishers=64500:9"),
        *("revision_number=0", "status=PENDING", "tenant_id=red-project", "export_targets=64500:3"),
    ],
)
def test_every_attribute_filters(cloud: Cloud, query: str) -> None:
    """Letter by letter."""
    wanted = cloud.vpn(
        name="Zürich",
        description="mine",
        vni=7,
        route_distinguishers=["64500:9"],
        import_targets=["64500:2"],
        export_targets=["64500:3"],
    )
    name, _, value = query.partition("=")
    both = {name: value, "id": wanted["id"]}
    found = cloud.request("GET", VPNS, query=both)["bgpvpns"]
    assert [vpn["id"] for vpn in found] == [wanted["id"]]
    other = {"admin_state_up": "False", "type": "l2", "vni": "8", "revision_number": "5"}
    none = {name: other.get(name, value + "0")}
    assert cloud.request("GET", VPNS, query=none)["bgpvpns"] == []


def test_strange_filters_find_nothing(cloud: Cloud) -> None:
    """And break nothing."""
    cloud.vpn()
    for name in ("id", "name", "project_id", "description", "tags", "created_at", "networks"):
        for value in ("\ud83d", "a\0b", "x" * 300, "🚂", "%", "' OR 1=1"):
            answer = cloud.request("GET", VPNS, query={name: value})
            assert answer.status == (400 if value == "\ud83d" else 200), (name, value)
            assert answer.status == 400 or answer["bgpvpns"] == [], (name, value)


# Provider edges


def test_an_administrator_sees_what_each_pe_does_for_a_vpn(cloud: Cloud) -> None:
    """A project does not."""
    vpn_id, network_id = cloud.vpn()["id"], cloud.network("10.1.0.0/24")
    cloud.host("west-1")
    cloud.associate(vpn_id, network_id)
    cloud.port(network_id, "west-1")
    cloud.dispatch()
    cloud.report_in_force("west-1", vpn_id, labels=(1000, 1001), routes_sent=1, routes_received=5)
    path = f"{VPNS}/{vpn_id}/provider_edges"
    (edge,) = cloud.request("GET", path)["provider_edges"]
    assert edge == {
        "id": "west-1",
        "name": "west-1",
        "address": "192.0.2.11",
        "status": "ACTIVE",
        "status_reason": "",
        "last_error": "",
        "generation_asked": 1,
        "generation_in_force": 1,
        "routes_sent": 1,
        "routes_received": 5,
        "labels": [1000, 1001],
    }
    assert cloud.request("GET", f"{path}/west-1")["provider_edge"] == edge
    assert cloud.request("GET", f"{path}/west-2").status == 404
    assert cloud.request("GET", path, project=RED)["provider_edges"] == []
    assert cloud.request("GET", f"{path}/west-1", project=RED).status == 404
    assert cloud.request("GET", path, project=BLUE).status == 404
    assert cloud.request("POST", path, {"provider_edge": {}}).status in {400, 404, 405}
    assert cloud.request("DELETE", f"{path}/west-1").status in {400, 404, 405}


def test_an_administrator_reads_what_a_pe_was_refused_last(cloud: Cloud) -> None:
    """By its switch or BGP daemon, as its agent reports it."""
    vpn_id, network_id = cloud.vpn()["id"], cloud.network("10.1.0.0/24")
    cloud.host("west-1")
    cloud.associate(vpn_id, network_id)
    cloud.port(network_id, "west-1")
    address = IPv4Address("192.0.2.11")
    for sentence in ("Open vSwitch refused the flows.", ""):
        cloud.report(PeReport("west-1", address, (), (), last_error=sentence))
        (edge,) = cloud.request("GET", f"{VPNS}/{vpn_id}/provider_edges")["provider_edges"]
        assert edge["last_error"] == sentence
