# SPDX-License-Identifier: Apache-2.0
"""``openstack mpls …`` against Neutron's real API over HTTP, and that the shell knows them all."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.cloud import Cloud
    from tests.served import Served
    from tests.terminal import Openstack

# The client loads every other client's plug-in at its start, which takes a loaded machine a while.
pytestmark = pytest.mark.timeout(300)

RED, OPERATOR = "red-project", "operator"
# Neutron shares with nobody whose id is no UUID.
BLUE = "5d0b3a1e-6f0c-4c39-9b1d-2a7f4e8c6b90"


@pytest.fixture
def vpn(cloud: Cloud) -> str:
    """Red's VPN ``red``, with a network of that name and a VM of it on host ``west-1``."""
    vpn_id = str(cloud.vpn(name="red")["id"])
    cloud.host("west-1")
    network_id = cloud.network("10.1.0.0/24", name="net-red")
    assert cloud.associate(vpn_id, network_id).status == 201
    cloud.port(network_id, "west-1")
    return vpn_id


def heard(cloud: Cloud, vpn_id: str, **figures: Any) -> None:
    """Have the only PE put everything in force."""
    cloud.dispatch()
    cloud.report_in_force("west-1", vpn_id, **figures)


def test_a_vpn_with_numbers_of_the_operators_pool(cloud: Cloud, openstack: Openstack) -> None:
    """Made by an operator for a project; changed by its member, who sees no numbers."""
    create = "mpls vpn create red --project red --allocate-route-target --tag gold -f json"
    made = openstack(create, who=OPERATOR).json
    assert made["project_id"] == RED
    assert made["allocate_route_target"] is True
    assert made["route_targets"][0].startswith("64500:100")
    change = "mpls vpn set red --name crimson --local-pref 200 --tag shop --disable --description"
    ran = openstack(change, "the red shop")
    assert ran.code == 0, ran.err
    shown = openstack("mpls vpn show crimson -f json").json
    assert (shown["local_pref"], shown["description"]) == (200, "the red shop")
    assert (sorted(shown["tags"]), shown["admin_state_up"]) == (["gold", "shop"], False)
    assert "route_targets" not in shown
    (listed,) = openstack("mpls vpn list --tags gold,shop --long -f json").json
    assert (listed["Name"], listed["Local Pref"]) == ("crimson", 200)
    lessen = "mpls vpn unset crimson --local-pref --tag gold --description"
    assert openstack(lessen).code == 0
    shown = openstack("mpls vpn show crimson -f json").json
    assert (shown["local_pref"], shown["tags"], shown["description"]) == (None, ["shop"], "")
    cloud.dispatch()
    assert openstack("mpls vpn list --status down -f value -c Reason").out == (
        "It is administratively down.\n"
    )
    assert "is disallowed by policy" in openstack("mpls vpn create mine").refusal


def test_who_waits_for_a_vpn_sees_what_it_waits_for(
    cloud: Cloud, vpn: str, served: Served, openstack: Openstack
) -> None:
    """Until the PE has it in force."""
    served.meanwhile[:] = [*[lambda: None] * 4, lambda: heard(cloud, vpn)]
    ran = openstack("mpls vpn set red --local-pref 200 --wait")
    assert ran.code == 0, ran.err
    assert ran.err.splitlines() == [
        "red: PENDING. The change is being carried out.",
        "red: ACTIVE.",
    ]
    ran = openstack("mpls vpn set red --local-pref 100 --wait --timeout 0")
    assert ran.refusal.endswith("openstack mpls vpn association list red")


def test_what_is_in_a_vpn_has_a_status_and_a_reason(
    cloud: Cloud, vpn: str, served: Served, openstack: Openstack
) -> None:
    """Networks, routers and ports in one list; each found by its own name."""
    router_id = cloud.route(cloud.network("10.2.0.0/24"))
    path = f"/bgpvpn/bgpvpns/{vpn}/router_associations"
    body = {"router_association": {"router_id": router_id}}
    assert cloud.request("POST", path, body, RED).status == 201
    heard(cloud, vpn)
    listed = openstack("mpls vpn association list red -f json").json
    assert {(each["Kind"], each["Status"]) for each in listed} == {
        ("network", "ACTIVE"),
        ("router", "ACTIVE"),
    }
    take_down = "mpls vpn association set red net-red --disable --description spare"
    assert openstack(take_down).code == 0
    heard(cloud, vpn)
    shown = openstack("mpls vpn association show red net-red -f json").json
    assert (shown["status"], shown["description"]) == ("DOWN", "spare")
    assert shown["status_reason"] == "It is administratively down."
    served.meanwhile[:] = [*[lambda: None] * 12, lambda: heard(cloud, vpn)]
    ran = openstack("mpls vpn association set red net-red --enable --wait")
    assert ran.err.splitlines()[-1] == "net-red: ACTIVE."
    by_id = openstack(f"mpls vpn association show red {router_id} -f json").json
    assert (by_id["kind"], by_id["advertise_extra_routes"]) == ("router", True)
    assert "Nothing called net-blue is in red." in (
        openstack("mpls vpn association show red net-blue").refusal
    )


def test_an_operator_says_who_serves_a_network(
    cloud: Cloud, vpn: str, openstack: Openstack
) -> None:
    """A member can't; a router has no such mode."""
    change = "mpls vpn association set red net-red --attachment-mode"
    assert openstack(f"{change} gateway").code != 0
    assert openstack(f"{change} gateway", who=OPERATOR).code == 0
    show = "mpls vpn association show red net-red -f json"
    assert openstack(show, who=OPERATOR).json["attachment_mode"] == "gateway"
    assert "attachment_mode" not in openstack(show).json
    assert openstack(f"{change} default", who=OPERATOR).code == 0
    assert "attachment_mode" not in openstack(show, who=OPERATOR).json


def test_a_vpn_is_shared_and_shared_no_more(cloud: Cloud, vpn: str, openstack: Openstack) -> None:
    """With one project, or, by an operator, with everybody."""
    assert openstack("mpls vpn show red", who=BLUE).code != 0
    for _ in range(2):
        assert openstack(f"mpls vpn set red --share-with {BLUE}").code == 0
    assert openstack("mpls vpn set red --share-with *").code != 0
    assert openstack("mpls vpn set red --share-with *", who=OPERATOR).code == 0
    shown = openstack("mpls vpn show red -f json", who=OPERATOR).json
    assert shown["shared_with"] == ["*", BLUE]
    assert openstack("mpls vpn show red -f json", who=BLUE).json["shared"] is True
    unshare = f"mpls vpn unset red --share-with {BLUE} --share-with *"
    assert openstack(unshare, who=OPERATOR).code == 0
    assert openstack("mpls vpn list -f value -c Name", who=BLUE).out == ""


def test_an_operator_sees_what_provider_edges_do(
    cloud: Cloud, vpn: str, openstack: Openstack
) -> None:
    """Of a VPN, and on the whole; a member is not told of equipment."""
    heard(cloud, vpn, labels=(1000, 1001), routes_sent=1, routes_received=5)
    edges = "mpls provider edge"
    (listed,) = openstack(f"{edges} list --vpn red --long -f json", who=OPERATOR).json
    assert (listed["Host"], listed["Status"], listed["Labels"]) == (
        "west-1",
        "ACTIVE",
        [1000, 1001],
    )
    shown = openstack(f"{edges} show west-1 --vpn red -f json", who=OPERATOR).json
    assert (shown["address"], shown["routes_received"]) == ("192.0.2.11", 5)
    assert openstack(f"{edges} list --vpn red -f json").json == []
    synced(cloud, vpn)
    (listed,) = openstack(f"{edges} list -f json", who=OPERATOR).json
    assert listed == {
        "Host": "west-1",
        "Address": "192.0.2.11",
        "Alive": True,
        "VPNs": 1,
        "Neighbors": 2,
        "Established": 1,
    }
    assert openstack(f"{edges} show west-1 -f json", who=OPERATOR).json["vpns"] == 1
    ran = openstack(f"{edges} show west-9", who=OPERATOR)
    assert ran.refusal == "No provider edge west-9 has ever been heard."


def synced(cloud: Cloud, vpn_id: str) -> None:
    """Have the PE ask what differs, as its agent does every ten seconds."""
    from ipaddress import IPv4Address

    from isthmus.model.report import NeighborReport, PeReport, VrfReport
    from isthmus.plugin.reports import Reports

    vrf = VrfReport(vpn_id, 1, is_in_force=True)
    neighbors = tuple(
        NeighborReport(IPv4Address(address), is_established=is_established)
        for address, is_established in (("192.0.2.101", True), ("192.0.2.102", False))
    )
    report = PeReport("west-1", IPv4Address("192.0.2.11"), (vrf,), neighbors)
    Reports(cloud.load_driver("noop")).answer(report)


def entry_points() -> Mapping[str, str]:
    """Return the commands as the project declares them."""
    path = Path(__file__).resolve().parents[2] / "pyproject.toml"
    declared = tomllib.loads(path.read_text())["project"]["entry-points"]
    found: Mapping[str, str] = declared["openstack.isthmus.v2"]
    return found


def test_the_shell_completes_every_command(cloud: Cloud, openstack: Openstack) -> None:
    """``openstack complete`` writes bash's function; each word and each option is in it."""
    completion = openstack("complete").out
    words = {
        line.split("=", 1)[0].strip(): set(line.split("=", 1)[1].strip("'").split())
        for line in completion.splitlines()
        if line.startswith(("  cmds_", "  cmds="))
    }
    for name in entry_points():
        *parents, last = name.split("_")
        for depth in range(1, len(parents) + 1):
            known = words["_".join(["cmds", *parents[:depth]])]
            assert [*parents, last][depth] in known, name
        assert "--help" in words[f"cmds_{name}"], name
    assert {"--wait", "--local-pref", "--share-with"} <= words["cmds_mpls_vpn_set"]


def test_every_command_says_how_it_is_used(cloud: Cloud, openstack: Openstack) -> None:
    """In its help, with examples that begin as it does."""
    from importlib import import_module

    for name, target in entry_points().items():
        module, _, kind = target.partition(":")
        command = getattr(import_module(module), kind)
        typed = name.replace("_", " ")
        assert command.examples, typed
        assert all(
            example.startswith(f"{typed} ") or example == typed for example in (command.examples)
        ), typed
    said = openstack("help mpls vpn set").out
    assert "Examples:\n  openstack mpls vpn set red --local-pref 200 --wait" in said
