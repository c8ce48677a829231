# SPDX-License-Identifier: Apache-2.0
"""The routes of routers in VPNs: towards the PE, and those of their tenants."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.contract.associations import RED, VPNS, prefixes
from tests.contract.routers import (
    AGGREGATES,
    external,
    joined,
    router,
    routes,
    set_gateway,
)

if TYPE_CHECKING:
    from tests.cloud import Cloud
    from tests.fakes.driver import FlakyDriver


def test_a_router_without_a_way_out_sends_everything_to_the_pe(
    cloud: Cloud, driver: FlakyDriver
) -> None:
    """One with a gateway what is configured; as the gateway comes and goes."""
    router_id = router(cloud, cloud.network("10.1.0.0/24"))
    outside = external(cloud)
    joined(cloud, router_id)
    cloud.dispatch()
    everything = dict.fromkeys(AGGREGATES | {"0.0.0.0/0"}, "169.254.0.2")
    assert routes(cloud, router_id) == everything
    set_gateway(cloud, router_id, outside)
    cloud.dispatch()
    assert routes(cloud, router_id) == dict.fromkeys(AGGREGATES, "169.254.0.2")
    set_gateway(cloud, router_id, None)
    cloud.dispatch()
    assert routes(cloud, router_id) == everything


def test_a_tenants_own_routes_stay_and_ours_come_back(cloud: Cloud, driver: FlakyDriver) -> None:
    """Whatever the tenant sets: its route to one of our destinations wins, ours are added again."""
    network_id = cloud.network("10.1.0.0/24")
    router_id = router(cloud, network_id)
    own = [
        {"destination": "192.168.0.0/16", "nexthop": "10.1.0.9"},
        {"destination": "198.51.100.0/24", "nexthop": "10.1.0.8"},
    ]
    body = {"router": {"routes": own}}
    assert cloud.request("PUT", f"/routers/{router_id}", body, RED).status == 200
    joined(cloud, router_id)
    for _ in range(2):
        cloud.dispatch()
        found = routes(cloud, router_id)
        assert found["192.168.0.0/16"] == "10.1.0.9"
        assert found["198.51.100.0/24"] == "10.1.0.8"
        assert found["10.0.0.0/8"] == "169.254.0.2"
        assert cloud.request("PUT", f"/routers/{router_id}", body, RED).status == 200
    assert cloud.request("PUT", f"/routers/{router_id}", {"router": {"routes": []}}).status == 200
    cloud.dispatch()
    assert set(routes(cloud, router_id)) == AGGREGATES | {"0.0.0.0/0"}


def test_extra_routes_are_advertised_unless_the_tenant_says_otherwise(
    cloud: Cloud, driver: FlakyDriver
) -> None:
    """Those of the tenant, never ours; it can change its mind."""
    router_id = router(cloud, cloud.network("10.1.0.0/24"))
    vpn_id = joined(cloud, router_id)
    route = {"destination": "198.51.100.0/24", "nexthop": "10.1.0.8"}
    cloud.dispatch()
    path = f"/routers/{router_id}/add_extraroutes"
    body: dict[str, Any] = {"router": {"routes": [route]}}
    assert cloud.request("PUT", path, body, RED).status == 200
    cloud.dispatch()
    assert prefixes(driver) == ["10.1.0.0/24", "198.51.100.0/24"]
    path = f"{VPNS}/{vpn_id}/router_associations"
    (association,) = cloud.request("GET", path, project=RED)["router_associations"]
    assert association["advertise_extra_routes"] is True
    for value, expected in ((False, ["10.1.0.0/24"]), (True, ["10.1.0.0/24", "198.51.100.0/24"])):
        body = {"router_association": {"advertise_extra_routes": value}}
        changed = cloud.request("PUT", f"{path}/{association['id']}", body, RED)
        assert changed["router_association"]["advertise_extra_routes"] is value
        cloud.dispatch()
        assert prefixes(driver) == expected


def test_a_router_that_may_have_no_more_routes_is_an_error_that_says_so(
    cloud: Cloud, driver: FlakyDriver, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The operator reads Neutron's own reason; PEs know of the router nevertheless."""
    from neutron_lib.exceptions import BadRequest

    from isthmus.model.errors import IntentConflict
    from isthmus.plugin import transit

    class Full:
        """The L3 plug-in of a router that is full."""

        def __getattr__(self, name: str) -> Any:
            def call(*arguments: Any, **named: Any) -> Any:
                if name == "add_extraroutes":
                    raise BadRequest(resource="router", msg="quota")
                return getattr(l3, name)(*arguments, **named)

            return call

    l3 = transit._l3()
    monkeypatch.setattr(transit, "_l3", Full)
    router_id = router(cloud, cloud.network("10.1.0.0/24"))
    vpn_id = joined(cloud, router_id)
    with pytest.raises(IntentConflict, match="quota") as refusal:
        cloud.dispatch()
    cloud.refuse(vpn_id, refusal.value)
    status, reason = cloud.status(vpn_id, RED)
    assert status == "ERROR"
    assert "quota" not in reason
    assert "quota" in cloud.status(vpn_id)[1]
    assert prefixes(driver) == ["10.1.0.0/24"]


def test_a_process_that_serves_no_api_gives_a_router_its_routes(
    cloud: Cloud, driver: FlakyDriver
) -> None:
    """The worker's: Neutron's extensions, which register quotas, are loaded by the API alone."""
    from neutron.quota import resource_registry

    routed = router(cloud, cloud.network("10.1.0.0/24"))
    vpn_id = joined(cloud, routed)
    resource_registry.ResourceRegistry.get_instance()._resources.pop("router_route")
    cloud.dispatch()
    assert cloud.status(vpn_id) == ("ACTIVE", "")
    assert set(routes(cloud, routed)) >= AGGREGATES
