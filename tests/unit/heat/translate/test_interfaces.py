# SPDX-License-Identifier: Apache-2.0
"""What is between the interfaces that a template wants and those a server has."""

from __future__ import annotations

from typing import Any

import pytest

from isthmus.heat.translate.interfaces import (
    Present,
    Wanted,
    addresses_of,
    bound,
    check,
    difference,
    is_choosy,
    live,
    present,
)

SHOP, ADMIN = "n-shop", "n-admin"
FIRST = Present("p-1", SHOP, ("10.0.0.5",))
SECOND = Present("p-2", ADMIN, ("192.0.2.5",))


def test_a_creation_names_a_port_or_a_network_with_an_address_or_without() -> None:
    """As the compute API has it; an attachment has its own words."""
    assert Wanted(SHOP).body() == {"uuid": SHOP}
    assert Wanted(SHOP, address="10.0.0.5").body() == {"uuid": SHOP, "fixed_ip": "10.0.0.5"}
    assert Wanted(port_id="p-1").body() == {"port": "p-1"}
    assert Wanted(SHOP).attachment() == {"net_id": SHOP}
    assert Wanted(port_id="p-1").attachment() == {"port_id": "p-1"}
    fixed = {"net_id": SHOP, "fixed_ips": [{"ip_address": "10.0.0.5"}]}
    assert Wanted(SHOP, address="10.0.0.5").attachment() == fixed


def test_what_is_as_wanted_is_left_alone() -> None:
    """In whatever order the API tells it."""
    assert difference([Wanted(SHOP), Wanted(ADMIN)], [SECOND, FIRST]) == ([], [])
    assert difference([Wanted(port_id="p-1"), Wanted(ADMIN)], [SECOND, FIRST]) == ([], [])


def test_only_what_differs_is_taken_off_and_put_on() -> None:
    """One network more, one less, another address."""
    assert difference([Wanted(SHOP), Wanted(ADMIN)], [FIRST]) == ([], [Wanted(ADMIN)])
    assert difference([Wanted(SHOP)], [FIRST, SECOND]) == ([SECOND], [])
    other = Wanted(SHOP, address="10.0.0.9")
    assert difference([other], [FIRST]) == ([FIRST], [other])


def test_who_asks_for_a_certain_port_or_address_comes_first() -> None:
    """Who asks for any takes another."""
    also = Present("p-3", SHOP, ("10.0.0.9",))
    wanted = [Wanted(SHOP), Wanted(SHOP, address="10.0.0.5")]
    assert difference(wanted, [FIRST, also]) == ([], [])
    assert difference([Wanted(SHOP), Wanted(port_id="p-1")], [FIRST]) == ([], [Wanted(SHOP)])


def test_certain_ports_and_addresses_are_given_up_for_a_server_that_takes_the_place() -> None:
    """Others are made anew for it."""
    assert bound([Wanted(SHOP), Wanted(port_id="p-2")], [FIRST, SECOND]) == [SECOND]
    assert bound([Wanted(SHOP, address="10.0.0.5"), Wanted(ADMIN)], [FIRST, SECOND]) == [FIRST]
    assert is_choosy({"fixed_ip": "10.0.0.5"})
    assert is_choosy({"networks": [{"network": "n"}, {"port": "p"}]})
    assert not is_choosy({"port": None, "networks": [{"network": "n"}]})


def test_what_the_api_shows_is_read() -> None:
    """Also of an interface without an address."""
    shown = {"port_id": "p-1", "net_id": SHOP, "fixed_ips": [{"ip_address": "10.0.0.5"}]}
    assert present([shown, {"port_id": "p-2", "net_id": ADMIN}]) == [FIRST, Present("p-2", ADMIN)]
    assert live([FIRST]) == [{"port": "p-1"}]


@pytest.mark.parametrize(
    ("properties", "sentence"),
    [
        ({"port": "p", "fixed_ip": "10.0.0.5"}, "give port or fixed_ip"),
        ({"networks": [{"network": None, "port": None}]}, ""),
        ({"networks": [{"network": "n", "port": "p"}]}, "one of them"),
        ({"networks": [{"port": "p", "fixed_ip": "10.0.0.5"}]}, "goes with a network"),
        ({"port": "p", "networks": [{"network": "n", "fixed_ip": "192.0.2.5"}]}, ""),
        ({"networks": None}, ""),
    ],
)
def test_what_contradicts_itself_is_told(properties: dict[str, Any], sentence: str) -> None:
    """Before anything is made."""
    assert sentence in check(properties)
    assert bool(sentence) == bool(check(properties))


def test_addresses_are_told_by_name_and_id_of_their_network_with_their_ports() -> None:
    """A floating one has no port of the server's; what the API does not tell is not made up."""
    mac = "fa:16:3e:00:00:01"
    fixed = {"addr": "10.0.0.5", "OS-EXT-IPS-MAC:mac_addr": mac, "OS-EXT-IPS:type": "fixed"}
    floating = fixed | {"addr": "192.0.2.9", "OS-EXT-IPS:type": "floating"}
    interface = {"port_id": "p-1", "net_id": SHOP, "mac_addr": mac}
    told = addresses_of({"shop": [fixed, floating]}, [interface])
    assert told["shop"] == told[SHOP] == [fixed | {"port": "p-1"}, floating | {"port": None}]
    assert addresses_of({"shop": [{"addr": "10.0.0.5"}]}, []) == {
        "shop": [{"addr": "10.0.0.5", "port": None}]
    }
