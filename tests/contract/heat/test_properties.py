# SPDX-License-Identifier: Apache-2.0
"""Each property of each resource is changed, through a real Heat, and bad values are refused.

What becomes of each is in a table (`tests.contract.heat.rows`); a property that is not, fails.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import pytest

from tests.contract.heat.rows import ROWS, Outcome
from tests.fakes import compute
from tests.fakes.compute_ports import OfNeutron
from tests.fakes.compute_servers import IMAGES

if TYPE_CHECKING:
    from tests.cloud import Cloud
    from tests.fakes.compute import Compute
    from tests.stacks import Heat, Stack
    from tests.vtn_site import Region

# Heat takes a loaded machine a while to start.
pytestmark = pytest.mark.timeout(900)

RED, OPERATOR, OPERATORS = "red-project", "operator", "operators"
VPNS, VTNS = "/bgpvpn/bgpvpns", "/vtn/virtual_tenant_networks"
KINDS = sorted(ROWS)


@pytest.fixture
def heat(heat: Heat) -> Heat:
    """Heat, as the operator uses it, who may give everything."""
    return heat.by(OPERATOR)


@pytest.fixture
def computes(west: Region, heat: Heat) -> Iterator[dict[str, Compute]]:
    """The compute APIs of both regions; the own one's servers are on ports of Neutron."""
    from tests.vtn_site import Peer, exchange, introduce

    introduce(west)
    peer = Peer("east")
    heat.served.always = lambda: exchange(west, peer)
    before = dict(heat.served.elsewhere)
    with compute.serve("west") as here, compute.serve("east") as there:
        here.ports = OfNeutron(heat.served.url, OPERATORS, OPERATOR)
        places = here.endpoints | there.endpoints
        heat.served.elsewhere |= places | {("network", "east"): heat.served.url}
        yield {"west": here, "east": there}
        heat.served.elsewhere.clear()
        heat.served.elsewhere |= before


@pytest.fixture
def world(cloud: Cloud, heat: Heat, computes: dict[str, Compute]) -> None:
    """What the table calls by its name."""

    def make(word: str, project: str, **attributes: Any) -> dict[str, Any]:
        path = VTNS if word == "virtual_tenant_network" else f"/{word.replace('_', '-')}s"
        return cloud.made(cloud.request("POST", path, {word: attributes}, project), word)

    for number, name in enumerate(("red", "other", "third")):
        cloud.vpn(name=name, route_targets=[f"64500:{number + 90}"])
    anywhere = [{"ip_address": "0.0.0.0/0"}]
    for n in (1, 2):
        network = cloud.network(f"10.{n}.0.0/24", name=f"network-{n}")
        make("router", RED, name=f"router-{n}")
        make("port", RED, name=f"port-{n}", network_id=network, allowed_address_pairs=anywhere)
    cloud.network("192.0.2.0/24", name="admin", project=OPERATORS)
    for name in ("inside", "outside"):
        make("security_group", OPERATORS, name=name)
    for name, prefix in (("shop", "10.0.0.0/16"), ("store", "10.99.0.0/16")):
        make(
            "virtual_tenant_network",
            OPERATORS,
            name=name,
            prefixes=[prefix],
            members=["west", "east"],
        )
    heat.served.work()
    (shop,) = cloud.request("GET", f"{VTNS}?name=shop")["virtual_tenant_networks"]
    make("port", OPERATORS, name="spare", network_id=shop["network_id"])


def template(kind: str, properties: Mapping[str, Any]) -> str:
    """Return a template with one resource."""
    given = {name: value for name, value in properties.items() if value is not None}
    thing = {"type": kind, "properties": given}
    return json.dumps({"heat_template_version": "2021-04-16", "resources": {"thing": thing}})


def firsts(kind: str) -> dict[str, Any]:
    """Return what each property is at first."""
    return {name: row.first for name, row in ROWS[kind].items()}


def physical_id(heat: Heat, stack: str) -> str:
    """Return the id of what the resource is."""
    return str(heat.resources(stack)["thing"]["physical_resource_id"])


def called(kind: str) -> str:
    """Return what the stack is called that a resource of a type is in."""
    return kind.rpartition(":")[2]


def known_of(
    kind: str, cloud: Cloud, heat: Heat, computes: Mapping[str, Compute]
) -> Mapping[str, Any]:
    """Return all that is known of the resource."""
    found, path = physical_id(heat, called(kind)), heat.path(called(kind))
    events = heat.ask("GET", f"{path}/events?sort_dir=desc").json()["events"]
    # What is replaced is deleted afterwards, under the same name.
    last = next(each for each in events if each["physical_resource_id"] == found)
    shown = heat.ask("GET", f"{path}/resources/thing/events/{last['id']}")
    known: dict[str, Any] = {"properties": shown.json()["event"]["resource_properties"]}
    if kind.startswith("OS::Isthmus::Interconnected"):
        return known | servers_of(cloud, computes)
    if kind == "OS::Isthmus::VirtualTenantNetwork":
        return {**known, **cloud.request("GET", f"{VTNS}/{found}")["virtual_tenant_network"]}
    if kind == "OS::Neutron::BGPVPN":
        return {**known, **cloud.request("GET", f"{VPNS}/{found}")["bgpvpn"]}
    return known | association_of(cloud, kind, found)


def association_of(cloud: Cloud, kind: str, found: str) -> dict[str, Any]:
    """Return an association with the names of its VPN and its target."""
    word = {"NET": "network", "ROUTER": "router", "PORT": "port"}[kind.split("-")[1]]
    for vpn in cloud.request("GET", VPNS)["bgpvpns"]:
        path = f"{VPNS}/{vpn['id']}/{word}_associations/{found}"
        answer = cloud.request("GET", path)
        if answer.status == 200:
            shown = dict(answer[f"{word}_association"])
            target = cloud.request("GET", f"/{word}s/{shown[f'{word}_id']}")[word]
            return shown | {"vpn": vpn["name"], "target": target["name"]}
    raise AssertionError(f"{found} is with no VPN")


def servers_of(cloud: Cloud, computes: Mapping[str, Compute]) -> dict[str, Any]:
    """Return a server, the last that was made, by what it is called there."""
    made = [
        (name, region, each) for name, region in computes.items() for each in region.made.values()
    ]
    site, region, server = max(made, key=lambda one: (one[0] == "west", one[2].number))
    ports = {each["id"]: each for each in cloud.request("GET", "/ports")["ports"]}
    plugged = [ports[e["port_id"]] for e in server.interfaces if e["port_id"] in ports]
    groups = {
        e["id"]: e["name"] for e in cloud.request("GET", "/security-groups")["security_groups"]
    }
    images = {each["id"]: each["name"] for each in IMAGES}
    return {
        **server.shown,
        "site": site,
        "count": len(made),
        "sites": sorted({name for name, _, _ in made}),
        "asked": region.bodies[-1],
        "told": server.told[-1],
        "image": images[server.shown["image"]["id"]],
        "networks": [each["label"] for each in server.interfaces],
        "ports": [each["name"] for each in plugged],
        "groups": sorted({groups[one] for each in plugged for one in each["security_groups"]}),
        "first_address": server.interfaces[0]["fixed_ips"][0]["ip_address"],
    }


def check(kind: str, name: str, known: Mapping[str, Any]) -> None:
    """See that a property is what it was changed to."""
    row = ROWS[kind][name]
    found = row.read(known) if row.read else known[name]
    if isinstance(found, list) and row.read is None:
        found, expected = sorted(found), sorted(row.expected)
    else:
        expected = row.expected
    assert found == expected, name


@pytest.mark.parametrize("kind", KINDS)
def test_every_property_is_in_the_table_with_what_it_may_not_be(heat: Heat, kind: str) -> None:
    """As Heat tells of them: nobody adds one without saying how it is changed."""
    schema = heat.schema(kind)["properties"]
    assert set(schema) == set(ROWS[kind])
    for name, told in schema.items():
        row = ROWS[kind][name]
        if row.outcome is not Outcome.REFUSED:
            is_changed = row.outcome in (Outcome.KEPT, Outcome.BY_POLICY) or kind.endswith("Group")
            assert told["update_allowed"] == is_changed, name
        assert len(row.bad) >= constraints_of(told), name


def constraints_of(told: Mapping[str, Any]) -> int:
    """Return how many constraints a property has, with those of what is in it."""
    nested = told.get("schema") or {}
    own = [each for each in told.get("constraints") or () if each]
    return len(own) + sum(constraints_of(each) for each in nested.values())


def go_on(heat: Heat, wanted: str, stack: Stack) -> Stack:
    """Ask again where a machine under load was too slow, for this Heat's SQLite or a request."""
    for _ in range(3):
        if not any(each in stack.reason for each in ("database is locked", "does not answer")):
            break
        stack = heat.update(stack.name, wanted)
    return stack


@pytest.mark.parametrize("kind", KINDS)
def test_every_property_is_changed(
    cloud: Cloud, world: None, heat: Heat, computes: dict[str, Compute], kind: str
) -> None:
    """In place, all at once or one after the other; or another is made in its place."""
    rows, given, stack_name = ROWS[kind], firsts(kind), called(kind)
    by_outcome = {
        outcome: [name for name, row in rows.items() if row.outcome is outcome]
        for outcome in Outcome
    }
    kept = by_outcome[Outcome.KEPT]
    anew = [*by_outcome[Outcome.BY_POLICY], *by_outcome[Outcome.ANEW]]
    if kind.endswith("Group"):
        # It is its servers that are made anew.
        kept, anew = [*kept, *anew], []

    def change(*names: str) -> Mapping[str, Any]:
        for name in names:
            given.update({**rows[name].beside, name: rows[name].second})
        stack = go_on(heat, template(kind, given), heat.update(stack_name, template(kind, given)))
        assert stack.state == "UPDATE_COMPLETE", (names, stack.reason)
        known = known_of(kind, cloud, heat, computes)
        for name in names:
            check(kind, name, known)
        return known

    stack = heat.create(stack_name, template(kind, given))
    stack = go_on(heat, template(kind, given), stack)
    assert stack.state.endswith("_COMPLETE"), stack.reason
    made = physical_id(heat, stack_name)
    change(*(name for name in kept if not rows[name].is_alone))
    for name in kept:
        if rows[name].is_alone:
            change(name)
    assert physical_id(heat, stack_name) == made
    for name in anew:
        change(name)
        assert physical_id(heat, stack_name) != made, name
        made = physical_id(heat, stack_name)
    heat.delete(stack_name)


@pytest.mark.parametrize("kind", KINDS)
def test_every_bad_value_is_refused_before_anything_is_made(
    world: None, heat: Heat, kind: str
) -> None:
    """By the schema, by constraints, by what the resource checks itself."""
    for name, row in ROWS[kind].items():
        for value, sentence in row.bad:
            refused = heat.refused("bad", template(kind, firsts(kind) | {name: value}))
            assert sentence in refused, name


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        (kind, name)
        for kind in KINDS
        for name, row in ROWS[kind].items()
        if row.outcome is Outcome.REFUSED
    ],
)
def test_what_the_api_refuses_fails_the_stack_in_its_words(
    world: None, heat: Heat, kind: str, name: str
) -> None:
    """For what it does not support yet, or the operator has not given."""
    row = ROWS[kind][name]
    stack = heat.create("refused", template(kind, firsts(kind) | {name: row.second}))
    assert stack.state == "CREATE_FAILED"
    assert row.read is not None
    assert row.read({}) in stack.reason
    heat.delete("refused")
