# SPDX-License-Identifier: Apache-2.0
"""Both IP versions beside each other."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest

from isthmus.model.errors import InvalidValue
from isthmus.model.intent import AttachedHost, AttachedSubnet
from isthmus.model.ip import AddressFamily, family_of, ip_order


def test_ipv4_comes_before_ipv6_and_short_prefixes_before_long_ones() -> None:
    """Python raises TypeError for such comparisons."""
    texts = ["10.0.0.0/8", "10.0.0.0/24", "10.1.0.0/24", "::/0", "2001:db8::/32"]
    prefixes = [ip_network(text) for text in texts]
    prefixes.reverse()
    assert [str(each) for each in sorted(prefixes, key=ip_order)] == texts
    addresses = [ip_address(text) for text in ("::1", "192.0.2.2", "192.0.2.1")]
    assert [str(each) for each in sorted(addresses, key=ip_order)] == [
        "192.0.2.1",
        "192.0.2.2",
        "::1",
    ]


def test_a_family_is_named_as_people_name_it() -> None:
    """And numbered as BGP numbers it (RFC 4760 §3)."""
    assert family_of(ip_network("10.0.0.0/8")) is AddressFamily.IPV4
    assert family_of(ip_address("::1")) is AddressFamily.IPV6
    assert (str(AddressFamily.IPV6), AddressFamily.IPV6.value) == ("IPv6", 2)


def test_subnets_and_hosts_of_both_families_can_be_sorted() -> None:
    """Two subnets of one network, two words about one host."""
    four = AttachedSubnet(ip_network("10.1.0.0/24"), ip_address("10.1.0.1"))
    six = AttachedSubnet(ip_network("2001:db8::/64"), ip_address("fe80::1"))
    assert sorted([six, four]) == [four, six]
    mac = "fa:16:3e:00:00:01"
    first = AttachedHost("vm", mac, (ip_address("10.1.0.5"),))
    second = AttachedHost("vm", mac, (ip_address("2001:db8::5"),))
    assert sorted([second, first]) == [first, second]


def test_a_gateway_is_of_its_subnets_family() -> None:
    """Nobody could reach it otherwise."""
    with pytest.raises(InvalidValue, match=r"10\.1\.0\.1"):
        AttachedSubnet(ip_network("2001:db8::/64"), ip_address("10.1.0.1"))
