# SPDX-License-Identifier: Apache-2.0
"""Every refusal is a sentence a tenant understands; everything else is let through."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address, ip_network

import pytest

from isthmus.db.records import Kind, SubnetRecord, VpnRecord
from isthmus.model.errors import IntentConflict, InvalidValue, NotPermitted
from isthmus.plugin import validate
from isthmus.plugin.validate import Member

VPN = VpnRecord(
    id="vpn",
    project_id="red",
    name="",
    type="l3",
    vni=None,
    targets=(("both", "64500:1"),),
    rds=(),
    network_ids=("net-2",),
    generation=1,
    was_dispatched=True,
    dispatched_at=None,
    refusal="",
    refusal_for_tenant="",
)


def network(name: str, *prefixes: str, kind: Kind = Kind.NETWORK) -> Member:
    """Make a network whose subnets have their first address as gateway."""
    parsed = [ip_network(prefix) for prefix in prefixes]
    subnets = (SubnetRecord(f"{name}-{p}", p, ip_address(p[p.num_addresses > 1])) for p in parsed)
    return Member(kind, name, tuple(subnets))


def router(name: str, *prefixes: str) -> Member:
    """Make a router with interfaces on subnets."""
    return network(name, *prefixes, kind=Kind.ROUTER)


def port(name: str, *addresses: str) -> Member:
    """Make a port."""
    return network(name, *addresses, kind=Kind.PORT)


def request(
    joining: Member,
    *others: Member,
    project: str = "red",
    gateway_owners: dict[str, str] | None = None,
    is_external: bool = False,
    rivals: dict[str, str] | None = None,
) -> validate.AssociationRequest:
    """Ask for ``joining`` to join the VPN that ``others`` are in."""
    return validate.AssociationRequest(
        joining=joining,
        project_id=project,
        is_external=is_external,
        vpn=VPN,
        others=others,
        gateway_owners={
            subnet.id: (subnet, gateway_owners[subnet.id])
            for subnet in joining.subnets
            if gateway_owners and subnet.id in gateway_owners
        },
        rivals=rivals or {},
    )


@pytest.mark.parametrize(
    "joining",
    [
        network("net-1", "10.1.0.0/24"),
        network("net-1"),
        network("net-1", "2001:db8::/64"),
        network("net-1", "10.2.1.0/24", "10.3.0.0/16"),
        router("router-1", "10.2.1.0/24", "2001:db8::/64"),
        router("router-1"),
        port("port-1", "10.1.0.5/32"),
    ],
    ids=[
        *("one subnet", "no subnet yet", "IPv6 only", "two subnets"),
        *("router", "router without interfaces", "port"),
    ],
)
def test_what_is_of_the_project_may_join(joining: Member) -> None:
    """Also a network without a subnet: subnets can come later."""
    validate.check_association(request(joining, network("net-2", "10.2.0.0/24")))


@pytest.mark.parametrize("prefix", ["10.2.0.0/24", "10.2.0.128/25", "10.0.0.0/8", "2001:db8::/32"])
def test_a_network_that_overlaps_another_of_the_vpn_is_refused(prefix: str) -> None:
    """The sentence names both subnets."""
    with pytest.raises(IntentConflict, match=r"Subnet .* of network net-1 overlaps .* net-2"):
        validate.check_association(
            request(network("net-1", prefix), network("net-2", "10.2.0.0/24", "2001:db8:2::/64"))
        )


@pytest.mark.parametrize(
    ("joining", "other", "sentence"),
    [
        (
            router("router-1", "10.2.0.0/24"),
            network("net-2", "10.2.0.0/16"),
            r"Subnet 10\.2\.0\.0/24 of router router-1 overlaps subnet 10\.2\.0\.0/16 of network",
        ),
        (
            port("port-1", "10.2.0.5/32"),
            router("router-2", "10.2.0.0/24"),
            r"Address 10\.2\.0\.5/32 of port port-1 overlaps subnet 10\.2\.0\.0/24 of router",
        ),
    ],
)
def test_routers_and_ports_overlap_too(joining: Member, other: Member, sentence: str) -> None:
    """Whatever kind either is."""
    with pytest.raises(IntentConflict, match=sentence):
        validate.check_association(request(joining, other))


def test_what_is_another_projects_is_named_to_the_operator_alone() -> None:
    """Neither it nor its prefix, to a project that the VPN is shared with."""
    hidden = replace(network("net-2", "10.2.0.0/24"), is_hidden=True)
    with pytest.raises(IntentConflict) as refused:
        validate.check_association(request(network("net-1", "10.2.0.128/25"), hidden))
    assert "overlaps something of another project" in refused.value.for_tenant
    assert "net-2" not in refused.value.for_tenant
    assert "10.2.0.0/24" not in refused.value.for_tenant
    assert "subnet 10.2.0.0/24 of network net-2" in refused.value.for_operator


def test_a_port_of_a_network_that_is_in_the_vpn_may_join() -> None:
    """Its address is one of the network's, not another's."""
    whole = network("net-2", "10.2.0.0/24")
    address = SubnetRecord(whole.subnets[0].id, ip_network("10.2.0.5/32"), None)
    validate.check_association(request(Member(Kind.PORT, "port-1", (address,)), whole))


@pytest.mark.parametrize(
    ("joining", "rival"), [(network("net-1"), "router r"), (router("r"), "network net-1")]
)
def test_a_router_and_its_network_are_not_both_associated(joining: Member, rival: str) -> None:
    """In whatever VPNs, and whichever came first."""
    with pytest.raises(IntentConflict, match=f"attached to {rival}, .* BGP VPN other. Only one"):
        validate.check_association(request(joining, rivals={rival: "BGP VPN other"}))


@pytest.mark.parametrize("prefix", ["0.0.0.0/0", "::/0", "10.0.0.0/8", "2001:db8::/32"])
def test_a_prefix_that_is_routed_may_be_behind_a_port(prefix: str) -> None:
    """Everything too: a way out."""
    assert str(validate.check_route(prefix)) == prefix


@pytest.mark.parametrize(
    "prefix", ["10.0.0.1/8", "224.0.0.0/4", "fe80::/64", "ff02::/16", "127.0.0.0/8", "x", ""]
)
def test_a_prefix_that_is_never_routed_is_refused(prefix: str) -> None:
    """And one with host bits, which may be meant otherwise."""
    with pytest.raises(InvalidValue):
        validate.check_route(prefix)


@pytest.mark.parametrize("value", [-1, 2**32])
def test_a_local_preference_out_of_range_is_refused(value: int) -> None:
    """32 bits (RFC 4271 §5.1.5)."""
    with pytest.raises(InvalidValue, match="local_pref"):
        validate.check_local_pref(value)


def test_the_same_network_twice_is_refused() -> None:
    """One association says it all."""
    with pytest.raises(IntentConflict, match="already associated"):
        validate.check_association(request(network("net-2", "10.2.0.0/24")))


def test_somebody_elses_network_is_refused() -> None:
    """Also to an administrator: VPNs are of one project."""
    joining = request(network("net-1"), project="blue")
    with pytest.raises(NotPermitted, match="does not belong"):
        validate.check_association(joining)


def test_an_external_network_is_refused() -> None:
    """Its gateway is the provider's."""
    with pytest.raises(IntentConflict, match="external"):
        validate.check_association(request(network("net-1"), is_external=True))


@pytest.mark.parametrize(
    ("owner", "sentence"),
    [
        ("network:router_interface", "belongs to a router"),
        ("network:router_interface_distributed", "belongs to a router"),
        ("compute:nova", "in use by another port"),
        ("", "in use by another port"),
    ],
)
@pytest.mark.parametrize("prefix", ["10.1.0.0/24", "2001:db8:1::/64"])
def test_a_gateway_address_that_is_taken_is_refused(prefix: str, owner: str, sentence: str) -> None:
    """The PE could not answer for it."""
    joining = network("net-1", prefix)
    owners = {joining.subnets[0].id: owner}
    with pytest.raises(IntentConflict, match=f"{joining.subnets[0].gateway} .*{sentence}"):
        validate.check_association(request(joining, gateway_owners=owners))


@pytest.mark.parametrize(
    "value",
    [
        *("", "64500", "64500:", ":1", "x:1", "64500:1:2", "64500:-1", "\u0661:1"),
        *("64500:4294967296", "4294967296:1", "70000:65536", "192.0.2.256:1", "192.0.2.1:65536"),
    ],
)
def test_a_malformed_route_target_is_refused(value: str) -> None:
    """RFC 4360 §4, RFC 5668 §2: three forms, each with its ranges."""
    with pytest.raises(InvalidValue):
        validate.check_targets("route_targets", [value])


@pytest.mark.parametrize(
    "value", ["64500:4294967295", "4294967295:65535", "192.0.2.1:65535", "0:0"]
)
def test_a_wellformed_route_target_is_kept(value: str) -> None:
    """At the ends of each form's range."""
    assert validate.check_targets("route_targets", [value, value]) == [value]


def test_more_route_targets_than_a_route_can_carry_are_refused() -> None:
    """An UPDATE has 4096 octets (RFC 4271 §4.1), and a table has an end."""
    values = [f"64500:{number}" for number in range(validate.MAX_TARGETS + 1)]
    with pytest.raises(InvalidValue, match="more than"):
        validate.check_targets("import_targets", values)


def test_a_vpn_of_type_l2_is_refused_for_now() -> None:
    """Until EVPN is carried."""
    with pytest.raises(InvalidValue, match="'l2' are not supported yet"):
        validate.check_type("l2")


@pytest.mark.parametrize("text", ["\ud800", "a\0b"])
def test_text_that_no_database_keeps_is_refused(text: str) -> None:
    """Rather than an error deep inside."""
    with pytest.raises(InvalidValue, match="'name'"):
        validate.check_text("name", text)


@pytest.mark.parametrize("vni", [0, 2**24, -1])
def test_a_vni_out_of_range_is_refused(vni: int) -> None:
    """24 bits (RFC 7348 §4)."""
    with pytest.raises(InvalidValue):
        validate.check_vni(vni)
