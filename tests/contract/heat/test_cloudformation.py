# SPDX-License-Identifier: Apache-2.0
"""Our resources in templates of CloudFormation's form, by signed queries, through a real Heat."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from botocore.exceptions import ClientError

from tests.fakes import compute
from tests.signed import KNOWN, SECRET, Signed

if TYPE_CHECKING:
    from tests.fakes.compute import Compute
    from tests.stacks import Heat
    from tests.vtn_site import Region

# Heat takes a loaded machine a while to start.
pytestmark = [
    pytest.mark.timeout(600),
    # botocore's
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]
EXAMPLES = Path(__file__).parents[3] / "examples"
TEMPLATE = """
AWSTemplateFormatVersion: "2010-09-09"
Parameters:
  Called: {Type: String}
  Motto: {Type: String, Default: first}
  Count: {Type: Number, Default: 0, MinValue: 0}
  Prefixes: {Type: CommaDelimitedList, Default: "10.0.0.0/16"}
Mappings:
  Sizes: {Small: {Flavor: tiny}}
Resources:
  Shop:
    Type: OS::Isthmus::VirtualTenantNetwork
    Properties:
      name: {Ref: Called}
      description: {Ref: Motto}
      prefixes: {Ref: Prefixes}
  Web:
    Type: OS::Isthmus::InterconnectedServer
    Properties:
      name: {"Fn::Join": ["-", [{Ref: Called}, web]]}
      virtual_tenant_network: {Ref: Shop}
      image: guest
      flavor: {"Fn::FindInMap": [Sizes, Small, Flavor]}
      metadata: {motto: {Ref: Motto}}
      user_data: {"Fn::Base64": "#!/bin/sh"}
  More:
    Type: OS::Isthmus::InterconnectedServerGroup
    Properties:
      count: {Ref: Count}
      virtual_tenant_network: {Ref: Shop}
      image: guest
      flavor: tiny
Outputs:
  Shop: {Value: {Ref: Shop}}
  Web: {Value: {Ref: Web}}
  Status: {Description: "Of the network.", Value: {"Fn::GetAtt": [Shop, status]}}
  Address: {Value: {"Fn::GetAtt": [Web, first_address]}}
  Site: {Value: {"Fn::GetAtt": [Web, site]}}
  Second: {Value: {"Fn::Select": ["0", {"Fn::GetAtt": [More, sites]}]}}
"""
OF_OPERATORS = """
HeatTemplateFormatVersion: "2012-12-12"
Resources:
  Vpn:
    Type: OS::Neutron::BGPVPN
    Properties: {route_targets: ["64500:7"], local_pref: 100}
  Net: {Type: OS::Neutron::Net}
  OfNet:
    Type: OS::Neutron::BGPVPN-NET-ASSOCIATION
    Properties: {bgpvpn_id: {Ref: Vpn}, network_id: {Ref: Net}}
Outputs:
  States:
    Value:
      "Fn::Join": [" ", [{"Fn::GetAtt": [Vpn, status]}, {"Fn::GetAtt": [OfNet, status]}]]
"""


@pytest.fixture
def here(west: Region, heat: Heat) -> Iterator[Compute]:
    """This site, the only one, with its compute API."""
    from tests.vtn_site import introduce

    introduce(west)
    heat.served.always = west.work
    with compute.serve("west") as served:
        heat.served.elsewhere |= served.endpoints
        yield served
        for place in served.endpoints:
            del heat.served.elsewhere[place]


@pytest.fixture
def query(heat: Heat) -> Signed:
    """Signs as a member of the red project."""
    return Signed(heat.cloudformation, "west", KNOWN[0], SECRET)


def test_a_stack_is_made_described_changed_and_deleted_by_signed_queries(
    query: Signed, heat: Heat, here: Compute, west: Region
) -> None:
    """Ids stay as they are where it is changed; what it is made of is told, and it is red's."""
    made = query.create("cfn", TEMPLATE, Called="shop")
    assert made["Status"] == "ACTIVE"
    assert made["Address"]
    assert made["Site"] == "west"
    assert here.called("shop-web")["id"] == made["Web"]
    told = query.resources("cfn")
    assert {each["ResourceStatus"] for each in told.values()} == {"CREATE_COMPLETE"}
    assert told["Shop"]["PhysicalResourceId"] == made["Shop"]
    assert told["Shop"]["ResourceType"] == "OS::Isthmus::VirtualTenantNetwork"
    assert heat.show("cfn").state == "CREATE_COMPLETE"

    changed = query.update("cfn", TEMPLATE, Called="other", Motto="second", Count=1)
    assert {key: changed[key] for key in ("Shop", "Web")} == {
        key: made[key] for key in ("Shop", "Web")
    }
    assert changed["Second"] == "west"
    assert here.called("other-web")["metadata"]["motto"] == "second"
    assert len(here.servers) == 2

    query.delete("cfn")
    assert not here.servers
    assert not west.networks()


def test_a_vpn_and_what_is_in_it_are_made_by_an_operators_signed_query(
    query: Signed, heat: Heat
) -> None:
    """Which lists, numbers and references come to as they are written."""
    operator = replace(query, access=KNOWN[-1])
    made = operator.create("vpn", OF_OPERATORS)
    assert made["States"] == "ACTIVE ACTIVE"
    told = operator.resources("vpn")
    assert told["OfNet"]["ResourceStatus"] == "CREATE_COMPLETE"
    operator.delete("vpn")


def test_what_a_template_may_not_say_is_told_in_the_apis_form(query: Signed, here: Compute) -> None:
    """With a sentence of the resource's; nothing is made."""
    with pytest.raises(ClientError) as refused:
        query.create("bad", TEMPLATE, Called="shop", Prefixes="nonsense")
    answer = refused.value.response
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert answer["Error"]["Code"] == "InvalidParameterValue"
    assert "nonsense" in answer["Error"]["Message"]
    with pytest.raises(ClientError) as unknown:
        query.resources("bad")
    assert unknown.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400


def test_who_signs_wrongly_is_refused_and_others_stacks_are_not_shown(
    query: Signed, heat: Heat
) -> None:
    """By another secret, by nobody's key; the other project sees none of ours."""
    assert replace(query, secret="0" * 32).refused_with() == (403, "AccessDenied")
    assert replace(query, access="nobody").refused_with() == (403, "InvalidClientTokenId")
    assert query.refused_with() is None
    heat.create("mine", "heat_template_version: 2021-04-16")
    other = replace(query, access=KNOWN[1])
    assert query.client.describe_stacks(StackName="mine")["Stacks"]
    with pytest.raises(ClientError):
        other.client.describe_stacks(StackName="mine")
    assert "mine" not in {
        each["StackName"] for each in other.client.list_stacks()["StackSummaries"]
    }
    heat.delete("mine")


def test_the_shop_of_the_examples_says_the_same_in_both_forms(
    query: Signed, heat: Heat, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Parameters with their defaults, types of resources, what servers do; Heat takes both."""
    texts = [(EXAMPLES / f"two-region-shop{end}").read_text() for end in (".yaml", ".cfn.yaml")]
    ours, theirs = (yaml.safe_load(text) for text in texts)
    assert _theirs(ours["parameters"], "default") == _values(theirs["Parameters"], "Default")
    assert _theirs(ours["resources"], "type") == _values(theirs["Resources"], "Type")
    assert set(theirs["Outputs"]) < set(_theirs(ours["outputs"], "value"))
    for server in ("web", "database"):
        said = ours["resources"][server]["properties"]["user_data"]
        said = said if isinstance(said, str) else said["str_replace"]["template"]
        script = theirs["Resources"][server.title()]["Properties"]["user_data"]["Fn::Replace"][1]
        # The ports are the mapping's, as the outer one is the server's own.
        ports = {"$from": "8000", "$port": {"web": "8080", "database": "8000"}[server]}
        for word, port in ports.items():
            script = script.replace(word, port)
        assert script == said
    own = dict.fromkeys(
        [("orchestration", "west"), ("cloudformation", "west")], heat.cloudformation
    )
    monkeypatch.setattr(heat.served, "elsewhere", heat.served.elsewhere | own)
    taken = heat.ask("POST", "/validate", {"template": texts[0]})
    assert taken.status_code == 200, taken.text
    described = query.client.validate_template(TemplateBody=texts[1])["Parameters"]
    assert {each["ParameterKey"] for each in described} == set(theirs["Parameters"])


def _values(found: Mapping[str, Any], key: str) -> dict[str, Any]:
    return {name: found[name].get(key) for name in found}


def _theirs(found: Mapping[str, Any], key: str) -> dict[str, Any]:
    camel = {name: "".join(word.title() for word in name.split("_")) for name in found}
    return {camel[name]: value for name, value in _values(found, key).items()}
