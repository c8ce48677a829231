# SPDX-License-Identifier: Apache-2.0
"""The whole API as administrator, owner, reader and another tenant: nobody sees or does too much.

Requests are made up from the API's own definitions, so that an attribute or a kind of association
that comes is covered without a word here. ``--hypothesis-profile deep`` tries a hundred times as
many.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from docs.generate.collections import Collection, read_collections

if TYPE_CHECKING:
    from tests.access import Access
    from tests.cloud import Answer, Cloud

RED, BLUE = "red-project", "blue-project"
WHO = {
    "administrator": ("operators", ("admin", "manager", "member", "reader")),
    "manager": (RED, ("manager", "member", "reader")),
    "owner": (RED, ("member", "reader")),
    "reader": (RED, ("reader",)),
    "other": (BLUE, ("member", "reader")),
}
PREFIX = "/bgpvpn"
COLLECTIONS = {each.name: each for each in read_collections() if each.prefix == PREFIX}
ROOT = "bgpvpns"
# verb → method, and the verb of the rule
TAGGING = {
    "tags": ("GET", "get"),
    "tag": ("PUT", "update"),
    "tag more": ("POST", "create"),
    "untag": ("DELETE", "delete"),
}
METHODS = {"create": "POST", "update": "PUT", "delete": "DELETE"}
DEEP = settings.get_current_profile_name() == "deep"


@dataclass(frozen=True)
class Call:
    """A request, with items by number: which there are is known when it is sent."""

    who: str
    verb: str
    collection: str
    vpn: int
    item: int
    body: Mapping[str, Any] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class One:
    """Stands for the id of one of what there is."""

    what: str
    number: int


NUMBERS = st.integers(0, 5)
TARGETS = st.lists(st.sampled_from([f"64500:{n}" for n in range(6)]), max_size=3)
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "project_id": st.sampled_from([RED, BLUE]),
    "tenant_id": st.sampled_from([RED, BLUE]),
    "type": st.just("l3"),
    "network_id": st.builds(One, st.just("network"), NUMBERS),
    "router_id": st.builds(One, st.just("router"), NUMBERS),
    "port_id": st.builds(One, st.just("port"), NUMBERS),
    "routes": st.lists(
        st.fixed_dictionaries(
            {"type": st.just("prefix"), "prefix": st.sampled_from(["198.51.100.0/24", "::/0"])}
        ),
        max_size=2,
    ),
}
KINDS: dict[str, st.SearchStrategy[Any]] = {
    "type:list_of_regex_or_none": TARGETS,
    "type:boolean": st.booleans(),
    "type:range_or_none": st.none() | st.integers(0, 300),
    "type:range": st.integers(0, 300),
    "type:uuid": st.builds(One, st.just("vpn"), NUMBERS),
}
TEXT = st.sampled_from(["", "a", "red"])


def value_of(name: str, attribute: Mapping[str, Any]) -> st.SearchStrategy[Any]:
    """Return what may be said of an attribute, mostly sense."""
    if name in VALUES:
        return VALUES[name]
    if isinstance(attribute.get("default"), bool):
        return st.booleans()
    for kind in attribute.get("validate") or ():
        if kind in KINDS:
            return KINDS[kind]
    return TEXT


def bodies(collection: Collection, verb: str) -> st.SearchStrategy[Any]:
    """Return bodies with what may be given, seldom with what may not."""
    may = f"allow_{'post' if verb == 'create' else 'put'}"
    given_ = {n: value_of(n, a) for n, a in collection.attributes.items() if a.get(may)}
    given_.pop("tenant_id", None)  # at odds with project_id it is refused before anything else
    needed = {name for name in given_ if name in ("network_id", "router_id", "port_id")}
    fine = st.fixed_dictionaries(
        {name: given_[name] for name in sorted(needed)},
        optional={name: given_[name] for name in sorted(set(given_) - needed)},
    )
    odd = st.dictionaries(st.sampled_from(sorted(collection.attributes)), TEXT, max_size=2)
    return st.one_of(fine, fine, fine, odd)


def queries(collection: Collection) -> st.SearchStrategy[Any]:
    """Return what a list may be asked for."""
    names = sorted(collection.attributes)
    keys = [name for name in names if collection.attributes[name].get("is_sort_key")]
    may = {"fields": st.sampled_from(names), "sort_key": st.sampled_from(keys or ["id"])}
    if "name" in names:
        may["name"] = TEXT
    return st.fixed_dictionaries({}, optional={**may, "limit": st.just("1")})


@st.composite
def calls(draw: st.DrawFn) -> Call:
    """Make up one request."""
    collection = COLLECTIONS[draw(st.sampled_from(sorted(COLLECTIONS)))]
    verbs = ["create", "update", "delete", "show", "list"]
    verb = draw(st.sampled_from(verbs if collection.parent else [*verbs, *TAGGING]))
    body = draw(bodies(collection, verb)) if verb in ("create", "update") else {}
    query = draw(queries(collection)) if verb == "list" else {}
    who = draw(st.sampled_from(sorted(WHO)))
    return Call(who, verb, collection.name, draw(NUMBERS), draw(NUMBERS), body, query)


class Region:
    """A region with something in it for each project; it judges every answer."""

    def __init__(self, cloud: Cloud, access: Access) -> None:
        from tests.cloud import Caller

        self.cloud, self.access = cloud, access
        self.callers = {name: Caller(*who) for name, who in WHO.items()}
        self.ids: dict[str, list[str]] = {"network": [], "router": [], "port": []}
        for project, octet in ((RED, 1), (BLUE, 2)):
            for third in (octet, octet + 10):
                network = cloud.network(f"10.{third}.0.0/24", project=project)
                self.ids["network"].append(network)
            body = {"port": {"network_id": network}}
            self._keep("port", cloud.request("POST", "/ports", body, project))
            self._keep("router", cloud.request("POST", "/routers", {"router": {}}, project))

    def _keep(self, what: str, answer: Answer) -> None:
        self.ids[what].append(self.cloud.made(answer, what)["id"])

    def reset(self) -> None:
        """Forget all VPNs, and make one for each project with a network in it."""
        self.cloud.empty_ours()
        for number, project in enumerate((RED, BLUE)):
            vpn = self.cloud.vpn(project, name=project, route_targets=[f"64500:{number}"])
            self.cloud.associate(vpn["id"], self.ids["network"][number * 2], project)

    def vpns(self) -> list[dict[str, Any]]:
        """Return every VPN, as the administrator sees it."""
        vpns: list[dict[str, Any]] = self.cloud.request("GET", f"/bgpvpn/{ROOT}")[ROOT]
        return vpns

    def judge(self, call: Call) -> None:
        """Send a request and hold its answer against the policies."""
        collection, caller = COLLECTIONS[call.collection], self.callers[call.who]
        vpns = self.vpns()
        vpn = vpns[call.vpn % len(vpns)] if vpns else {"id": "none", "project_id": RED}
        path = collection.path.format(bgpvpn_id=vpn["id"])
        there = vpns if not collection.parent else self.cloud.request("GET", path)[collection.name]
        item = there[call.item % len(there)] if there else {"id": "none", "project_id": BLUE}
        before = self.cloud.rows()
        body = {collection.member: self._filled(call.body, vpns)}
        answer = self._send(call, path, item["id"], body)
        assert answer.status < 500, (call, answer)
        if answer.status >= 400:
            assert answer.sentence, (call, answer)
            assert self.cloud.rows() == before, f"a refused request changed something: {call}"
            return
        if call.verb in TAGGING:
            rule = f"{TAGGING[call.verb][1]}_bgpvpn:tags"
            assert self.access.may_with(caller, "get_bgpvpn", item, ()), f"tagged: {call}"
            assert self.access.may(caller, rule, item), f"tagged: {call}"
            return
        if call.verb in METHODS:
            target = {"project_id": caller.project, **body[collection.member]}
            given_ = {name for name in body[collection.member] if name != "tenant_id"}
            rule = f"{call.verb}_{collection.policy_name}"
            target = target if call.verb == "create" else item
            assert self.access.may_with(caller, rule, target, given_), f"allowed: {call}"
            if collection.parent and call.verb == "create":
                assert self.access.may(caller, "get_bgpvpn", vpn), f"in a foreign VPN: {call}"
            there = [*there, *([answer[collection.member]] if call.verb == "create" else [])]
        shown = answer.body.get(collection.name) or [answer.body.get(collection.member)]
        for each in filter(None, shown):
            self._judge_view(call, each, there)
        if call.verb == "list" and not call.query and not collection.parent:
            rule = f"get_{collection.policy_name}"
            mine = {each["id"] for each in there if self.access.may(caller, rule, each)}
            assert {each["id"] for each in shown} == mine, (call, shown)

    def _send(self, call: Call, path: str, item_id: str, body: Mapping[str, Any]) -> Answer:
        caller = self.callers[call.who]
        if call.verb in TAGGING:
            method, _ = TAGGING[call.verb]
            tags: dict[str, Any] = {"body": {"tags": ["gold"]}} if method in ("PUT", "POST") else {}
            return self.cloud.request(method, f"{path}/{item_id}/tags", project=caller, **tags)
        method = METHODS.get(call.verb, "GET")
        more: dict[str, Any] = {"body": body} if method in ("POST", "PUT") else {}
        if call.verb == "list":
            more["query"] = call.query
        elif call.verb != "create":
            path = f"{path}/{item_id}"
        return self.cloud.request(method, path, project=caller, **more)

    def _judge_view(
        self, call: Call, shown: Mapping[str, Any], there: list[dict[str, Any]]
    ) -> None:
        kind, caller = COLLECTIONS[call.collection].policy_name, self.callers[call.who]
        known = {each["id"]: each for each in there}
        for whole in [known[shown["id"]]] if "id" in shown else list(known.values())[:1]:
            seen = {**whole, **shown}
            if "id" in shown:
                assert self.access.may(caller, f"get_{kind}", seen), f"shown: {call} {shown}"
            hidden = self.access.hidden(caller, kind, seen) & shown.keys()
            assert not hidden, f"shown to {caller}: {hidden} by {call}"

    def _filled(self, value: Any, vpns: list[dict[str, Any]]) -> Any:
        if isinstance(value, One):
            ids = self.ids.get(value.what) or [vpn["id"] for vpn in vpns] or ["none"]
            return ids[value.number % len(ids)]
        if isinstance(value, Mapping):
            return {name: self._filled(each, vpns) for name, each in value.items()}
        return value


@pytest.fixture
def region(cloud: Cloud) -> Region:
    """A region with networks, routers and ports of both projects."""
    from tests.access import Access

    return Region(cloud, Access())


@settings(
    max_examples=6000 if DEEP else 40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(story=st.lists(calls(), min_size=1, max_size=8))
@pytest.mark.timeout(7200 if DEEP else 120)
def test_nobody_sees_or_does_what_policy_denies(region: Region, story: list[Call]) -> None:
    """Whatever is asked, in whatever order; and a refusal changes nothing and says why."""
    region.reset()
    for call in story:
        region.judge(call)


LIST = Call("owner", "list", ROOT, 0, 0)


@pytest.mark.parametrize(
    ("rule", "call", "complaint"),
    [
        ("get_bgpvpn:status", LIST, "shown to"),
        ("get_bgpvpn", Call("owner", "show", ROOT, 0, 0), "shown"),
        ("update_bgpvpn", Call("owner", "update", ROOT, 0, 0, {"name": "mine"}), "allowed"),
        ("update_bgpvpn:name", Call("owner", "update", ROOT, 0, 0, {"name": "a"}), "allowed"),
        (
            "create_bgpvpn_network_association",
            Call(
                "owner", "create", "network_associations", 0, 0, {"network_id": One("network", 1)}
            ),
            "allowed",
        ),
    ],
)
def test_what_a_stricter_policy_denies_is_noticed(
    cloud: Cloud, rule: str, call: Call, complaint: str
) -> None:
    """The judge itself is judged: Neutron allows what these rules would not."""
    from tests.access import Access

    region = Region(cloud, Access({rule: "rule:admin_only"}))
    region.cloud.vpn(RED)
    with pytest.raises(AssertionError, match=complaint):
        region.judge(call)


@pytest.mark.parametrize(
    ("who", "statuses"),
    [
        ("administrator", (201, 200, 201, 204, 204)),
        ("manager", (403, 200, 201, 204, 403)),
        ("owner", (403, 200, 201, 204, 403)),
        ("reader", (403, 403, 403, 403, 403)),
        ("other", (403, 404, 404, 404, 404)),
    ],
)
def test_who_may_do_what(cloud: Cloud, who: str, statuses: tuple[int, ...]) -> None:
    """Written out: make a VPN, rename it, put a network into it, take it out, delete the VPN."""
    from tests.cloud import Caller

    caller = Caller(*WHO[who])
    vpn = cloud.vpn(RED)
    path = f"/bgpvpn/{ROOT}/{vpn['id']}"
    associations = f"{path}/network_associations"
    network, other = cloud.network("10.1.0.0/24"), cloud.network("10.2.0.0/24")
    made = cloud.associate(vpn["id"], other)["network_association"]
    answers = (
        cloud.request("POST", f"/bgpvpn/{ROOT}", {"bgpvpn": {}}, caller),
        cloud.request("PUT", path, {"bgpvpn": {"name": "mine"}}, caller),
        cloud.request(
            "POST", associations, {"network_association": {"network_id": network}}, caller
        ),
        cloud.request("DELETE", f"{associations}/{made['id']}", project=caller),
        cloud.request("DELETE", path, project=caller),
    )
    assert tuple(answer.status for answer in answers) == statuses
    for answer in answers:
        assert answer.status < 400 or answer.sentence
