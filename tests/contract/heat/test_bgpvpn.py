# SPDX-License-Identifier: Apache-2.0
"""VPNs and associations as resources of a real Heat, on a real Neutron."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.cloud import Cloud
    from tests.stacks import Heat

# Heat takes a loaded machine a while to start.
pytestmark = pytest.mark.timeout(600)

RED, OPERATOR = "red-project", "operator"
VPNS = "/bgpvpn/bgpvpns"
VERSION = "heat_template_version: 2021-04-16\n"

VPN = f"""{VERSION}
parameters:
  pref: {{type: number, default: 100}}
  targets: {{type: comma_delimited_list, default: "64500:1"}}
  text: {{type: string, default: first}}
  up: {{type: boolean, default: true}}
  vni: {{type: number, default: 7}}
resources:
  vpn:
    type: OS::Neutron::BGPVPN
    properties:
      description: {{get_param: text}}
      tenant_id: red
      route_targets: {{get_param: targets}}
      allocate_route_target: true
      local_pref: {{get_param: pref}}
      vni: {{get_param: vni}}
      admin_state_up: {{get_param: up}}
      tags: [{{get_param: text}}]
outputs:
  id: {{value: {{get_resource: vpn}}}}
  status: {{value: {{get_attr: [vpn, status]}}}}
  targets: {{value: {{get_attr: [vpn, route_targets]}}}}
  mtu: {{value: {{get_attr: [vpn, mtu]}}}}
"""

NETWORK = f"""{VERSION}
parameters:
  up: {{type: boolean, default: true}}
resources:
  association:
    type: OS::Neutron::BGPVPN-NET-ASSOCIATION
    properties:
      bgpvpn_id: red
      network_id: {{get_resource: net}}
      admin_state_up: {{get_param: up}}
  net: {{type: OS::Neutron::Net}}
  subnet:
    type: OS::Neutron::Subnet
    properties: {{network: {{get_resource: net}}, cidr: 10.1.0.0/24}}
outputs:
  status: {{value: {{get_attr: [association, status]}}}}
"""

ROUTER = f"""{VERSION}
parameters:
  extra: {{type: boolean, default: false}}
resources:
  association:
    type: OS::Neutron::BGPVPN-ROUTER-ASSOCIATION
    properties:
      bgpvpn_id: red
      router_id: {{get_resource: router}}
      advertise_extra_routes: {{get_param: extra}}
  router: {{type: OS::Neutron::Router}}
  net: {{type: OS::Neutron::Net}}
  subnet:
    type: OS::Neutron::Subnet
    properties: {{network: {{get_resource: net}}, cidr: 10.2.0.0/24}}
  interface:
    type: OS::Neutron::RouterInterface
    properties: {{router: {{get_resource: router}}, subnet: {{get_resource: subnet}}}}
"""

PORT = f"""{VERSION}
parameters:
  prefix: {{type: string, default: 198.51.100.0/24}}
  fixed: {{type: boolean, default: true}}
resources:
  association:
    type: OS::Neutron::BGPVPN-PORT-ASSOCIATION
    properties:
      bgpvpn_id: red
      port_id: {{get_resource: port}}
      advertise_fixed_ips: {{get_param: fixed}}
      routes:
      - {{type: prefix, prefix: {{get_param: prefix}}, local_pref: 42}}
      - {{type: bgpvpn, bgpvpn_id: other}}
  net: {{type: OS::Neutron::Net}}
  subnet:
    type: OS::Neutron::Subnet
    properties: {{network: {{get_resource: net}}, cidr: 10.3.0.0/24}}
  port:
    type: OS::Neutron::Port
    properties:
      network: {{get_resource: net}}
      allowed_address_pairs: [{{ip_address: 0.0.0.0/0}}]
"""
# What networking-bgpvpn's plug-in for Heat has, by type of resource.
THEIRS = {
    "OS::Neutron::BGPVPN": {
        *("name", "type", "description", "route_distinguishers", "import_targets"),
        *("export_targets", "route_targets", "tenant_id", "local_pref"),
    },
    "OS::Neutron::BGPVPN-NET-ASSOCIATION": {"bgpvpn_id", "network_id"},
    "OS::Neutron::BGPVPN-ROUTER-ASSOCIATION": {"bgpvpn_id", "router_id"},
    "OS::Neutron::BGPVPN-PORT-ASSOCIATION": {
        *("bgpvpn_id", "port_id", "advertise_fixed_ips", "routes"),
    },
}
OURS = {
    "OS::Neutron::BGPVPN": {
        *("vni", "admin_state_up", "tags", "allocate_route_target"),
        "allocate_route_distinguisher",
    },
    "OS::Neutron::BGPVPN-NET-ASSOCIATION": {"admin_state_up", "description", "attachment_mode"},
    "OS::Neutron::BGPVPN-ROUTER-ASSOCIATION": {
        *("admin_state_up", "description", "advertise_extra_routes"),
    },
    "OS::Neutron::BGPVPN-PORT-ASSOCIATION": {"admin_state_up", "description"},
}


def only(cloud: Cloud, vpn_id: str, kind: str) -> dict[str, Any]:
    """Return the one association of a kind that a VPN has."""
    path = f"{VPNS}/{vpn_id}/{kind}_associations"
    (found,) = cloud.request("GET", path)[f"{kind}_associations"]
    return dict(found)


@pytest.fixture
def red(cloud: Cloud) -> str:
    """The red project's VPN of that name; return its id."""
    return str(cloud.vpn(name="red")["id"])


@pytest.mark.parametrize("kind", sorted(THEIRS))
def test_names_are_the_peers_with_more_beside(heat: Heat, kind: str) -> None:
    """A template for networking-bgpvpn works as it is."""
    schema = heat.schema(kind)
    assert set(schema["properties"]) == THEIRS[kind] | OURS[kind]
    assert {"status", "status_reason", "show"} <= set(schema["attributes"])
    assert schema["support_status"]["status"] == "SUPPORTED"
    fixed = {n for n, each in schema["properties"].items() if not each["update_allowed"]}
    assert fixed <= {
        *("type", "tenant_id", "vni", "allocate_route_target", "allocate_route_distinguisher"),
        *("bgpvpn_id", "network_id", "router_id", "port_id"),
    }


def test_a_vpn_from_its_making_to_its_end(cloud: Cloud, heat: Heat) -> None:
    """Changed in place, taken down with its stack and up again, replaced where it has to be."""
    heat = heat.by(OPERATOR)
    made = heat.create("vpn", VPN)
    assert made.state == "CREATE_COMPLETE", made.reason
    vpn_id = made.outputs["id"]
    vpn = cloud.request("GET", f"{VPNS}/{vpn_id}")["bgpvpn"]
    assert (vpn["project_id"], vpn["local_pref"], vpn["vni"]) == (RED, 100, 7)
    assert vpn["tags"] == ["first"]
    assert made.outputs["status"] == "ACTIVE"
    given = set(made.outputs["targets"]) - {"64500:1"}
    assert len(given) == 1

    changed = heat.update("vpn", VPN, pref=200, targets="64500:2,64500:3", text="second")
    assert changed.state == "UPDATE_COMPLETE", changed.reason
    assert changed.outputs["id"] == vpn_id
    vpn = cloud.request("GET", f"{VPNS}/{vpn_id}")["bgpvpn"]
    assert (vpn["local_pref"], vpn["description"], vpn["tags"]) == (200, "second", ["second"])
    assert set(vpn["route_targets"]) == {"64500:2", "64500:3", *given}

    assert heat.act("vpn", "suspend").state == "SUSPEND_COMPLETE"
    assert cloud.status(vpn_id)[0] == "DOWN"
    assert heat.act("vpn", "resume").state == "RESUME_COMPLETE"
    assert cloud.status(vpn_id)[0] == "ACTIVE"
    assert heat.act("vpn", "check").state == "CHECK_COMPLETE"

    replaced = heat.update("vpn", VPN, vni=8)
    assert replaced.outputs["id"] != vpn_id
    (left,) = cloud.request("GET", VPNS)["bgpvpns"]
    assert left["vni"] == 8
    heat.delete("vpn")
    assert not cloud.request("GET", VPNS)["bgpvpns"]


def test_what_was_changed_by_hand_is_put_right_when_asked_for(cloud: Cloud, heat: Heat) -> None:
    """What the template says is compared with what there is; what is gone is made anew."""
    heat = heat.by(OPERATOR)
    vpn_id = heat.create("drift", VPN).outputs["id"]
    path = f"{VPNS}/{vpn_id}"
    by_hand = {"local_pref": 5, "route_targets": ["64500:9"]}
    assert cloud.request("PUT", path, {"bgpvpn": by_hand}).status == 200
    assert heat.update("drift", VPN, converge=True).state == "UPDATE_COMPLETE"
    vpn = cloud.request("GET", path)["bgpvpn"]
    assert (vpn["local_pref"], "64500:1" in vpn["route_targets"]) == (100, True)

    assert cloud.request("DELETE", path).status == 204
    again = heat.update("drift", VPN, converge=True)
    assert again.state == "UPDATE_COMPLETE", again.reason
    assert again.outputs["id"] != vpn_id
    assert cloud.request("DELETE", f"{VPNS}/{again.outputs['id']}").status == 204
    heat.delete("drift")


@pytest.mark.parametrize(
    ("parameters", "sentence"),
    [
        ({"targets": "red"}, "does not match pattern"),
        ({"pref": -1}, "out of range"),
        ({"vni": 2**24}, "out of range"),
    ],
)
def test_bad_values_are_refused_before_anything_is_made(
    cloud: Cloud, heat: Heat, parameters: dict[str, Any], sentence: str
) -> None:
    """By the schema."""
    assert sentence in heat.by(OPERATOR).refused("bad", VPN, **parameters)
    assert not cloud.request("GET", VPNS)["bgpvpns"]


def test_what_the_api_refuses_fails_the_stack_with_its_sentence(cloud: Cloud, heat: Heat) -> None:
    """Here, that members make no VPNs."""
    stack = heat.create("forbidden", VPN)
    assert stack.state == "CREATE_FAILED"
    assert "policy" in stack.reason
    heat.delete("forbidden")


def test_what_can_not_be_carried_out_fails_the_stack_with_the_reason(
    cloud: Cloud, heat: Heat
) -> None:
    """And the next attempt finishes it, with what was made."""
    from isthmus.model.errors import IntentConflict

    def refuse() -> None:
        cloud.dispatch()
        for vpn in cloud.request("GET", VPNS)["bgpvpns"]:
            cloud.refuse(vpn["id"], IntentConflict("No labels are left.", "None at all."))

    heat = heat.by(OPERATOR)
    heat.served.always = refuse
    stack = heat.create("refused", VPN)
    assert stack.state == "CREATE_FAILED"
    assert "ERROR: None at all." in stack.reason
    (made,) = cloud.request("GET", VPNS)["bgpvpns"]
    heat.served.always = cloud.dispatch
    again = heat.update("refused", VPN, pref=200)
    assert again.state == "UPDATE_COMPLETE", again.reason
    assert again.outputs["id"] == made["id"]
    heat.delete("refused")


# Associations


def test_a_network_is_associated_by_name_after_its_subnets(
    cloud: Cloud, heat: Heat, red: str
) -> None:
    """And taken out before them, or their deletion would be refused."""
    stack = heat.create("net", NETWORK)
    assert stack.state == "CREATE_COMPLETE", stack.reason
    assert stack.outputs["status"] == "ACTIVE"
    made = heat.resources("net")["association"]["physical_resource_id"]
    assert only(cloud, red, "network")["id"] == made
    assert heat.resources("net")["subnet"]["required_by"] == ["association"]
    assert heat.update("net", NETWORK, up=False).state == "UPDATE_COMPLETE"
    changed = only(cloud, red, "network")
    assert (changed["id"], changed["admin_state_up"]) == (made, False)
    heat.delete("net")
    assert not cloud.request("GET", "/networks", project=RED)["networks"]


def test_an_association_with_a_vpn_that_is_down_keeps_no_stack_waiting(
    cloud: Cloud, heat: Heat, red: str
) -> None:
    """It is down with it, as somebody wanted."""
    assert cloud.request("PUT", f"{VPNS}/{red}", {"bgpvpn": {"admin_state_up": False}}).status < 300
    stack = heat.create("down", NETWORK)
    assert stack.state == "CREATE_COMPLETE", stack.reason
    assert stack.outputs["status"] == "DOWN"
    heat.delete("down")


def test_a_router_is_associated_after_its_interfaces(cloud: Cloud, heat: Heat, red: str) -> None:
    """Whether its extra routes are advertised is changed in place."""
    stack = heat.create("router", ROUTER)
    assert stack.state == "CREATE_COMPLETE", stack.reason
    made = only(cloud, red, "router")
    assert not made["advertise_extra_routes"]
    assert heat.resources("router")["interface"]["required_by"] == ["association"]
    heat.update("router", ROUTER, extra=True)
    changed = only(cloud, red, "router")
    assert (changed["id"], changed["advertise_extra_routes"]) == (made["id"], True)
    heat.delete("router")
    assert not cloud.request("GET", "/routers", project=RED)["routers"]


def test_a_port_is_associated_with_prefixes_and_vpns_behind_it(
    cloud: Cloud, heat: Heat, red: str
) -> None:
    """Both are changed in place."""
    other = cloud.vpn(name="other", route_targets=["64500:2"])["id"]
    stack = heat.create("port", PORT)
    assert stack.state == "CREATE_COMPLETE", stack.reason
    made = only(cloud, red, "port")
    passed_on = {"type": "bgpvpn", "bgpvpn_id": other}
    assert passed_on.items() <= made["routes"][1].items()
    assert made["routes"][0]["local_pref"] == 42
    heat.update("port", PORT, prefix="203.0.113.0/24", fixed=False)
    changed = only(cloud, red, "port")
    assert (changed["id"], changed["advertise_fixed_ips"]) == (made["id"], False)
    assert changed["routes"][0]["prefix"] == "203.0.113.0/24"
    heat.delete("port")


def test_what_is_gone_is_taken_for_deleted(cloud: Cloud, heat: Heat, red: str) -> None:
    """The association, or the VPN with it."""
    heat.create("gone", NETWORK)
    assert cloud.request("DELETE", f"{VPNS}/{red}").status == 204
    heat.delete("gone")


@pytest.mark.parametrize(
    ("template", "sentence"),
    [
        (NETWORK, "No BgpVpn found for red"),
        (PORT.replace("prefix: {get_param: prefix}, ", ""), "needs a prefix"),
        (NETWORK.replace("{get_resource: net}\n      admin", "nowhere\n      admin"), "nowhere"),
    ],
)
def test_what_can_not_be_associated_is_refused_before_anything_is_made(
    cloud: Cloud, heat: Heat, template: str, sentence: str
) -> None:
    """By constraints, and by what a route has to have."""
    if "No BgpVpn" not in sentence:
        cloud.vpn(name="red")
        cloud.vpn(name="other")
    assert sentence in heat.refused("wrong", template)
    assert not cloud.request("GET", "/networks", project=RED)["networks"]
