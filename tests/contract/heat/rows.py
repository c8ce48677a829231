# SPDX-License-Identifier: Apache-2.0
"""Every property of every resource: how it is changed, and what it may not be.

`tests.contract.heat.test_properties` holds it against what Heat tells of the resources, so that no
property is left out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any

LONG = "x" * 256
MARK = "isthmus_resource"


class Outcome(StrEnum):
    """What becomes of a resource when a property is another."""

    KEPT = "changed in place"
    ANEW = "made anew"
    BY_POLICY = "made anew, as its policy says"
    REFUSED = "refused by the API, in the sentence that is read"
    ONLY = "may be but this"


@dataclass(frozen=True)
class Row:
    """One property.

    Attributes:
        first: its first value; it is left out if None.
        second: the one it is changed to.
        outcome: what becomes of the resource then.
        read: where the second is seen, of all that is known of the resource; in the API's words
            by the property's own name if left out.
        seen: what is seen there; the second itself if left out.
        bad: values that the schema or a constraint refuses, with a word of the sentence.
        beside: what else changes with it, by property.
        is_alone: whether it is changed when all others were.
    """

    first: Any = None
    second: Any = None
    outcome: Outcome = Outcome.KEPT
    read: Callable[[Mapping[str, Any]], Any] | None = None
    seen: Any = None
    bad: tuple[tuple[Any, str], ...] = ()
    beside: Mapping[str, Any] = field(default_factory=dict)
    is_alone: bool = False

    @property
    def expected(self) -> Any:
        """What is seen once it is changed."""
        return self.second if self.seen is None else self.seen


def stored(name: str) -> Callable[[Mapping[str, Any]], Any]:
    """Read a property that is Heat's own: as Heat has it."""
    return lambda known: known["properties"][name]


def asked(name: str) -> Callable[[Mapping[str, Any]], Any]:
    """Read what the compute API was asked for last."""
    return lambda known: known["asked"][name]


ANEW, REFUSED, ONLY = Outcome.ANEW, Outcome.REFUSED, Outcome.ONLY
NAME = Row("first", "second")
DESCRIPTION = Row("in words", "in others")
UP = Row(first=True, second=False)
TAGS = Row(["red"], ["blue"], bad=(([LONG], "length"),))
FAILURE_POLICY = Row("wait", "fail", read=stored("failure_policy"), bad=(("hope", "hope"),))
_TARGETS = (["red"], "does not match pattern")
_PREF = (2**32, "out of range")

VTN: Mapping[str, Row] = {
    "name": NAME,
    "description": DESCRIPTION,
    "type": Row("l3", "subnet", REFUSED, read=lambda _: "not supported", bad=(("l4", "l4"),)),
    "prefixes": Row(
        ["10.0.0.0/16"],
        ["10.0.0.0/16", "2001:db8::/48"],
        bad=((["10.0.0.0/33"], "10.0.0.0/33"), ([], "length")),
    ),
    "members": Row(
        ["west"],
        ["west", "east"],
        read=lambda known: sorted(known["members"], reverse=True),
        bad=((["nowhere"], "nowhere"), ([], "length")),
    ),
    "admin_state_up": UP,
    "class_of_service": Row(None, "gold", REFUSED, read=lambda _: "not supported"),
    "rate_kbps": Row(
        None, 1000, REFUSED, read=lambda _: "not supported", bad=((0, "out of range"),)
    ),
    "tags": TAGS,
    "project_id": Row("red", "blue", ANEW, seen="blue-project", bad=(("nobody", "nobody"),)),
    "failure_policy": FAILURE_POLICY,
}
BGPVPN: Mapping[str, Row] = {
    "name": NAME,
    "description": DESCRIPTION,
    "type": Row("l3", "l2", REFUSED, read=lambda _: "l2", bad=(("l4", "l4"),)),
    "tenant_id": Row(
        "red",
        "blue",
        ANEW,
        read=lambda known: known["project_id"],
        seen="blue-project",
        bad=(("nobody", "nobody"),),
    ),
    "route_targets": Row(["64500:1"], ["64500:2"], bad=(_TARGETS,)),
    "import_targets": Row(["64500:3"], ["64500:4"], bad=(_TARGETS,)),
    "export_targets": Row(["64500:5"], ["64500:6"], bad=(_TARGETS,)),
    "route_distinguishers": Row(["64500:7"], ["64500:8"], bad=(_TARGETS,)),
    "allocate_route_target": Row(
        first=False,
        second=True,
        outcome=ANEW,
        read=lambda known: len(known["route_targets"]),
        seen=2,
    ),
    "allocate_route_distinguisher": Row(
        first=False, second=True, outcome=REFUSED, read=lambda _: "pool of route distinguishers"
    ),
    "local_pref": Row(100, 200, bad=(_PREF,)),
    "vni": Row(7, 8, ANEW, bad=((2**24, "out of range"),)),
    "admin_state_up": UP,
    "tags": TAGS,
}
_OF_ASSOCIATION: Mapping[str, Row] = {
    "bgpvpn_id": Row(
        "red", "other", ANEW, read=lambda known: known["vpn"], bad=(("nobody", "nobody"),)
    ),
    "description": DESCRIPTION,
    "admin_state_up": UP,
}


def _target(kind: str) -> Row:
    return Row(
        f"{kind}-1", f"{kind}-2", ANEW, read=lambda known: known["target"], bad=(("none", "none"),)
    )


NETWORK = {
    **_OF_ASSOCIATION,
    "network_id": _target("network"),
    "attachment_mode": Row(None, "distributed", bad=(("by-hand", "by-hand"),)),
}
ROUTER = {
    **_OF_ASSOCIATION,
    "router_id": _target("router"),
    "advertise_extra_routes": Row(first=False, second=True),
}
_ROUTE = {"type": "prefix", "prefix": "198.51.100.0/24"}
PORT = {
    **_OF_ASSOCIATION,
    "port_id": _target("port"),
    "advertise_fixed_ips": Row(first=True, second=False),
    "routes": Row(
        [_ROUTE],
        [_ROUTE | {"local_pref": 7}, {"type": "bgpvpn", "bgpvpn_id": "third"}],
        read=lambda known: [(each["type"], each.get("local_pref")) for each in known["routes"]],
        seen=[("prefix", 7), ("bgpvpn", None)],
        bad=(
            ([{"type": "rumour"}], "rumour"),
            ([_ROUTE | {"prefix": "198.51.100.0/33"}], "198.51.100.0/33"),
            ([{"type": "bgpvpn", "bgpvpn_id": "nobody"}], "nobody"),
            ([_ROUTE | {"local_pref": 2**32}], "out of range"),
            ([{"type": "prefix"}], "needs a prefix"),
        ),
    ),
}


def _policy(name: str, first: str, second: str) -> Row:
    # By itself, so that it is not in force yet when what it is about changes.
    return Row(first, second, read=stored(name), bad=(("HOPE", "HOPE"),), is_alone=True)


OF_EACH: Mapping[str, Row] = {
    "virtual_tenant_network": Row(
        "shop",
        "store",
        ANEW,
        read=lambda known: known["networks"][0],
        bad=(("nobody", "nobody"),),
    ),
    "flavor": Row("tiny", "big", read=lambda known: known["flavor"]["original_name"]),
    "flavor_update_policy": _policy("flavor_update_policy", "RESIZE", "REPLACE"),
    "image": Row("guest", "other", read=lambda known: known["image"]),
    "image_update_policy": _policy("image_update_policy", "REBUILD", "REPLACE"),
    "key_name": Row("mine", "yours", ANEW, read=asked("key_name")),
    "user_data": Row(
        "#!/bin/sh", "#!/bin/bash", Outcome.BY_POLICY, read=lambda known: known["told"]
    ),
    "user_data_format": Row("RAW", "RAW", ONLY, bad=(("HEAT_CFNTOOLS", "HEAT_CFNTOOLS"),)),
    "user_data_update_policy": _policy("user_data_update_policy", "IGNORE", "REPLACE"),
    "security_groups": Row(["inside"], ["outside"], read=lambda known: known["groups"]),
    "networks": Row(
        None,
        [{"network": "admin"}],
        read=lambda known: known["networks"][1:],
        seen=["admin"],
        bad=(
            ([{"network": "admin", "fixed_ip": "192.0.2.256"}], "192.0.2.256"),
            ([{"network": "admin", "port": "spare"}], "one of them"),
        ),
    ),
    "availability_zone": Row("here", "there", ANEW, read=asked("availability_zone")),
    "config_drive": Row(first=False, second=True, outcome=ANEW, read=asked("config_drive")),
    "scheduler_hints": Row(
        {"group": "a"}, {"group": "b"}, ANEW, read=asked("OS-SCH-HNT:scheduler_hints")
    ),
    "metadata": Row(
        {"word": "first"},
        {"number": 2},
        read=lambda known: {k: v for k, v in known["metadata"].items() if k != MARK},
        seen={"number": "2"},
    ),
    "tags": Row(["red"], ["blue"], bad=(([LONG], "length"),)),
    "failure_policy": FAILURE_POLICY,
}
_VTN = "virtual_tenant_network"
SERVER: Mapping[str, Row] = {
    **OF_EACH,
    _VTN: replace(OF_EACH[_VTN], beside={"fixed_ip": None}),
    "name": NAME,
    "rule": Row("near", "spread", ANEW, read=stored("rule"), bad=(("far", "far"),)),
    "region": Row(None, "west", ANEW, read=stored("region")),
    "port": Row(
        None,
        "spare",
        read=lambda known: known["ports"][0],
        beside={"networks": None},
        is_alone=True,
    ),
    "fixed_ip": Row(
        None,
        "10.0.1.77",
        read=lambda known: known["first_address"],
        bad=(("10.0.0.256", "10.0.0.256"),),
        beside={"port": None},
        is_alone=True,
    ),
    "site": Row(
        "west",
        "east",
        ANEW,
        read=lambda known: known["site"],
        bad=(("none", "none"),),
        beside={"region": None, "fixed_ip": None, "security_groups": None},
    ),
}
GROUP: Mapping[str, Row] = {
    **OF_EACH,
    "count": Row(1, 2, read=lambda known: known["count"], bad=((-1, "out of range"),)),
    "sites": Row(
        ["west"],
        ["west", "east"],
        read=lambda known: known["sites"],
        seen=["east", "west"],
        bad=((["nowhere"], "nowhere"),),
    ),
}
ROWS: Mapping[str, Mapping[str, Row]] = {
    "OS::Isthmus::InterconnectedServer": SERVER,
    "OS::Isthmus::InterconnectedServerGroup": GROUP,
    "OS::Isthmus::VirtualTenantNetwork": VTN,
    "OS::Neutron::BGPVPN": BGPVPN,
    "OS::Neutron::BGPVPN-NET-ASSOCIATION": NETWORK,
    "OS::Neutron::BGPVPN-PORT-ASSOCIATION": PORT,
    "OS::Neutron::BGPVPN-ROUTER-ASSOCIATION": ROUTER,
}
