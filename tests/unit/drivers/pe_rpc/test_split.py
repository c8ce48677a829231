# SPDX-License-Identifier: Apache-2.0
"""Each PE gets its own hosts, whole, and nothing of anybody else's."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network

from hypothesis import given
from hypothesis import strategies as st

from isthmus.drivers.pe_rpc.split import choose_rds, compare, split
from isthmus.model.ids import RouteDistinguisher, RouteTarget
from isthmus.model.intent import (
    AttachedHost,
    AttachedPrefix,
    AttachedSubnet,
    BoundHost,
    BoundPrefix,
    GatewayPort,
    Migration,
    NetworkAttachment,
    VpnIntent,
)

PES = ("pe-1", "pe-2", "pe-3")
RED = frozenset({RouteTarget.parse("64500:100")})


def bound(host_name: str, number: int) -> BoundHost:
    """Make a CE on a host."""
    address = IPv4Address("10.1.0.0") + number
    return BoundHost(
        host_name, AttachedHost(f"port-{number}", f"fa:16:3e:00:00:{number:02x}", (address,))
    )


def attachment(network_id: str, *hosts: BoundHost) -> NetworkAttachment:
    """Make an attached network."""
    return NetworkAttachment(
        network_id=network_id,
        port_id=f"attachment-{network_id}",
        mac="fa:16:3e:ff:00:01",
        mtu=1442,
        subnets=(AttachedSubnet(IPv4Network("10.1.0.0/24"), IPv4Address("10.1.0.1")),),
        hosts=hosts,
    )


def vpn(*attachments: NetworkAttachment, generation: int = 5) -> VpnIntent:
    """Make a VPN."""
    return VpnIntent("vpn", generation, RED, RED, (), attachments)


hosts = st.lists(
    st.builds(bound, st.sampled_from([*PES, "no-pe"]), st.integers(1, 250)),
    max_size=8,
    unique_by=lambda b: b.host.port_id,
)


def test_each_pe_gets_its_hosts_and_only_networks_that_have_some() -> None:
    """A PE plugs an attachment only where a host needs it."""
    parts = split(
        vpn(attachment("a", bound("pe-1", 1), bound("pe-2", 2)), attachment("b", bound("pe-2", 3))),
        PES,
    )
    assert set(parts) == {"pe-1", "pe-2"}
    assert [c.network_id for c in parts["pe-1"].circuits] == ["a"]
    assert [h.port_id for c in parts["pe-2"].circuits for h in c.hosts] == ["port-2", "port-3"]
    assert all(part.generation == 5 and part.import_rts == RED for part in parts.values())


@given(st.lists(hosts, max_size=3), st.randoms(use_true_random=False))
def test_every_host_on_a_pe_is_in_exactly_one_part_in_any_order(
    networks: list[list[BoundHost]], random: object
) -> None:
    """The outcome depends on the state, not on the path to it."""
    attachments = [attachment(f"net-{n}", *found) for n, found in enumerate(networks)]
    parts = split(vpn(*attachments), PES)
    given_hosts = sorted(
        (a.network_id, b.host_name, b.host.port_id)
        for a in attachments
        for b in a.hosts
        if b.host_name in PES
    )
    split_hosts = sorted(
        (circuit.network_id, pe, host.port_id)
        for pe, part in parts.items()
        for circuit in part.circuits
        for host in circuit.hosts
    )
    assert split_hosts == given_hosts
    backwards = [replace(a, hosts=tuple(reversed(a.hosts))) for a in reversed(attachments)]
    assert split(vpn(*backwards), tuple(reversed(PES))) == parts


def test_a_routers_prefixes_go_wherever_it_has_hosts_and_a_ports_where_the_port_is() -> None:
    """A router is on every host, but a PE without hosts of it has nobody to serve."""
    routed = AttachedPrefix(IPv4Network("10.1.0.0/24"), "fa:16:3e:00:00:aa")
    announced = AttachedPrefix(IPv4Network("10.8.0.0/16"), "fa:16:3e:00:00:02", "port-2")
    a = replace(
        attachment("a", bound("pe-1", 1)),
        prefixes=(BoundPrefix("", routed), BoundPrefix("pe-2", announced)),
    )
    b = replace(attachment("b", bound("pe-1", 3)), is_whole=False)
    parts = split(replace(vpn(b, a), local_pref=7), PES)
    assert {pe: part.local_pref for pe, part in parts.items()} == {"pe-1": 7, "pe-2": 7}
    assert [(c.network_id, c.is_whole) for c in parts["pe-1"].circuits] == [
        ("a", True),
        ("b", False),
    ]
    assert parts["pe-1"].circuits[0].prefixes == (routed,)
    assert parts["pe-2"].circuits[0].prefixes == (routed, announced)


def test_in_gateway_mode_each_gateway_gets_all_hosts_and_the_order_of_gateways() -> None:
    """Any of them may have to serve, and all have to agree on which."""
    gateways = (
        GatewayPort("pe-2", IPv4Address("192.0.2.12"), "gateway-2", "fa:16:3e:00:01:02"),
        GatewayPort("pe-1", IPv4Address("192.0.2.11"), "gateway-1", "fa:16:3e:00:01:01"),
    )
    a = replace(attachment("a", bound("pe-3", 1), bound("no-pe", 2)), gateways=gateways)
    parts = split(vpn(a), PES)
    assert set(parts) == {"pe-1", "pe-2"}
    circuits = {pe: part.circuits[0] for pe, part in parts.items()}
    assert {pe: circuit.port_id for pe, circuit in circuits.items()} == {
        "pe-1": "gateway-1",
        "pe-2": "gateway-2",
    }
    for circuit in circuits.values():
        assert [host.port_id for host in circuit.hosts] == ["port-1", "port-2"]
        assert circuit.gateways == (IPv4Address("192.0.2.12"), IPv4Address("192.0.2.11"))


def test_a_vm_that_moves_is_told_to_the_pe_it_leaves_and_to_the_one_it_is_about_to_reach() -> None:
    """The latter after those that are there, whatever their ids."""
    leaving, arriving = (
        replace(b, host=replace(b.host, migration=m))
        for b, m in ((bound("pe-1", 1), Migration.LEAVING), (bound("pe-2", 1), Migration.ARRIVING))
    )
    parts = split(vpn(attachment("a", leaving, arriving, bound("pe-2", 2))), PES)
    (here,), (there,) = (parts[pe].circuits for pe in ("pe-1", "pe-2"))
    assert here.hosts == (leaving.host,)
    assert there.hosts == (bound("pe-2", 2).host, arriving.host)


def test_in_gateway_mode_no_vm_moves() -> None:
    """OVN finds it, before and after."""
    gateways = (GatewayPort("pe-3", IPv4Address("192.0.2.13"), "gateway-3", "fa:16:3e:00:01:03"),)
    moving = [
        (replace(bound(pe, 1), host=replace(bound(pe, 1).host, migration=migration)), migration)
        for pe, migration in (("pe-1", Migration.LEAVING), ("pe-2", Migration.ARRIVING))
    ]
    prefixes = tuple(
        BoundPrefix(
            b.host_name,
            AttachedPrefix(
                IPv4Network("10.8.0.0/16"), b.host.mac, b.host.port_id, migration=migration
            ),
        )
        for b, migration in moving
    )
    network = attachment("a", *(b for b, _ in moving))
    (circuit,) = split(vpn(replace(network, gateways=gateways, prefixes=prefixes)), PES)[
        "pe-3"
    ].circuits
    assert circuit.hosts == (bound("pe-1", 1).host,)
    assert circuit.prefixes == (
        AttachedPrefix(IPv4Network("10.8.0.0/16"), circuit.hosts[0].mac, "port-1"),
    )


def test_an_rd_does_not_move_when_a_vm_does() -> None:
    """RDs go by rank among all PEs, so remote PEs see no route flap."""
    rds = tuple(RouteDistinguisher.parse(f"64500:{n}") for n in (1, 2))
    alone = replace(vpn(attachment("a", bound("pe-2", 1))), rds=rds)
    assert split(alone, PES)["pe-2"].rd == rds[1]


def test_pes_share_rds_where_they_are_fewer() -> None:
    """The API says that one of those listed is used, as is the one a pool gave."""
    rds = tuple(RouteDistinguisher.parse(f"64500:{n}") for n in (1, 2))
    assert choose_rds(rds, PES) == {"pe-1": rds[0], "pe-2": rds[1], "pe-3": rds[0]}
    assert set(choose_rds(rds[:1], PES).values()) == {rds[0]}
    assert choose_rds((), PES) == {}


def test_a_pe_is_told_what_it_lacks_and_what_it_has_in_excess() -> None:
    """By generation: the greater one is newer."""
    intent = vpn(attachment("a", bound("pe-1", 1)))
    part = split(intent, PES)["pe-1"]
    assert compare("pe-1", {}, [intent], PES) == ([part], [])
    assert compare("pe-1", {"vpn": 4}, [intent], PES) == ([part], [])
    assert compare("pe-1", {"vpn": 5}, [intent], PES) == ([], [])
    assert compare("pe-2", {"vpn": 5}, [intent], PES) == ([], ["vpn"])
    assert compare("pe-2", {}, [intent], PES) == ([], [])
