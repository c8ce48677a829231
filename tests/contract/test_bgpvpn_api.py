# SPDX-License-Identifier: Apache-2.0
"""The BGPVPN API through Neutron's WSGI application: what tenants and operators get back."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

if TYPE_CHECKING:
    from tests.cloud import Answer, Cloud

VPNS = "/bgpvpn/bgpvpns"
RED, BLUE = "red-project", "blue-project"
NOBODY = "00000000-0000-4000-8000-000000000000"


def associations(vpn_id: str) -> str:
    """Return the path of a VPN's network associations."""
    return f"{VPNS}/{vpn_id}/network_associations"


# Reading


def test_a_vpn_comes_back_as_it_was_made(cloud: Cloud) -> None:
    """Every attribute, each list in one spelling and without repetition."""
    wanted: dict[str, Any] = {
        "name": "Zürich ↔ 東京",
        "type": "l3",
        "route_targets": ["64500:1", "192.0.2.1:2"],
        "import_targets": ["64500:3"],
        "export_targets": ["4200000000:4"],
        "route_distinguishers": ["64500:9", "64500:8"],
        "vni": 4711,
    }
    made = cloud.vpn(**wanted)
    read = cloud.request("GET", f"{VPNS}/{made['id']}")["bgpvpn"]
    assert read["project_id"] == read["tenant_id"] == RED
    for name, value in wanted.items():
        same = sorted(value) if name.endswith("_targets") else value
        assert read[name] == same


def test_a_vpn_is_found_by_name_by_id_and_by_network(cloud: Cloud) -> None:
    """As clients do before anything else; unknown filters are refused, not ignored."""
    one, other = cloud.vpn(name="one"), cloud.vpn(name="other")
    network_id = cloud.network("10.1.0.0/24")
    cloud.associate(other["id"], network_id)

    def found(query: str) -> list[str]:
        return [vpn["id"] for vpn in cloud.request("GET", f"{VPNS}?{query}")["bgpvpns"]]

    assert found("name=one") == [one["id"]]
    assert found(f"id={other['id']}") == [other["id"]]
    assert found(f"networks={network_id}") == [other["id"]]
    assert found(f"project_id={BLUE}") == []
    assert sorted(found("type=l3&status=PENDING")) == sorted([one["id"], other["id"]])
    assert cloud.request("GET", f"{VPNS}?colour=red").status == 400


def test_lists_are_sorted_and_paged_and_show_the_fields_asked_for(cloud: Cloud) -> None:
    """As the framework promises of every collection."""
    for name in ("b", "c", "a"):
        cloud.vpn(name=name)
    listed = cloud.request("GET", f"{VPNS}?sort_key=name&sort_dir=desc&fields=name")["bgpvpns"]
    assert listed == [{"name": "c"}, {"name": "b"}, {"name": "a"}]
    page = cloud.request("GET", f"{VPNS}?limit=2")
    assert len(page["bgpvpns"]) == 2
    rest = cloud.request("GET", f"{VPNS}?limit=2&marker={page['bgpvpns'][-1]['id']}")
    assert len(rest["bgpvpns"]) == 1


def test_listing_costs_the_same_number_of_statements_however_many_there_are(cloud: Cloud) -> None:
    """No statement per VPN, per route target, per association of whatever kind."""
    cloud.host("pe-1")
    counts = []
    for number in (1, 6):
        while len(cloud.request("GET", VPNS)["bgpvpns"]) < number:
            vpn = cloud.vpn(route_targets=[f"64500:{n}" for n in range(1, 30)])
            router = cloud.made(cloud.request("POST", "/routers", {"router": {}}, RED), "router")
            port = cloud.port(cloud.network("10.2.0.0/24"), "pe-1")
            for kind, target_id in (
                ("network", cloud.network("10.1.0.0/24")),
                ("router", router["id"]),
                ("port", port["id"]),
            ):
                body = {f"{kind}_association": {f"{kind}_id": target_id}}
                path = f"{VPNS}/{vpn['id']}/{kind}_associations"
                cloud.made(cloud.request("POST", path, body, RED), f"{kind}_association")
        with cloud.statements() as statements:
            cloud.request("GET", VPNS)
        counts.append(len(statements))
    assert counts[0] == counts[1]


# Whose


def test_a_project_sees_its_own_vpns_without_route_targets(cloud: Cloud) -> None:
    """Another project's are not there at all."""
    vpn = cloud.vpn(vni=5)
    mine = cloud.request("GET", f"{VPNS}/{vpn['id']}", project=RED)["bgpvpn"]
    hidden = {"route_targets", "import_targets", "export_targets", "route_distinguishers", "vni"}
    assert not hidden & mine.keys()
    assert {"status", "status_reason", "networks"} <= mine.keys()
    assert cloud.request("GET", f"{VPNS}/{vpn['id']}", project=BLUE).status == 404
    assert cloud.request("GET", VPNS, project=BLUE)["bgpvpns"] == []
    assert len(cloud.request("GET", VPNS, project=RED)["bgpvpns"]) == 1


def test_a_project_may_rename_its_vpn_and_no_more(cloud: Cloud) -> None:
    """Making, deleting and route targets are the operator's."""
    vpn = cloud.vpn()
    path = f"{VPNS}/{vpn['id']}"
    renamed = cloud.request("PUT", path, {"bgpvpn": {"name": "mine"}}, RED)
    assert renamed["bgpvpn"]["name"] == "mine"
    body = {"bgpvpn": {"route_targets": ["64500:2"]}}
    assert cloud.request("PUT", path, body, RED).status == 403
    assert cloud.request("POST", VPNS, {"bgpvpn": {}}, RED).status == 403
    assert cloud.request("DELETE", path, project=RED).status == 403
    assert cloud.request("DELETE", path, project=BLUE).status == 404
    assert cloud.request("PUT", path, {"bgpvpn": {"name": "theirs"}}, BLUE).status == 404


def test_an_operators_association_belongs_to_the_vpns_project(cloud: Cloud) -> None:
    """So the project can see it and delete it."""
    vpn = cloud.vpn()
    made = cloud.made(
        cloud.associate(vpn["id"], cloud.network("10.1.0.0/24"), project=None),
        "network_association",
    )
    assert made["project_id"] == RED
    path = f"{associations(vpn['id'])}/{made['id']}"
    assert cloud.request("GET", path, project=RED).status == 200
    assert cloud.request("GET", path, project=BLUE).status == 404
    assert cloud.request("DELETE", path, project=BLUE).status == 404
    assert cloud.request("DELETE", path, project=RED).status == 204


# Refusals


def refused(answer: Answer, status: int, *words: str) -> None:
    """Check that an answer is a refusal with a sentence that holds some words."""
    assert answer.status == status, answer
    for word in words:
        assert word in answer.sentence
    assert len(answer.sentence.split()) >= 4


def test_what_can_not_be_associated_is_refused_with_a_sentence(cloud: Cloud) -> None:
    """Unknown, foreign, twice, overlapping, behind a router."""
    vpn = cloud.vpn()
    refused(cloud.associate(vpn["id"], NOBODY), 404, "Network", NOBODY)
    refused(cloud.associate(NOBODY, cloud.network()), 404, "BGP VPN", NOBODY)
    theirs = cloud.network("10.9.0.0/24", project=BLUE)
    refused(cloud.associate(vpn["id"], theirs), 404, theirs)
    refused(cloud.associate(vpn["id"], theirs, project=None), 403, "does not belong")
    mine = cloud.network("10.1.0.0/24")
    assert cloud.associate(vpn["id"], mine).status == 201
    refused(cloud.associate(vpn["id"], mine), 409, "already associated")
    refused(cloud.associate(vpn["id"], cloud.network("10.1.0.128/25")), 409, "10.1.0.128/25")
    routed = cloud.network("10.3.0.0/24")
    cloud.route(routed)
    refused(cloud.associate(vpn["id"], routed), 409, "10.3.0.1", "belongs to a router")


def test_the_same_prefix_in_two_vpns_is_no_overlap(cloud: Cloud) -> None:
    """That is what VPNs are for."""
    for project in (RED, BLUE):
        vpn = cloud.vpn(project)
        network_id = cloud.network("10.1.0.0/24", project=project)
        assert cloud.associate(vpn["id"], network_id, project).status == 201


def test_a_subnet_that_would_overlap_later_is_refused(cloud: Cloud) -> None:
    """When it is made, not when it breaks."""
    vpn = cloud.vpn()
    one, other = cloud.network("10.1.0.0/24"), cloud.network("10.2.0.0/24")
    for network_id in (one, other):
        cloud.associate(vpn["id"], network_id)
    refused(cloud.subnet(one, "10.2.0.0/16"), 409, "10.2.0.0/16", other)
    assert cloud.subnet(one, "10.3.0.0/24").status == 201


@pytest.mark.parametrize("kind", ["network", "router", "port"])
def test_nothing_is_associated_that_is_not_there(cloud: Cloud, kind: str) -> None:
    """Neutron's own sentence; and there is none to show, change or delete."""
    vpn = cloud.vpn()
    path = f"{VPNS}/{vpn['id']}/{kind}_associations"
    body = {f"{kind}_association": {f"{kind}_id": NOBODY}}
    refused(cloud.request("POST", path, body, RED), 404, f"{kind.capitalize()} {NOBODY}")
    assert cloud.request("GET", path, project=RED)[f"{kind}_associations"] == []
    for method in ("GET", "DELETE"):
        refused(cloud.request(method, f"{path}/{NOBODY}", project=RED), 404, NOBODY)


def test_a_vpn_of_type_l2_is_refused_clearly(cloud: Cloud) -> None:
    """Until EVPN is carried."""
    body = {"bgpvpn": {"type": "l2", "project_id": RED}}
    refused(cloud.request("POST", VPNS, body), 400, "'l2'")


def test_bulk_creation_makes_all_or_none(cloud: Cloud) -> None:
    """One transaction."""
    body = {"bgpvpns": [{"name": "a", "project_id": RED}, {"name": "b", "type": "l2"}]}
    assert cloud.request("POST", VPNS, body).status == 400
    assert cloud.request("GET", VPNS)["bgpvpns"] == []
    body["bgpvpns"][1]["type"] = "l3"
    made = cloud.request("POST", VPNS, body)["bgpvpns"]
    assert [vpn["name"] for vpn in made] == ["a", "b"]
    one, overlapping = cloud.network("10.1.0.0/24"), cloud.network("10.1.0.0/16")
    both = {"network_associations": [{"network_id": one}, {"network_id": overlapping}]}
    refused(cloud.request("POST", associations(made[0]["id"]), both, RED), 409, "overlaps")
    assert cloud.request("GET", associations(made[0]["id"]))["network_associations"] == []


# Guards


def test_nobody_deletes_or_changes_an_attachment(cloud: Cloud) -> None:
    """Not even an administrator: the association is what to delete."""
    vpn = cloud.vpn()
    cloud.associate(vpn["id"], cloud.network("10.1.0.0/24"))
    cloud.dispatch()
    (port,) = cloud.attachments()
    path = f"/ports/{port['id']}"
    for project in (RED, None):
        refused(cloud.request("DELETE", path, project=project), 409, "Delete the association")
    change: dict[str, Any] = {"port": {"fixed_ips": []}}
    refused(cloud.request("PUT", path, change), 409, "Delete the association")
    assert cloud.attachments() == [port]


def test_a_tenants_port_that_looks_like_an_attachment_is_the_tenants(cloud: Cloud) -> None:
    """Ours are known by our own table, never by owner or device."""
    network_id = cloud.network("10.1.0.0/24")
    body = {
        "network_id": network_id,
        "device_owner": "ovn-lb-hm:distributed",
        "device_id": "ovn-lb-hm-isthmus-x",
    }
    port = cloud.made(cloud.request("POST", "/ports", {"port": body}, RED), "port")
    cloud.check_all()
    assert [found["id"] for found in cloud.attachments()] == [port["id"]]
    assert cloud.request("DELETE", f"/ports/{port['id']}", project=RED).status == 204


def test_a_network_goes_only_after_its_association_and_then_at_once(cloud: Cloud) -> None:
    """The left-over attachment does not hold it up."""
    vpn = cloud.vpn()
    network_id = cloud.network("10.1.0.0/24")
    cloud.associate(vpn["id"], network_id)
    cloud.dispatch()
    subnet_id = cloud.request("GET", f"/subnets?network_id={network_id}")["subnets"][0]["id"]
    refused(cloud.request("DELETE", f"/subnets/{subnet_id}", project=RED), 409, "association")
    refused(cloud.request("DELETE", f"/networks/{network_id}", project=RED), 409, "association")
    cloud.dissociate(vpn["id"])
    assert cloud.request("DELETE", f"/subnets/{subnet_id}", project=RED).status == 204
    assert cloud.request("DELETE", f"/networks/{network_id}", project=RED).status == 204
    cloud.dispatch()
    assert cloud.attachments() == []


def test_a_subnet_that_comes_or_changes_moves_the_attachment(cloud: Cloud) -> None:
    """It has every gateway address, and no other."""
    vpn = cloud.vpn()
    network_id = cloud.network()
    cloud.associate(vpn["id"], network_id)
    cloud.dispatch()
    assert cloud.attachments() == []
    assert "has no subnet yet" in cloud.status(vpn["id"])[1]
    for gateway in ("10.1.0.1", "10.2.0.1", "2001:db8::1"):
        prefix = f"{gateway[:-1]}/64" if ":" in gateway else f"{gateway[:-1]}0/24"
        cloud.subnet(network_id, prefix, gateway_ip=gateway)
    cloud.dispatch()

    def addresses() -> set[str]:
        return {ip["ip_address"] for port in cloud.attachments() for ip in port["fixed_ips"]}

    assert addresses() == {"10.1.0.1", "10.2.0.1", "2001:db8::1"}
    subnets = cloud.request("GET", "/subnets?cidr=10.1.0.0/24")["subnets"]
    moved = {"subnet": {"gateway_ip": None}}
    assert cloud.request("PUT", f"/subnets/{subnets[0]['id']}", moved, RED).status == 200
    cloud.dispatch()
    assert addresses() == {"10.2.0.1", "2001:db8::1"}


def test_a_gateway_address_taken_meanwhile_is_an_error_until_it_is_free(cloud: Cloud) -> None:
    """The tenant reads which address, and it mends itself."""
    from isthmus.model.errors import IntentConflict

    vpn = cloud.vpn()
    network_id = cloud.network("10.1.0.0/24")
    cloud.associate(vpn["id"], network_id)
    body = {"network_id": network_id, "fixed_ips": [{"ip_address": "10.1.0.1"}]}
    thief = cloud.made(cloud.request("POST", "/ports", {"port": body}, RED), "port")
    with pytest.raises(IntentConflict, match=r"10\.1\.0\.1.*in use by another port") as refusal:
        cloud.dispatch()
    cloud.refuse(vpn["id"], refusal.value)
    status, reason = cloud.status(vpn["id"], project=RED)
    assert status == "ERROR"
    assert "10.1.0.1" in reason
    cloud.request("DELETE", f"/ports/{thief['id']}")
    cloud.dispatch()
    assert cloud.status(vpn["id"]) == ("ACTIVE", "")


@pytest.mark.parametrize("path", [f"{VPNS}/new", f"{VPNS}/{NOBODY}/edit"])
def test_forms_that_routers_offer_are_not_found(cloud: Cloud, path: str) -> None:
    """Neutron's router has paths for them, and nothing behind."""
    assert cloud.request("GET", path).status == 404


# Anything at all

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.text(st.characters(), max_size=12)
    | st.sampled_from(["64500:1", "l3", "l2", "x" * 300, "\ud800", "1e400", NOBODY]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner),
    max_leaves=6,
)
ATTRIBUTES = (
    *("name", "type", "route_targets", "import_targets", "export_targets", "vni", "status"),
    *("route_distinguishers", "project_id", "tenant_id", "networks", "id", "local_pref"),
)
bodies = st.dictionaries(st.sampled_from(ATTRIBUTES) | st.text(max_size=5), json_values, max_size=3)
anything = settings(
    max_examples=80,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def never_500(answer: Answer, seen: object) -> None:
    """Check that an answer is no 5xx, and a refusal says why."""
    assert answer.status < 500, (seen, answer)
    if answer.status >= 400:
        assert answer.sentence, (seen, answer)


@anything
@given(body=bodies)
@example(body={"vni": float("inf")})
@example(body={"vni": True})
@example(body={"route_targets": [1]})
@example(body={"route_targets": [{"64500": 1}]})
@example(body={"name": "\ud800"})
@example(body={"name": "a\0b"})
@example(body={"project_id": "a\0b"})
@example(body={"project_id": None})
@example(body={"type": []})
def test_no_creation_of_a_vpn_is_answered_with_500(cloud: Cloud, body: dict[str, Any]) -> None:
    """Whatever JSON its attributes are."""
    never_500(cloud.request("POST", VPNS, {"bgpvpn": body}), body)


@anything
@given(body=bodies)
def test_no_change_of_a_vpn_is_answered_with_500(cloud: Cloud, body: dict[str, Any]) -> None:
    """Whatever JSON its attributes are."""
    vpn = cloud.request("GET", VPNS)["bgpvpns"] or [cloud.vpn()]
    never_500(cloud.request("PUT", f"{VPNS}/{vpn[0]['id']}", {"bgpvpn": body}), body)


@anything
@given(
    body=st.dictionaries(
        st.sampled_from(["network_id", "project_id", "id", "status"]), json_values, max_size=3
    )
)
def test_no_association_is_answered_with_500(cloud: Cloud, body: dict[str, Any]) -> None:
    """Whatever JSON its attributes are; made, changed, and of a router too."""
    vpn = cloud.request("GET", VPNS)["bgpvpns"] or [cloud.vpn()]
    path = f"{VPNS}/{vpn[0]['id']}"
    for kind in ("network", "router"):
        inner = {f"{kind}_association": body}
        for project in (RED, None):
            never_500(cloud.request("POST", f"{path}/{kind}_associations", inner, project), body)
        never_500(cloud.request("PUT", f"{path}/{kind}_associations/{NOBODY}", inner, RED), body)


@anything
@given(body=json_values)
def test_no_body_is_answered_with_500(cloud: Cloud, body: object) -> None:
    """Whatever JSON the whole of it is."""
    vpn = cloud.request("GET", VPNS)["bgpvpns"] or [cloud.vpn()]
    for wrap in (lambda b: b, lambda b: {"bgpvpn": b}, lambda b: {"bgpvpns": b}):
        wrapped: Callable[[object], object] = wrap
        never_500(cloud.request("POST", VPNS, wrapped(body)), body)
        never_500(cloud.request("PUT", f"{VPNS}/{vpn[0]['id']}", wrapped(body)), body)


@anything
@given(
    query=st.dictionaries(
        st.sampled_from([*ATTRIBUTES, "fields", "sort_key", "sort_dir", "limit", "marker"]),
        st.text(max_size=8) | st.sampled_from(["name", "status", "10", "asc", NOBODY]),
        max_size=3,
    )
)
def test_no_query_is_answered_with_500(cloud: Cloud, query: dict[str, str]) -> None:
    """Whatever it filters, sorts and pages by."""
    if not cloud.request("GET", VPNS)["bgpvpns"]:
        cloud.vpn()
    never_500(cloud.request("GET", VPNS, query=query), query)
