# SPDX-License-Identifier: Apache-2.0
"""Routers of Neutron's, and what is seen of them there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tests.contract.associations import RED, associated

if TYPE_CHECKING:
    from tests.cloud import Answer, Cloud

# What a router in a VPN sends to its PE, unless the operator said otherwise.
AGGREGATES = {"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10"}


def router(cloud: Cloud, *network_ids: str, project: str = RED, **attributes: Any) -> str:
    """Make a router with the networks behind it; return its id."""
    body = {"router": attributes}
    made = cloud.made(cloud.request("POST", "/routers", body, project), "router")
    for network_id in network_ids:
        for subnet in cloud.request("GET", f"/subnets?network_id={network_id}")["subnets"]:
            assert connect(cloud, made["id"], subnet["id"]).status == 200
    return str(made["id"])


def connect(cloud: Cloud, router_id: str, subnet_id: str, verb: str = "add") -> Answer:
    """Give a router an interface on a subnet, or take it away."""
    path = f"/routers/{router_id}/{verb}_router_interface"
    return cloud.request("PUT", path, {"subnet_id": subnet_id}, RED)


def subnet_of(cloud: Cloud, network_id: str) -> str:
    """The id of the first subnet of a network."""
    return str(cloud.request("GET", f"/subnets?network_id={network_id}")["subnets"][0]["id"])


def routes(cloud: Cloud, router_id: str) -> dict[str, str]:
    """A router's extra routes, next hop by destination."""
    found = cloud.request("GET", f"/routers/{router_id}")["router"]["routes"]
    return {route["destination"]: route["nexthop"] for route in found}


def transit_networks(cloud: Cloud) -> list[dict[str, Any]]:
    """The networks between routers and PEs there are."""
    found: list[dict[str, Any]] = cloud.request("GET", "/networks")["networks"]
    return [network for network in found if network["name"].startswith("isthmus-transit-")]


def external(cloud: Cloud) -> str:
    """Make a network to the outside; return its id."""
    body = {"network": {"name": "outside", "router:external": True}}
    network_id = str(cloud.made(cloud.request("POST", "/networks", body), "network")["id"])
    subnet = {"network_id": network_id, "cidr": "203.0.113.0/24", "ip_version": 4}
    cloud.made(cloud.request("POST", "/subnets", {"subnet": subnet}), "subnet")
    return network_id


def set_gateway(cloud: Cloud, router_id: str, network_id: str | None) -> None:
    """Give a router its way out, or take it."""
    info = {"network_id": network_id} if network_id else {}
    body = {"router": {"external_gateway_info": info}}
    assert cloud.request("PUT", f"/routers/{router_id}", body).status == 200


def joined(cloud: Cloud, router_id: str) -> str:
    """Put a router into a VPN of its own; return the VPN's id."""
    vpn_id, _ = associated(cloud, "router", router_id)
    return vpn_id
