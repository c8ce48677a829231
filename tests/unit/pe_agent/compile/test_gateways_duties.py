# SPDX-License-Identifier: Apache-2.0
"""What a PE advertises and forwards as the gateway of a network, and while it stands by."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import IPv4Address, ip_network

from isthmus.model.gateways import GatewayView
from isthmus.model.intent import AttachmentCircuit
from isthmus.model.route import VpnRoute
from isthmus.pe_agent.compile import pipeline
from isthmus.pe_agent.compile.compiler import compile_pe
from isthmus.pe_agent.compile.inputs import Compiled, Inputs, Numbers
from tests import actors
from tests.actors import CORE_PORT, LABELS, PE1, PE2, PE3, RED_PORT

NETWORK = replace(
    actors.circuit("red-west", "10.1.0.0/24", actors.host("ce-elsewhere", "10.1.0.5")),
    gateways=(PE2, PE1),
)
HOST = ip_network("10.1.0.5/32")
ALONE = GatewayView()
PREFERRED_IS_ALIVE = GatewayView(alive=frozenset({PE2}))
ROUTE_OF_PREFERRED = actors.route("10.1.0.5/32", PE2, label=700)


def compiled(
    view: GatewayView,
    *routes: VpnRoute,
    network: AttachmentCircuit = NETWORK,
    own: IPv4Address = PE1,
) -> Compiled:
    """Compile one of the gateways; no VM runs on its host."""
    inputs = Inputs(
        intents={"red": actors.intent("red", network)},
        routes=frozenset(routes),
        core_port=CORE_PORT,
        circuit_ports={network.port_id: RED_PORT},
        plugged_hosts=frozenset(),
        numbers=Numbers(),
        gateways=view,
    )
    return compile_pe(actors.provider_edge(own), LABELS, inputs)


def flows(done: Compiled, table: int) -> list[str]:
    """The flows of one table, as Open vSwitch reads them."""
    return [str(flow) for flow in done.flows if flow.table == table]


def test_a_gateway_serves_hosts_that_run_elsewhere() -> None:
    """It advertises them with a preference above that of whom it stands in for."""
    (route,) = compiled(ALONE).routes
    assert (route.prefix, route.next_hop, route.local_pref) == (HOST, PE1, 101)
    (preferred,) = compiled(GatewayView(), own=PE2).routes
    assert preferred.local_pref == 100


def test_one_that_stands_by_is_preferred_by_nobody() -> None:
    """But heard of, should the other one vanish."""
    (route,) = compiled(PREFERRED_IS_ALIVE).routes
    assert (route.prefix, route.local_pref) == (HOST, 0)


def test_only_the_gateway_answers_for_the_gateways_address() -> None:
    """Two answers would leave half of the hosts with each."""
    assert any("arp_tpa=10.1.0.1" in flow for flow in flows(compiled(ALONE), pipeline.ATTACHMENT))
    standing_by = flows(compiled(PREFERRED_IS_ALIVE), pipeline.ATTACHMENT)
    assert not any("arp_tpa" in flow for flow in standing_by)


def test_another_gateway_that_announces_itself_is_not_answered() -> None:
    """OVN would take the answer for a claim of the address."""
    asked = [f for f in flows(compiled(ALONE), pipeline.ATTACHMENT) if "arp_spa=10.1.0.1," in f]
    (ignored,) = (flow for flow in asked if "priority=110" in flow)
    assert ignored.endswith("actions=drop")
    distributed = replace(NETWORK, gateways=())
    assert not any(
        "arp_spa=10.1.0.1," in f for f in flows(compiled(ALONE, network=distributed), 10)
    )


def test_hosts_hear_of_the_gateway_and_of_no_other() -> None:
    """From its port on their network."""
    assert list(compiled(ALONE).announcements) == [RED_PORT]
    assert not compiled(PREFERRED_IS_ALIVE).announcements


def test_what_hosts_still_send_to_one_that_stands_by_is_forwarded() -> None:
    """They hear of the new gateway one by one."""
    remote = actors.route("10.2.0.7/32", PE3, label=800)
    done = compiled(PREFERRED_IS_ALIVE, remote)
    assert any(
        f"eth_dst={NETWORK.mac}" in flow.replace("dl_dst", "eth_dst")
        for flow in flows(done, pipeline.ATTACHMENT)
    )
    assert any("10.2.0.7" in flow for flow in flows(done, pipeline.FIB))


def test_one_that_stands_by_delivers_what_the_core_brings() -> None:
    """Some PE has not heard of the new gateway yet."""
    done = compiled(PREFERRED_IS_ALIVE, ROUTE_OF_PREFERRED)
    delivered = [
        flow
        for flow in flows(done, pipeline.PATH)
        if f"in_port={CORE_PORT}" in flow and actors.mac_of("ce-elsewhere") in flow
    ]
    assert len(delivered) == 1
    (label,) = {route.label for route in done.routes}
    assert any(f"mpls_label={label}" in flow for flow in flows(done, pipeline.VPN_LABEL))


def test_other_networks_of_one_that_stands_by_use_the_gateway() -> None:
    """OVN would drop the replies, which leave by the gateway's port."""
    done = compiled(PREFERRED_IS_ALIVE, ROUTE_OF_PREFERRED)
    chosen = [flow for flow in flows(done, pipeline.PATH) if "reg4=0" in flow]
    assert len(chosen) == 1
    assert "set_field:700->reg1" in chosen[0]


def test_where_nobody_serves_one_that_stands_by_does_what_it_can() -> None:
    """Between one gateway's end and the next one's start."""
    done = compiled(GatewayView(is_settled=False))
    assert any(actors.mac_of("ce-elsewhere") in flow for flow in flows(done, pipeline.FIB))
