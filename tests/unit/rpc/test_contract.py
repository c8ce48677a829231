# SPDX-License-Identifier: Apache-2.0
"""What one side encodes the other decodes, and nothing is half-read."""

from __future__ import annotations

import json
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isthmus.model.errors import InvalidValue
from isthmus.model.ids import RouteDistinguisher, RouteTarget
from isthmus.model.intent import (
    AttachedHost,
    AttachedPrefix,
    AttachedSubnet,
    AttachmentCircuit,
    Migration,
    RouterAdvertisement,
    VrfIntent,
)
from isthmus.model.report import NeighborReport, PeReport, VrfReport
from isthmus.rpc import contract

INTENT = VrfIntent(
    vpn_id="11111111-1111-4111-8111-111111111111",
    generation=7,
    import_rts=frozenset({RouteTarget.parse("64500:1"), RouteTarget.parse("192.0.2.1:2")}),
    export_rts=frozenset({RouteTarget.parse("64500:1")}),
    rd=RouteDistinguisher.parse("64500:9"),
    circuits=(
        AttachmentCircuit(
            network_id="22222222-2222-4222-8222-222222222222",
            port_id="33333333-3333-4333-8333-333333333333",
            mac="fa:16:3e:00:00:01",
            mtu=1442,
            subnets=(
                AttachedSubnet(IPv4Network("10.1.0.0/24"), IPv4Address("10.1.0.1")),
                AttachedSubnet(
                    IPv6Network("2001:db8:1::/64"),
                    IPv6Address("2001:db8:1::1"),
                    RouterAdvertisement.DHCPV6_STATELESS,
                ),
            ),
            hosts=(
                AttachedHost(
                    "44444444-4444-4444-8444-444444444444",
                    "fa:16:3e:00:00:02",
                    (IPv4Address("10.1.0.5"), IPv6Address("2001:db8:1::5")),
                ),
            ),
            prefixes=(AttachedPrefix(IPv4Network("10.9.0.0/16"), "fa:16:3e:00:00:03"),),
        ),
        AttachmentCircuit(
            network_id="55555555-5555-4555-8555-555555555555",
            port_id="66666666-6666-4666-8666-666666666666",
            mac="fa:16:3e:00:00:04",
            mtu=1442,
            subnets=(AttachedSubnet(IPv4Network("10.3.0.0/24"), IPv4Address("10.3.0.1")),),
            hosts=(
                AttachedHost(
                    "77777777-7777-4777-8777-777777777777",
                    "fa:16:3e:00:00:05",
                    (IPv4Address("10.3.0.5"),),
                    is_advertised=False,
                    migration=Migration.LEAVING,
                ),
                AttachedHost(
                    "88888888-8888-4888-8888-888888888888",
                    "fa:16:3e:00:00:08",
                    (IPv4Address("10.3.0.8"),),
                    migration=Migration.ARRIVING,
                ),
            ),
            prefixes=(
                AttachedPrefix(
                    IPv6Network("2001:db8:9::/48"),
                    "fa:16:3e:00:00:05",
                    "77777777-7777-4777-8777-777777777777",
                    local_pref=200,
                    migration=Migration.LEAVING,
                ),
                AttachedPrefix(
                    IPv4Network("10.8.0.0/16"),
                    "fa:16:3e:00:00:08",
                    "88888888-8888-4888-8888-888888888888",
                    migration=Migration.ARRIVING,
                ),
            ),
            is_whole=False,
            gateways=(IPv4Address("192.0.2.12"), IPv4Address("192.0.2.11")),
        ),
    ),
    local_pref=150,
)
REPORT = PeReport(
    pe="west-1",
    address=IPv4Address("192.0.2.11"),
    vrfs=(
        VrfReport(
            INTENT.vpn_id,
            7,
            is_in_force=False,
            reason="no LSP to 192.0.2.12",
            labels=(1000, 1001),
            routes_sent=3,
            routes_received=4,
        ),
    ),
    neighbors=(NeighborReport(IPv4Address("192.0.2.101"), is_established=True),),
    is_gateway=True,
    last_error="Open vSwitch refused the flows.",
    core_payload=1592,
)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=6,
)


def test_an_intent_survives_the_wire() -> None:
    """Encode, JSON, decode."""
    plain = json.loads(json.dumps(contract.encode_vrf_intent(INTENT)))
    assert contract.decode_vrf_intent(plain) == INTENT


def test_an_agent_from_before_ipv6_reads_the_ipv4_part() -> None:
    """It looks at the keys it knows, and refuses an intent with an IPv6 value in any of them."""
    (plain,) = contract.encode_vrf_intent(INTENT)["circuits"]
    assert plain["subnets"] == [{"prefix": "10.1.0.0/24", "gateway": "10.1.0.1"}]
    assert plain["hosts"][0]["addresses"] == ["10.1.0.5"]
    assert contract.VERSION == "1.0"


def test_an_older_agent_does_not_see_a_network_of_which_only_some_ports_are_in_the_vpn() -> None:
    """It would take all of it for the VPN's."""
    plain = contract.encode_vrf_intent(INTENT)
    assert [circuit["network_id"] for circuit in plain["circuits"]] == [
        INTENT.circuits[0].network_id
    ]
    del plain["port_circuits"], plain["local_pref"]
    del plain["circuits"][0]["prefixes"], plain["circuits"][0]["gateways"]
    read = contract.decode_vrf_intent(plain)
    assert read.local_pref is None
    assert [circuit.prefixes for circuit in read.circuits] == [()]


def test_an_older_agent_does_not_see_a_vm_before_it_runs_there() -> None:
    """It would attract what is for the VM while it runs elsewhere."""
    (circuit,) = contract.encode_vrf_intent(INTENT)["port_circuits"]
    assert [host["addresses"] for host in circuit["hosts"]] == [["10.3.0.5"]]
    assert [prefix["prefix"] for prefix in circuit["prefixes"]] == ["2001:db8:9::/48"]


def test_to_an_older_server_no_vm_moves() -> None:
    """It has a VM where Neutron's active binding is."""
    plain = contract.encode_vrf_intent(INTENT)
    for sent in (*plain["circuits"], *plain["port_circuits"]):
        del sent["arriving_hosts"], sent["arriving_prefixes"]
        for each in (*sent["hosts"], *sent["prefixes"]):
            del each["is_leaving"]
    read = contract.decode_vrf_intent(plain)
    for circuit in read.circuits:
        assert {host.migration for host in circuit.hosts} == {Migration.NONE}
        assert {prefix.migration for prefix in circuit.prefixes} <= {Migration.NONE}


def test_what_a_server_from_before_ipv6_sends_is_read() -> None:
    """It has no IPv6 to tell."""
    plain = contract.encode_vrf_intent(INTENT)
    (circuit,) = plain["circuits"]
    del circuit["subnets_ipv6"]
    del circuit["hosts"][0]["addresses_ipv6"]
    read = contract.decode_vrf_intent(plain).circuits[0]
    assert read.subnets == INTENT.circuits[0].subnets[:1]
    assert read.hosts[0].addresses == (IPv4Address("10.1.0.5"),)


@pytest.mark.parametrize(
    ("key", "value"),
    [("prefix", "10.1.0.0/24"), ("gateway", "10.1.0.1"), ("advertisement", "managed")],
)
def test_an_ipv6_subnet_with_a_wrong_part_is_refused(key: str, value: str) -> None:
    """Nothing is half-read."""
    plain = contract.encode_vrf_intent(INTENT)
    plain["circuits"][0]["subnets_ipv6"][0][key] = value
    with pytest.raises(InvalidValue):
        contract.decode_vrf_intent(plain)


def test_a_report_survives_the_wire() -> None:
    """Encode, JSON, decode."""
    plain = json.loads(json.dumps(contract.encode_pe_report(REPORT)))
    assert contract.decode_pe_report(plain) == REPORT


def test_a_report_of_an_older_agent_is_read_without_figures() -> None:
    """It knows neither labels nor counts of routes."""
    plain = contract.encode_pe_report(REPORT)
    for figure in ("labels", "routes_sent", "routes_received"):
        del plain["vrfs"][0][figure]
    (vrf,) = contract.decode_pe_report(plain).vrfs
    assert (vrf.labels, vrf.routes_sent, vrf.routes_received) == ((), 0, 0)
    assert vrf.reason == "no LSP to 192.0.2.12"


@given(key=st.sampled_from(sorted(contract.encode_vrf_intent(INTENT))), value=json_values)
def test_an_intent_with_one_wrong_part_is_refused_or_read_whole(key: str, value: Any) -> None:
    """Whatever stands in for a part, the decoder never fails in another way."""
    plain = {**contract.encode_vrf_intent(INTENT), key: value}
    try:
        intent = contract.decode_vrf_intent(plain)
    except InvalidValue:
        return
    assert isinstance(intent, VrfIntent)


@given(plain=st.dictionaries(st.text(max_size=8), json_values))
def test_junk_is_refused_as_a_report(plain: dict[str, Any]) -> None:
    """A message from a broken agent is one clear error."""
    with pytest.raises(InvalidValue):
        contract.decode_pe_report(plain)
