# SPDX-License-Identifier: Apache-2.0
"""Who may do what with virtual tenant networks and sites, written out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pytest

from isthmus.api.definitions import interconnect_site

if TYPE_CHECKING:
    from tests.cloud import Caller, Cloud
    from tests.vtn_site import Region

VTNS, SITES = "/vtn/virtual_tenant_networks", "/vtn/interconnect_sites"
RED, BLUE = "red-project", "blue-project"
WHO = {
    "administrator": ("operators", ("admin", "manager", "member", "reader")),
    "owner": (RED, ("member", "reader")),
    "reader": (RED, ("reader",)),
    "other": (BLUE, ("member", "reader")),
}


def caller(who: str) -> Caller:
    """Return somebody."""
    from tests.cloud import Caller

    return Caller(*WHO[who])


def ask(cloud: Cloud, who: Any, **said: Any) -> Any:
    """Ask for a VTN."""
    body = {"virtual_tenant_network": {"prefixes": ["10.0.0.0/16"], **said}}
    return cloud.request("POST", VTNS, body, who)


@pytest.mark.parametrize(
    ("who", "statuses"),
    [
        ("administrator", (201, 200, 200, 200, 201, 200, 409, 204)),
        ("owner", (201, 200, 200, 200, 201, 200, 403, 204)),
        ("reader", (403, 200, 403, 403, 403, 403, 403, 403)),
        ("other", (201, 404, 404, 404, 404, 404, 404, 404)),
    ],
)
def test_who_may_do_what_with_networks(
    cloud: Cloud, west: Region, who: str, statuses: tuple[int, ...]
) -> None:
    """Make one; read, rename, tag, give a member, accept, take over, delete another's."""
    made = cloud.made(ask(cloud, RED), "virtual_tenant_network")
    path, asking = f"{VTNS}/{made['id']}", caller(who)
    calls: tuple[tuple[str, str, Mapping[str, Any] | None], ...] = (
        ("GET", path, None),
        ("PUT", path, {"virtual_tenant_network": {"name": "mine"}}),
        ("PUT", f"{path}/tags", {"tags": ["gold"]}),
        ("POST", f"{path}/members", {"member": {"site": "east"}}),
        ("PUT", f"{path}/members/west/accept", {}),
        ("PUT", f"{path}/take_over", {}),
        ("DELETE", path, None),
    )
    answers = [ask(cloud, asking, prefixes=["10.1.0.0/16"])]
    for method, where, body in calls:
        more: dict[str, Any] = {} if body is None else {"body": body}
        answers.append(cloud.request(method, where, project=asking, **more))
    assert tuple(answer.status for answer in answers) == statuses
    for answer in answers:
        assert answer.status < 400 or answer.sentence


def test_no_tenant_chooses_anothers_project(cloud: Cloud, west: Region) -> None:
    """Neither whose the network is, nor whose a member's part is to be at another site."""
    assert ask(cloud, RED, project_id=BLUE).status == 400
    made = cloud.made(ask(cloud, RED), "virtual_tenant_network")
    body = {"member": {"site": "east", "site_project_id": BLUE}}
    path = f"{VTNS}/{made['id']}/members"
    assert cloud.request("POST", path, body, RED).status == 403
    assert cloud.request("POST", path, body).status == 201


def test_tenants_are_not_told_what_is_the_operators(cloud: Cloud, west: Region) -> None:
    """In lists and items alike; the operator is."""
    made = cloud.made(ask(cloud, RED), "virtual_tenant_network")
    hidden = {"epoch", "generation", "notice"}
    assert not hidden & made.keys()
    for query in ("", "?fields=id&fields=notice&fields=epoch"):
        (listed,) = cloud.request("GET", f"{VTNS}{query}", project=RED)["virtual_tenant_networks"]
        assert not hidden & listed.keys()
    path = f"{VTNS}/{made['id']}"
    assert hidden <= cloud.request("GET", path)["virtual_tenant_network"].keys()
    (member,) = cloud.request("GET", f"{path}/members", project=RED)["members"]
    assert not {"drift", "bgpvpn_id"} & member.keys()
    (member,) = cloud.request("GET", f"{path}/members")["members"]
    assert {"drift", "bgpvpn_id"} <= member.keys()


@pytest.mark.parametrize("who", ["owner", "reader", "other"])
def test_tenants_see_names_and_states_of_sites(cloud: Cloud, west: Region, who: str) -> None:
    """Whatever they ask for."""
    site_id = cloud.request("GET", SITES)["interconnect_sites"][0]["id"]
    for path, name in ((SITES, "interconnect_sites"), (f"{SITES}/{site_id}", "interconnect_site")):
        for query in ("", "?fields=name&fields=endpoints&fields=projects&fields=invitation"):
            shown = cloud.request("GET", f"{path}{query}", project=caller(who))[name]
            for each in shown if isinstance(shown, list) else [shown]:
                assert each.keys() <= interconnect_site.PUBLIC
                assert each["name"] == "east"


@pytest.mark.parametrize("who", ["owner", "reader", "other"])
def test_only_administrators_manage_sites(cloud: Cloud, west: Region, who: str) -> None:
    """Nothing is changed by anybody else."""
    site_id = cloud.request("GET", SITES)["interconnect_sites"][0]["id"]
    before = cloud.rows()
    body = {"interconnect_site": {"name": "north"}}
    answers = [
        cloud.request("POST", SITES, body, caller(who)),
        cloud.request(
            "PUT", f"{SITES}/{site_id}", {"interconnect_site": {"projects": {}}}, caller(who)
        ),
        cloud.request("DELETE", f"{SITES}/{site_id}", project=caller(who)),
        *(
            cloud.request("PUT", f"{SITES}/{site_id}/{action}", {}, caller(who))
            for action in interconnect_site.ACTIONS
        ),
    ]
    assert {answer.status for answer in answers} == {403}
    assert cloud.rows() == before
