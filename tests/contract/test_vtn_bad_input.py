# SPDX-License-Identifier: Apache-2.0
"""What is refused of virtual tenant networks: a 4xx that says what to do, and nothing changed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from docs.generate.collections import read_collections

if TYPE_CHECKING:
    from tests.cloud import Answer, Cloud
    from tests.vtn_site import Peer, Region

VTNS, SITES = "/vtn/virtual_tenant_networks", "/vtn/interconnect_sites"
RED, BLUE = "red-project", "blue-project"
NOBODY = "00000000-0000-4000-8000-000000000000"
COLLECTIONS = {each.name: each for each in read_collections() if each.prefix == "/vtn"}


def ask(cloud: Cloud, project: str | None = RED, **said: Any) -> Answer:
    """Ask for a VTN."""
    body = {"name": "red", "prefixes": ["10.0.0.0/16"], **said}
    return cloud.request("POST", VTNS, {"virtual_tenant_network": body}, project)


def create(cloud: Cloud, **said: Any) -> str:
    """Make a VTN; return its id."""
    return str(cloud.made(ask(cloud, **said), "virtual_tenant_network")["id"])


def refused(cloud: Cloud, answer: Answer, status: int, *words: str) -> None:
    """Check that an answer is a refusal in words a tenant understands."""
    assert answer.status == status, answer
    for word in words:
        assert word in answer.sentence


@pytest.mark.parametrize(
    ("said", "status", "words"),
    [
        ({"prefixes": []}, 400, ["at least one prefix, such as"]),
        ({"prefixes": ["10.0.0.1/16"]}, 400, ["say 10.0.0.0/16"]),
        ({"prefixes": ["10.0.0.0"]}, 400, ["say 10.0.0.0/32"]),
        ({"prefixes": ["here"]}, 400, ["not an IP prefix such as"]),
        ({"prefixes": ["10.0.0.0/30"]}, 400, ["8 to 29", "at least a /29"]),
        ({"prefixes": ["2001:db8::/65"]}, 400, ["16 to 64", "at least a /64"]),
        ({"prefixes": ["127.0.0.0/16"]}, 400, ["127.0.0.0/8", "can't have addresses"]),
        ({"prefixes": ["10.0.0.0/8", "10.1.0.0/16"]}, 400, ["overlap"]),
        ({"prefixes": ["10.0.0.0/16", "10.0.0.0/16"]}, 400, []),
        ({"prefixes": [f"10.{n}.0.0/16" for n in range(17)]}, 400, ["more than 16"]),
        ({"prefixes": ["10.0.0.0/29"], "members": ["west", "east"]}, 409, ["no room", "larger"]),
        ({"prefixes": ["2001:db8::/64"], "members": ["west", "east"]}, 409, ["no room", "larger"]),
        ({"members": ["nowhere"]}, 400, ["no site 'nowhere'", "Sites are: east, west"]),
        ({"type": "subnet"}, 400, ["not supported yet", "use 'l3'"]),
        ({"type": "l2"}, 400, ["not supported yet", "use 'l3'"]),
        ({"type": "l4"}, 400, []),
        ({"class_of_service": "gold"}, 400, ["not supported yet; leave it out"]),
        ({"rate_kbps": 1000}, 400, ["not supported yet; leave it out"]),
        ({"owner_site": "east"}, 400, ["owner_site"]),
    ],
)
def test_what_no_network_can_be_is_refused(
    cloud: Cloud, west: Region, said: Mapping[str, Any], status: int, words: list[str]
) -> None:
    """With what to say instead."""
    before = cloud.rows()
    refused(cloud, ask(cloud, **said), status, *words)
    assert cloud.rows() == before


def test_prefixes_that_another_network_of_the_project_has_are_refused(
    cloud: Cloud, west: Region
) -> None:
    """At creation and at change; another project may have the same."""
    create(cloud, name="first")
    refused(cloud, ask(cloud, prefixes=["10.0.128.0/17"]), 409, "first", "choose another prefix")
    assert ask(cloud, BLUE, prefixes=["10.0.128.0/17"]).status == 201
    second = create(cloud, prefixes=["10.1.0.0/16"])
    body = {"virtual_tenant_network": {"prefixes": ["10.1.0.0/16", "10.0.0.0/24"]}}
    refused(cloud, cloud.request("PUT", f"{VTNS}/{second}", body, RED), 409, "first")
    body = {"virtual_tenant_network": {"prefixes": ["10.0.0.0/15"]}}
    refused(cloud, cloud.request("PUT", f"{VTNS}/{second}", body, RED), 409, "first")


def test_a_member_too_many_for_the_prefixes_is_refused(cloud: Cloud, west: Region) -> None:
    """With what would make room."""
    vtn_id = create(cloud, prefixes=["10.0.0.0/29"])
    path = f"{VTNS}/{vtn_id}/members"
    answer = cloud.request("POST", path, {"member": {"site": "east"}}, RED)
    refused(cloud, answer, 409, "no room", "add a larger prefix")
    body = {"virtual_tenant_network": {"prefixes": ["10.0.0.0/29", "10.0.1.0/24"]}}
    assert cloud.request("PUT", f"{VTNS}/{vtn_id}", body, RED).status == 200
    assert cloud.request("POST", path, {"member": {"site": "east"}}, RED).status == 201


def test_a_site_that_is_not_joined_is_refused(cloud: Cloud, west: Region) -> None:
    """And which it is, is said."""
    from isthmus.db.vtn import sites
    from isthmus.plugin import transactions

    record = sites.SiteRecord("north", NOBODY, sites.State.PENDING)
    transactions.write(sites.create, record)
    refused(cloud, ask(cloud, members=["north"]), 409, "north", "not joined", "ask your provider")


def test_nothing_with_ports_is_removed(cloud: Cloud, west: Region, east: Peer) -> None:
    """Neither the member nor the network, here or as far as another site has said."""
    from tests.vtn_site import exchange

    vtn_id = create(cloud, members=["west", "east"])
    exchange(west, east)
    path = f"{VTNS}/{vtn_id}"
    shown = cloud.request("GET", path, project=RED)["virtual_tenant_network"]
    port = cloud.made(
        cloud.request("POST", "/ports", {"port": {"network_id": shown["network_id"]}}, RED), "port"
    )
    for where in (path, f"{path}/members/west"):
        answer = cloud.request("DELETE", where, project=RED)
        refused(cloud, answer, 409, "1 at west", "delete them, then")
    refusal = cloud.request("PUT", f"{path}/members/west/refuse", {}, RED)
    refused(cloud, refusal, 409, "1 at west")
    assert cloud.request("DELETE", f"/ports/{port['id']}", project=RED).status == 204
    say_ports(east, vtn_id, 3)
    exchange(west, east)
    for where in (path, f"{path}/members/east"):
        refused(cloud, cloud.request("DELETE", where, project=RED), 409, "3 at east")
    say_ports(east, vtn_id, 0)
    exchange(west, east)
    assert cloud.request("DELETE", f"{path}/members/east", project=RED).status == 204


def say_ports(peer: Peer, vtn_id: str, count: int) -> None:
    """Have a peer say how many ports its tenant has."""
    from isthmus.model.vtn.membership import speak

    peer.put(speak(peer.view(vtn_id), ports=count))


@pytest.fixture
def east() -> Peer:
    """Another site."""
    from tests.vtn_site import Peer

    return Peer("east")


def test_a_silent_owner_is_not_asked_without_end(cloud: Cloud, west: Region, east: Peer) -> None:
    """The tenant is told whom it waits for."""
    from isthmus.plugin.vtn.changing import MAX_WAITING
    from tests.vtn_site import exchange, new_vtn

    document = new_vtn("east", ["east", "west"], ["10.0.0.0/16"])
    east.put(document)
    exchange(west, east)
    path = f"{VTNS}/{document.vtn_id}"
    for number in range(MAX_WAITING):
        body = {"virtual_tenant_network": {"name": f"{number}"}}
        assert cloud.request("PUT", path, body, RED).status == 200
    refused(cloud, cloud.request("PUT", path, body, RED), 409, "wait for the site east")
    exchange(west, east)
    shown = cloud.request("GET", path, project=RED)["virtual_tenant_network"]
    assert (shown["name"], shown["status"]) == (f"{MAX_WAITING - 1}", "ACTIVE")


def test_the_last_member_is_not_removed_but_the_network(cloud: Cloud, west: Region) -> None:
    """That is said."""
    vtn_id = create(cloud)
    answer = cloud.request("DELETE", f"{VTNS}/{vtn_id}/members/west", project=RED)
    refused(cloud, answer, 409, "delete the network instead")


def test_without_route_targets_a_site_says_so(cloud: Cloud, west: Region) -> None:
    """The tenant can ask elsewhere; the log tells the operator which option."""
    from dataclasses import replace

    from isthmus.model.ids import RouteTarget
    from isthmus.model.pools import NumberPool

    calls = cloud.plugin.create_virtual_tenant_network.__self__
    before = calls._options
    calls._options = replace(before, route_target_pool=NumberPool(RouteTarget))
    refused(cloud, ask(cloud), 409, "ask at another one")
    calls._options = before


# Anything at all

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.text(st.characters(), max_size=12)
    | st.sampled_from(["10.0.0.0/16", "2001:db8::/48", "west", "east", "l3", "x" * 300, NOBODY])
    | st.sampled_from(["\ud800", "a\0b", "🚂", "isthmus-invitation-1:e30"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner),
    max_leaves=6,
)
anything = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
NAMES = sorted({name for each in COLLECTIONS.values() for name in each.attributes})
bodies = st.dictionaries(
    st.sampled_from([*NAMES, "vouched_gone"]) | st.text(max_size=5), json_values, max_size=4
)
sensible: dict[str, dict[str, Any]] = {
    "virtual_tenant_network": {"prefixes": ["10.0.0.0/16"]},
    "member": {"site": "east"},
    "interconnect_site": {"name": "north"},
}
PATHS = (
    (VTNS, "virtual_tenant_network"),
    (f"{VTNS}/{{vtn}}/members", "member"),
    (SITES, "interconnect_site"),
)
ITEMS = (f"{VTNS}/{{vtn}}", f"{VTNS}/{{vtn}}/members/west", f"{SITES}/east", f"{SITES}/{NOBODY}")
ACTIONS = {
    f"{VTNS}/{{vtn}}": ("take_over",),
    f"{VTNS}/{{vtn}}/members/west": ("accept", "refuse"),
    f"{SITES}/east": ("invite", "confirm", "rotate", "recover", "revoke"),
}


def never_500(answer: Answer, seen: object) -> None:
    """Check that an answer is no 5xx, and a refusal says why."""
    assert answer.status < 500, (seen, answer)
    if answer.status >= 400:
        assert answer.sentence, (seen, answer)


def one(cloud: Cloud) -> str:
    """Return the id of a VTN there is."""
    found = cloud.request("GET", f"{VTNS}?owner_site=west")["virtual_tenant_networks"]
    return str(found[0]["id"]) if found else create(cloud, prefixes=["192.168.0.0/16"])


@anything
@given(body=bodies)
@example(body={"prefixes": ["10.0.0.0/16"], "project_id": ""})
@example(body={"prefixes": ["10.0.0.0/16"], "members": ["\ud800"]})
@example(body={"prefixes": ["fe80::1%eth0/64"]})
@example(body={"prefixes": ["::ffff:10.0.0.0/112"]})
@example(body={"prefixes": ["10.0.0.0/255.255.0.0"]})
@example(body={"prefixes": ["10.0.0.0/-1"]})
@example(body={"prefixes": ["0/0"]})
@example(body={"name": "north", "projects": {"a": 1}})
@example(body={"name": "north", "projects": {"a": "\ud800"}})
@example(body={"name": "north", "expires_in": 2**63})
@example(body={"name": "../etc"})
def test_no_creation_is_answered_with_500(cloud: Cloud, west: Region, body: dict[str, Any]) -> None:
    """Whatever JSON its attributes are, alone or beside what makes sense."""
    for path, name in PATHS:
        for project in (RED, None):
            for inner in (body, {**sensible[name], **body}):
                answer = cloud.request("POST", path.format(vtn=one(cloud)), {name: inner}, project)
                never_500(answer, (path, inner))


@anything
@given(body=bodies)
@example(body={"vouched_gone": [{}]})
@example(body={"vouched_gone": "east"})
@example(body={"expires_in": 2**40})
@example(body={"expires_in": "soon"})
def test_no_change_and_no_action_is_answered_with_500(
    cloud: Cloud, west: Region, body: dict[str, Any]
) -> None:
    """Whatever JSON their attributes are."""
    vtn = one(cloud)
    for item in ITEMS:
        for _, name in PATHS:
            answer = cloud.request("PUT", item.format(vtn=vtn), {name: body})
            never_500(answer, (item, body))
        for action in ACTIONS.get(item, ()):
            path = f"{item.format(vtn=vtn)}/{action}"
            never_500(cloud.request("PUT", path, body), (path, body))


@anything
@given(body=json_values)
def test_no_body_is_answered_with_500(cloud: Cloud, west: Region, body: object) -> None:
    """Whatever JSON the whole of it is."""
    vtn = one(cloud)
    for path, name in PATHS:
        for wrapped in (body, {name: body}, {f"{name}s": body}):
            never_500(cloud.request("POST", path.format(vtn=vtn), wrapped), body)
    for item, actions in ACTIONS.items():
        for action in ("", *(f"/{each}" for each in actions)):
            never_500(cloud.request("PUT", f"{item.format(vtn=vtn)}{action}", body), body)


@anything
@given(
    query=st.dictionaries(
        st.sampled_from([*NAMES, "fields", "sort_key", "sort_dir", "limit", "marker"]),
        st.text(max_size=8) | st.sampled_from(["name", "status", "10", "asc", NOBODY, "west"]),
        max_size=3,
    )
)
def test_no_query_is_answered_with_500(cloud: Cloud, west: Region, query: dict[str, str]) -> None:
    """Whatever it filters, sorts and pages by."""
    vtn = one(cloud)
    for path in (*(path for path, _ in PATHS), "/vtn/interconnect_events"):
        never_500(cloud.request("GET", path.format(vtn=vtn), query=query), (path, query))
