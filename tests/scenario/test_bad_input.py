# SPDX-License-Identifier: Apache-2.0
"""Whatever is asked for, the answer is a 4xx with a sentence its reader understands."""

from __future__ import annotations

import re
import uuid
from collections.abc import Callable, Iterator
from ipaddress import IPv4Network

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lab.demo.cloud import Cloud, RequestRefused
from lab.demo.stage import Stage

VPN = "bad-input"
#: What a route target must not look like (RFC 4360 §4, RFC 4364 §4.2, RFC 5668 §2).
MALFORMED = [
    "", " ", ":", "64500", "64500:", ":1", "64500:1:1", "64500;1", "a:b", "64500:one",
    "-1:1", "64500:-1", "64500:1 ", " 64500:1", "64500:1\n", "64500:4294967296", "4294967296:1",
    "65536:65536", "192.0.2.1:65536", "192.0.2.256:1", "192.0.2:1", "192.0.2.1.1:1", "1.5:1",
    "64500.1:1", "0x10:1", "٣:1", "64500:1,64500:2", "2001:db8::1:1", None, 1, 1.5, True, {},
    [], {"64500": 1}, ["64500:1"],
]  # fmt: skip
#: Equipment and numbers a tenant has no business with.
INTERNAL = re.compile(
    r"192\.0\.2\.|west-\d|east-\d|Traceback|SQL|isthmus_|\{|HTTP \d", re.IGNORECASE
)


@pytest.fixture
def operator(stage: Stage) -> Cloud:
    """The operator of the west."""
    return stage.cloud("west")


@pytest.fixture
def red(stage: Stage) -> Cloud:
    """The tenant red in the west."""
    return stage.cloud("west", "red")


@pytest.fixture
def vpn_id(operator: Cloud, networks: object) -> Iterator[str]:
    """A VPN of red's that nothing is in. Gone before the networks that a test puts into it."""
    made = operator.create_vpn(VPN, operator.project_id_of("red"), route_targets=["64500:666"])
    yield made
    operator.delete_vpn(made)


@pytest.fixture
def networks(red: Cloud) -> Iterator[Callable[[str], str]]:
    """Makes networks of red with one subnet each."""
    made: list[str] = []

    def make(prefix: str) -> str:
        made.append(red.ensure_network(f"{VPN}-{len(made)}", IPv4Network(prefix)))
        return made[-1]

    yield make
    for network_id in made:
        red.network.delete_network(network_id)


def refusal(call: Callable[[], object]) -> RequestRefused:
    """Call and return the refusal, which is a 4xx with a sentence without internal matters."""
    with pytest.raises(RequestRefused) as refused:
        call()
    answer = refused.value
    assert 400 <= answer.status < 500, answer
    assert len(answer.message.split()) >= 4, f"no sentence: {answer.message!r}"
    assert not INTERNAL.search(answer.message), answer.message
    return answer


def answer_of(cloud: Cloud, method: str, path: str, body: object) -> tuple[int, object]:
    """Status and body of whatever comes back."""
    try:
        return 200, cloud.call(method, path, body)
    except RequestRefused as refused:
        return refused.status, refused.message


def made_id(answer: object) -> str:
    """The id of what a POST has made."""
    assert isinstance(answer, dict)
    return str(answer["bgpvpn"]["id"])


@pytest.mark.parametrize(
    "attribute", ["route_targets", "import_targets", "export_targets", "route_distinguishers"]
)
def test_every_malformed_route_target_is_refused_and_shown(
    operator: Cloud, vpn_id: str, attribute: str
) -> None:
    """In every list, when a VPN is made and when it is changed."""
    wrong = []
    for value in MALFORMED:
        body = {"bgpvpn": {"name": VPN, attribute: ["64500:1", value]}}
        for method, path in (("POST", ""), ("PUT", f"/{vpn_id}")):
            status, answer = answer_of(operator, method, f"/bgpvpn/bgpvpns{path}", body)
            if status != 400 or str(value).strip() not in str(answer):
                wrong.append((method, value, status, answer))
            if status == 200 and method == "POST":
                operator.call("DELETE", f"/bgpvpn/bgpvpns/{made_id(answer)}")
    assert wrong == []


def test_an_unknown_network_is_refused(red: Cloud, vpn_id: str) -> None:
    """404, and the sentence names the network."""
    unknown = str(uuid.uuid4())
    answer = refusal(lambda: red.associate(vpn_id, unknown))
    assert answer.status == 404
    assert unknown in answer.message


def test_a_network_of_another_tenant_is_refused_as_if_it_did_not_exist(
    stage: Stage, red: Cloud, vpn_id: str
) -> None:
    """Nobody learns from the answer whether the network exists."""
    foreign = stage.cloud("west", "blue").network_id("blue")
    unknown = str(uuid.uuid4())
    answer = refusal(lambda: red.associate(vpn_id, foreign))
    other = refusal(lambda: red.associate(vpn_id, unknown))
    assert answer.status == other.status == 404
    assert answer.message.replace(foreign, "") == other.message.replace(unknown, "")


def test_a_vpn_of_another_tenant_is_refused_as_if_it_did_not_exist(
    stage: Stage, vpn_id: str
) -> None:
    """Blue can't put its network into red's VPN, nor see that there is one."""
    blue = stage.cloud("west", "blue")
    assert refusal(lambda: blue.associate(vpn_id, blue.network_id("blue"))).status == 404
    assert refusal(lambda: blue.call("GET", f"/bgpvpn/bgpvpns/{vpn_id}")).status == 404


def test_associating_a_network_twice_is_refused(
    red: Cloud, vpn_id: str, networks: Callable[[str], str]
) -> None:
    """409, also to the second of the same request."""
    network = networks("10.77.0.0/24")
    red.associate(vpn_id, network)
    assert refusal(lambda: red.associate(vpn_id, network)).status == 409
    assert len(red.associations(vpn_id)) == 1


@pytest.mark.parametrize("other", ["10.77.0.0/24", "10.77.0.128/25", "10.76.0.0/15"])
def test_associating_a_network_whose_subnet_overlaps_another_is_refused(
    red: Cloud, vpn_id: str, networks: Callable[[str], str], other: str
) -> None:
    """In one VPN and region an address leads to one place; the sentence names the prefixes."""
    red.associate(vpn_id, networks("10.77.0.0/24"))
    answer = refusal(lambda: red.associate(vpn_id, networks(other)))
    assert answer.status == 409
    assert other in answer.message or "10.77.0.0/24" in answer.message


def test_a_tenant_may_not_make_a_vpn_or_see_route_targets(red: Cloud, vpn_id: str) -> None:
    """Route targets are the operator's (RFC 4364 §4.3.1): a tenant could join any VPN by them."""
    body = {"bgpvpn": {"name": VPN, "route_targets": ["64500:102"]}}
    assert refusal(lambda: red.call("POST", "/bgpvpn/bgpvpns", body)).status == 403
    assert refusal(lambda: red.call("PUT", f"/bgpvpn/bgpvpns/{vpn_id}", body)).status == 403
    shown = red.call("GET", f"/bgpvpn/bgpvpns/{vpn_id}")["bgpvpn"]
    assert not [key for key in shown if key.endswith("_targets") and shown[key]]


def test_router_and_port_associations_say_that_they_are_not_served(red: Cloud, vpn_id: str) -> None:
    """They have their own issues; until then the answer is a 4xx."""
    for kind in ("router", "port"):
        path = f"/bgpvpn/bgpvpns/{vpn_id}/{kind}_associations"
        body = {f"{kind}_association": {f"{kind}_id": str(uuid.uuid4())}}
        with pytest.raises(RequestRefused) as refused:
            red.call("POST", path, body)
        assert 400 <= refused.value.status < 500


def test_a_layer_2_vpn_is_refused(operator: Cloud) -> None:
    """Until it is carried."""
    body = {"bgpvpn": {"name": VPN, "type": "l2"}}
    refusal(lambda: operator.call("POST", "/bgpvpn/bgpvpns", body))


TEXT = st.text(max_size=20)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=6,
)
NUMBER = st.integers(-1, 2**32 + 1)
TARGET = st.builds(lambda a, b: f"{a}:{b}", NUMBER | st.ip_addresses(v=4), NUMBER) | JSON
ATTRIBUTES = st.fixed_dictionaries(
    {},
    optional={
        "name": TEXT | JSON,
        "type": st.sampled_from(["l3", "l2"]) | JSON,
        "route_targets": st.lists(TARGET, max_size=3) | JSON,
        "import_targets": st.lists(TARGET, max_size=3) | JSON,
        "export_targets": st.lists(TARGET, max_size=3) | JSON,
        "route_distinguishers": st.lists(TARGET, max_size=3) | JSON,
        "local_pref": NUMBER | JSON,
        "vni": NUMBER | JSON,
        "tenant_id": TEXT | JSON,
        "project_id": TEXT | JSON,
        "networks": JSON,
        "id": TEXT | JSON,
        "status": JSON,
    },
)
#: The lab's API answers in tens of milliseconds, on a machine that does other things as well.
OVER_HTTP = settings(
    max_examples=120,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.mark.timeout(300)
@OVER_HTTP
@given(body=st.builds(lambda a: {"bgpvpn": a}, ATTRIBUTES | JSON) | JSON)
def test_no_body_of_a_create_request_is_answered_with_a_5xx(operator: Cloud, body: object) -> None:
    """What is made nevertheless is deleted again."""
    status, answer = answer_of(operator, "POST", "/bgpvpn/bgpvpns", body)
    assert status < 500, answer
    if status == 200 and isinstance(answer, dict):
        made = [answer["bgpvpn"]] if "bgpvpn" in answer else answer["bgpvpns"]
        for vpn in made:
            operator.call("DELETE", f"/bgpvpn/bgpvpns/{vpn['id']}")


@pytest.mark.timeout(300)
@OVER_HTTP
@given(body=st.builds(lambda a: {"bgpvpn": a}, ATTRIBUTES | JSON) | JSON)
def test_no_body_of_an_update_request_is_answered_with_a_5xx(
    operator: Cloud, vpn_id: str, body: object
) -> None:
    """Over and over on one VPN."""
    status, answer = answer_of(operator, "PUT", f"/bgpvpn/bgpvpns/{vpn_id}", body)
    assert status < 500, answer


@pytest.mark.timeout(300)
@OVER_HTTP
@given(
    body=st.builds(
        lambda a: {"network_association": a},
        st.fixed_dictionaries(
            {}, optional={"network_id": st.uuids().map(str) | JSON, "project_id": TEXT, "id": JSON}
        )
        | JSON,
    )
    | JSON
)
def test_no_body_of_an_association_request_is_answered_with_a_5xx(
    red: Cloud, vpn_id: str, body: object
) -> None:
    """None of them names a network, so none is accepted."""
    status, answer = answer_of(red, "POST", f"/bgpvpn/bgpvpns/{vpn_id}/network_associations", body)
    assert 400 <= status < 500, answer
