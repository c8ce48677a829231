# SPDX-License-Identifier: Apache-2.0
"""The shipped file of tenants, and what is refused."""

from __future__ import annotations

import copy
from typing import Any

import pytest
import yaml

from lab import topology
from lab.demo import tenants

TOPOLOGY = topology.load()
DOCUMENT: dict[str, Any] = yaml.safe_load(tenants.SHIPPED.read_text(encoding="utf-8"))


def test_the_shipped_tenants_have_the_same_prefixes_and_share_addresses() -> None:
    """Only the VPN tells them apart."""
    plan = tenants.load(TOPOLOGY)
    red, blue = plan.tenants
    assert {str(prefix) for prefix in plan.prefixes.values()} == {"10.1.0.0/24", "10.2.0.0/24"}
    assert {s.address for s in blue.servers} < {s.address for s in red.servers}
    assert red.route_target != blue.route_target


def test_red_has_a_server_on_every_compute_host() -> None:
    """So that every provider edge has something to do."""
    red = tenants.load(TOPOLOGY).tenant("red")
    assert {server.host for server in red.servers} == {host.name for host in TOPOLOGY.hosts}


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("host", "west-9", "no host west-9"),
        ("address", "10.9.0.1", "outside"),
        ("name", "red-west-2", "twice"),
    ],
)
def test_a_server_that_has_no_place_is_refused(key: str, value: str, said: str) -> None:
    """The sentence names what is wrong."""
    document = copy.deepcopy(DOCUMENT)
    document["tenants"][0]["servers"][0][key] = value
    with pytest.raises(tenants.TenantsInvalid, match=said):
        tenants.parse(TOPOLOGY, document)


def test_a_tenant_without_a_project_is_refused() -> None:
    """Projects are made by the lab from its topology."""
    document = copy.deepcopy(DOCUMENT)
    document["tenants"][0]["name"] = "green"
    with pytest.raises(tenants.TenantsInvalid, match="no project green"):
        tenants.parse(TOPOLOGY, document)


def test_a_site_without_a_prefix_is_refused() -> None:
    """Every tenant has a network in every site."""
    document = copy.deepcopy(DOCUMENT)
    del document["prefixes"]["east"]
    document["tenants"] = []
    with pytest.raises(tenants.TenantsInvalid, match="no prefix for site east"):
        tenants.parse(TOPOLOGY, document)
