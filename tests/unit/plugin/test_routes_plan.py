# SPDX-License-Identifier: Apache-2.0
"""A router's routes towards its PE: ours are right, its tenant's stay."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isthmus.config.plugin import DEFAULT_TRANSIT
from isthmus.plugin.routes_plan import Route, list_destinations, plan_routes

PE = (ip_address("169.254.0.2"), ip_address("fd69::2"))
TENANTS = ip_address("10.1.0.9")


def route(destination: str, via: object) -> Route:
    """A route as Neutron has it."""
    return ip_network(destination), ip_address(str(via))


def words(*prefixes: str) -> list[object]:
    """Prefixes of their texts."""
    return [ip_network(prefix) for prefix in prefixes]


@pytest.mark.parametrize(
    ("families", "has_ipv6", "added"),
    [
        (set(), False, ["0.0.0.0/0"]),
        ({4}, False, []),
        (set(), True, ["fc00::/7", "0.0.0.0/0", "::/0"]),
        ({4}, True, ["fc00::/7", "::/0"]),
        ({4, 6}, True, ["fc00::/7"]),
    ],
)
def test_everything_goes_to_the_pe_in_families_without_another_way_out(
    families: set[int], *, has_ipv6: bool, added: list[str]
) -> None:
    """And private space always; no IPv6 if there is none behind it."""
    always = ["10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10"]
    found = list_destinations(DEFAULT_TRANSIT.aggregates, families, has_ipv6=has_ipv6)
    assert found == words(*always, *added)


def test_what_is_missing_is_added_and_what_is_no_longer_wanted_goes() -> None:
    """Of ours alone."""
    current = [route("10.0.0.0/8", PE[0]), route("0.0.0.0/0", PE[0]), route("::/0", PE[1])]
    wanted = [ip_network("10.0.0.0/8"), ip_network("192.168.0.0/16"), ip_network("fc00::/7")]
    plan = plan_routes(current, wanted, PE)
    assert plan.add == (route("192.168.0.0/16", PE[0]), route("fc00::/7", PE[1]))
    assert plan.remove == (route("0.0.0.0/0", PE[0]), route("::/0", PE[1]))


def test_a_tenants_route_to_the_same_destination_stays_alone() -> None:
    """Ours to it goes, if it was there first."""
    current = [route("10.0.0.0/8", TENANTS), route("10.0.0.0/8", PE[0])]
    plan = plan_routes(current, [ip_network("10.0.0.0/8")], PE)
    assert (plan.add, plan.remove) == ((), (route("10.0.0.0/8", PE[0]),))


destinations = st.sampled_from(words("10.0.0.0/8", "192.168.0.0/16", "0.0.0.0/0", "10.9.0.0/16"))
hops = st.sampled_from([PE[0], TENANTS, ip_address("10.2.0.9")])


@given(current=st.sets(st.tuples(destinations, hops)), wanted=st.sets(destinations))
def test_carried_out_a_plan_leaves_nothing_to_do_and_the_tenants_routes_alone(
    current: set[Route], wanted: set[object]
) -> None:
    """Whatever there was."""
    plan = plan_routes(current, wanted, PE)  # type: ignore[arg-type]  # strategies lose the type
    after = (current - set(plan.remove)) | set(plan.add)
    again = plan_routes(after, wanted, PE)  # type: ignore[arg-type]
    assert (again.add, again.remove) == ((), ())
    assert {r for r in after if r[1] not in PE} == {r for r in current if r[1] not in PE}
    assert {to for to, via in after if via in PE} <= wanted
