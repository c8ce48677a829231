# SPDX-License-Identifier: Apache-2.0
"""From what the tables say to what PEs are asked."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from ipaddress import IPv4Network, ip_address, ip_network

from isthmus.db.compose import Picture, compose
from isthmus.db.records import (
    AssociationRecord,
    AttachmentRecord,
    CustomerPort,
    Kind,
    NetworkRecord,
    PortRoute,
    RoutedSubnet,
    RouterRecord,
    SubnetRecord,
    TransitRecord,
    VpnRecord,
)
from isthmus.model.intent import Migration

LONG_AGO = datetime(2026, 1, 1)
MAC, PORT_MAC, ROUTER_MAC = "02:00:00:00:00:01", "02:00:00:00:00:02", "02:00:00:00:00:03"
NET = SubnetRecord("s-net", ip_network("10.1.0.0/24"), ip_address("10.1.0.1"))
BARE = SubnetRecord("s-bare", ip_network("10.5.0.0/24"), None)
BEHIND = SubnetRecord("s-behind", ip_network("10.2.0.0/24"), ip_address("10.2.0.1"))
BEHIND_6 = SubnetRecord("s-behind-6", ip_network("2001:db8::/64"), ip_address("2001:db8::1"))
TRANSIT = SubnetRecord("s-t", ip_network("169.254.0.0/29"), ip_address("169.254.0.2"))
TRANSIT_6 = SubnetRecord("s-t-6", ip_network("fd69::/64"), ip_address("fd69::2"))
VPN = VpnRecord(
    id="vpn",
    project_id="red",
    name="",
    type="l3",
    vni=None,
    targets=(("both", "64500:1"), ("import", "64500:2")),
    rds=(),
    network_ids=(),
    generation=1,
    was_dispatched=True,
    dispatched_at=None,
    refusal="",
    refusal_for_tenant="",
    local_pref=150,
)
PORTS = (
    CustomerPort("net", "p-1", PORT_MAC, "pe-1", "s-net", ip_address("10.1.0.5")),
    CustomerPort("net", "p-1", PORT_MAC, "pe-1", "s-bare", ip_address("10.5.0.5")),
    CustomerPort("net", "p-2", PORT_MAC, "pe-2", "s-net", ip_address("10.1.0.6")),
    CustomerPort("lan", "p-3", PORT_MAC, "pe-2", "s-behind", ip_address("10.2.0.7")),
)
ROUTER = RouterRecord(
    "router",
    (RoutedSubnet("lan", BEHIND),),
    (
        (ip_network("198.51.100.0/24"), ip_address("10.2.0.9")),
        (ip_network("10.0.0.0/8"), ip_address("169.254.0.2")),
    ),
    frozenset(),
)
PICTURE = Picture(
    vpn=VPN,
    associations=(),
    networks={
        "net": NetworkRecord("net", 1450, (NET, BARE)),
        "transit": NetworkRecord("transit", 1400, (TRANSIT, TRANSIT_6)),
    },
    attached={
        name: AttachmentRecord(name, f"{name}-port", LONG_AGO, MAC, ())
        for name in ("net", "transit")
    },
    gateways={},
    passed_on={"other": frozenset({ip_network("10.7.0.0/24"), ip_network("10.8.0.0/24")})},
    ports=PORTS,
    routers={"router": ROUTER},
    transits={
        "router": TransitRecord(
            "router", "transit", "rp", IPv4Network("169.254.0.0/29"), LONG_AGO, ROUTER_MAC
        )
    },
)


def association(kind: Kind, target_id: str, **attributes: object) -> AssociationRecord:
    """One of the VPN."""
    made = AssociationRecord(kind, f"a-{target_id}", "red", "vpn", target_id)
    return replace(made, **attributes)  # type: ignore[arg-type]  # attributes of the record


def hosts(picture: Picture) -> list[tuple[str, list[str]]]:
    """Ports and their addresses in the one attachment of an intent."""
    (attachment,) = compose(picture).attachments
    return [(b.host.port_id, [str(a) for a in b.host.addresses]) for b in attachment.hosts]


def test_a_network_has_all_its_hosts_by_the_addresses_that_are_carried() -> None:
    """And the VPN's own attributes."""
    wanted = compose(replace(PICTURE, vpn=replace(VPN, network_ids=("net",))))
    (attachment,) = wanted.attachments
    assert (attachment.is_whole, attachment.mac, attachment.mtu) == (True, MAC, 1450)
    assert [str(subnet.prefix) for subnet in attachment.subnets] == ["10.1.0.0/24"]
    assert hosts(replace(PICTURE, vpn=replace(VPN, network_ids=("net",)))) == [
        ("p-1", ["10.1.0.5"]),
        ("p-2", ["10.1.0.6"]),
    ]
    assert wanted.local_pref == 150
    assert {str(rt) for rt in wanted.import_rts} == {"64500:1", "64500:2"}
    assert {str(rt) for rt in wanted.export_rts} == {"64500:1"}


def test_a_vm_that_moves_is_on_two_hosts_with_what_it_has_behind_it() -> None:
    """Until it runs on the one, it runs on the other."""
    ports = (replace(PORTS[0], moves_to="pe-9"), *PORTS[2:])
    routes = (PortRoute(ip_network("198.51.100.0/24"), None, None),)
    member = association(Kind.PORT, "p-1", routes=routes)
    (attachment,) = compose(replace(PICTURE, ports=ports, associations=(member,))).attachments
    expected = [("pe-1", Migration.LEAVING), ("pe-9", Migration.ARRIVING)]
    assert [(b.host_name, b.host.migration) for b in attachment.hosts] == expected
    assert [(b.host_name, b.prefix.migration) for b in attachment.prefixes] == expected


def test_behind_a_router_a_vm_that_moves_does_not() -> None:
    """OVN takes what the PE gives the router to wherever the VM runs."""
    ports = (replace(PORTS[3], moves_to="pe-9"),)
    member = association(Kind.ROUTER, "router")
    (attachment,) = compose(replace(PICTURE, ports=ports, associations=(member,))).attachments
    assert [(b.host_name, b.host.migration) for b in attachment.hosts] == [("pe-2", Migration.NONE)]


def test_what_has_no_attachment_is_left_out() -> None:
    """Network, router and port alike."""
    members = (association(Kind.ROUTER, "router"), association(Kind.PORT, "p-1"))
    vpn = replace(VPN, network_ids=("net",))
    assert compose(replace(PICTURE, vpn=vpn, associations=members, attached={})).attachments == ()


def test_a_router_that_has_no_interface_yet_is_left_out() -> None:
    """Its MAC is not known."""
    transit = replace(PICTURE.transits["router"], router_mac=None)
    members = (association(Kind.ROUTER, "router"),)
    picture = replace(PICTURE, associations=members, transits={"router": transit})
    assert compose(picture).attachments == ()


def test_a_routers_own_routes_towards_the_pe_are_never_advertised() -> None:
    """Its tenant's are, unless the tenant says otherwise; its subnets always."""
    for is_advertising, expected in (
        (True, ["10.2.0.0/24", "198.51.100.0/24"]),
        (False, ["10.2.0.0/24"]),
    ):
        member = association(Kind.ROUTER, "router", is_advertising=is_advertising)
        (attachment,) = compose(replace(PICTURE, associations=(member,))).attachments
        assert [str(bound.prefix.prefix) for bound in attachment.prefixes] == expected
        assert {(b.host_name, b.prefix.mac) for b in attachment.prefixes} == {("", ROUTER_MAC)}
        assert [(b.host.port_id, b.host.mac) for b in attachment.hosts] == [("p-3", ROUTER_MAC)]


def test_the_transit_network_is_of_the_families_behind_the_router() -> None:
    """An IPv6 prefix of its own only for routers that have IPv6 subnets."""
    member = association(Kind.ROUTER, "router")
    dual = replace(ROUTER, subnets=(*ROUTER.subnets, RoutedSubnet("lan", BEHIND_6)))
    for router, expected in ((ROUTER, ["169.254.0.2"]), (dual, ["169.254.0.2", "fd69::2"])):
        picture = replace(PICTURE, associations=(member,), routers={"router": router})
        (attachment,) = compose(picture).attachments
        assert [str(subnet.gateway) for subnet in attachment.subnets] == expected


def test_a_port_brings_itself_and_what_is_behind_it() -> None:
    """Not its network, unless that is in the VPN too."""
    routes = (PortRoute(ip_network("198.51.100.0/24"), None, 7),)
    member = association(Kind.PORT, "p-1", is_advertising=False, routes=routes)
    for network_ids, is_whole, ports in (((), False, ["p-1"]), (("net",), True, ["p-1", "p-2"])):
        vpn = replace(VPN, network_ids=network_ids)
        (attachment,) = compose(replace(PICTURE, vpn=vpn, associations=(member,))).attachments
        assert attachment.is_whole is is_whole
        assert [bound.host.port_id for bound in attachment.hosts] == ports
        assert attachment.hosts[0].host.is_advertised is is_whole
        (bound,) = attachment.prefixes
        assert (bound.host_name, bound.prefix.port_id, bound.prefix.local_pref) == (
            "pe-1",
            "p-1",
            7,
        )


def test_a_port_passes_on_what_another_vpn_has_unless_it_names_it_itself() -> None:
    """Each prefix once."""
    routes = (
        PortRoute(None, "other", 5),
        PortRoute(ip_network("10.8.0.0/24"), None, 9),
        PortRoute(None, "gone", None),
    )
    member = association(Kind.PORT, "p-1", routes=routes)
    (attachment,) = compose(replace(PICTURE, associations=(member,))).attachments
    assert [(str(b.prefix.prefix), b.prefix.local_pref) for b in attachment.prefixes] == [
        ("10.7.0.0/24", 5),
        ("10.8.0.0/24", 9),
    ]


def test_two_ports_of_one_network_share_its_attachment() -> None:
    """Each on its own host."""
    members = (association(Kind.PORT, "p-1"), association(Kind.PORT, "p-2"))
    assert hosts(replace(PICTURE, associations=members)) == [
        ("p-1", ["10.1.0.5"]),
        ("p-2", ["10.1.0.6"]),
    ]


def test_a_port_that_is_bound_nowhere_is_left_out() -> None:
    """It is no CE of anybody."""
    member = association(Kind.PORT, "p-9")
    assert compose(replace(PICTURE, associations=(member,))).attachments == ()
