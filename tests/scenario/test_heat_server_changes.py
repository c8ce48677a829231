# SPDX-License-Identifier: Apache-2.0
"""A server in the other cloud that a stack changes in place: size, disk, words, interfaces.

Nova does it there, to an emulated guest, which boots again each time.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from functools import partial
from ipaddress import IPv4Address
from typing import Any
from uuid import uuid4

import pytest

from lab import control, topology
from lab.demo import guest
from lab.demo.cloud import ADMIN, Cloud
from lab.demo.tenants import Server
from lab.waiting import wait_until
from tests.scenario import figures, length, orchestra

pytestmark = [length.only_long, pytest.mark.timeout(900)]
BOOT_S, GONE_S = 120, 60
WIDER_MIB = 192
TEMPLATE = """
heat_template_version: 2021-04-16
parameters:
  name: {type: string}
  near: {type: string}
  far: {type: string}
  image: {type: string}
  flavor: {type: string}
  word: {type: string}
  networks: {type: json}
resources:
  shop:
    type: OS::Isthmus::VirtualTenantNetwork
    properties:
      name: {get_param: name}
      prefixes: [10.94.0.0/16]
      members: [{get_param: near}, {get_param: far}]
  base:
    type: OS::Isthmus::InterconnectedServer
    properties:
      name: {get_param: name}
      virtual_tenant_network: {get_resource: shop}
      site: {get_param: far}
      image: {get_param: image}
      flavor: {get_param: flavor}
      networks: {get_param: networks}
      user_data_update_policy: REBUILD
      user_data:
        str_replace:
          params: {$word: {get_param: word}}
          template: |
            #!/bin/sh
            echo $word >/tmp/word
outputs:
  id: {value: {get_resource: base}}
  address: {value: {get_attr: [base, first_address]}}
"""


@pytest.fixture
def clouds() -> Iterator[list[Cloud]]:
    """Red's cloud at each site; afterwards no stack of a test is there."""
    clouds = [Cloud(site.name, "red") for site in topology.load().sites]
    orchestra.forget_stacks(clouds[0])
    yield clouds
    orchestra.forget_stacks(clouds[0])


@pytest.fixture
def name(clouds: list[Cloud]) -> Iterator[str]:
    """Of the stack, and of a flavor, an image and a network in the other cloud."""
    name, lab = f"{orchestra.PREFIX}{uuid4().hex[:8]}", topology.load()
    operator, tenant = Cloud(clouds[1].site, ADMIN).connection, clouds[1].connection
    flavor = operator.compute.create_flavor(name=name, ram=WIDER_MIB, vcpus=1, disk=1)
    image = copy_image(operator, lab.image, name)
    network = tenant.network.create_network(name=second_of(name))
    tenant.network.create_subnet(network_id=network.id, ip_version=4, cidr="10.93.0.0/24")
    yield name
    orchestra.forget_stacks(clouds[0])
    tenant.network.delete_network(network)
    operator.image.delete_image(image)
    operator.compute.delete_flavor(flavor)


def second_of(name: str) -> str:
    """What the network is called that the server is attached to besides its stack's."""
    return f"{name}-second"


def copy_image(operator: Any, name: str, called: str) -> Any:
    """Give a region another image with what an image has: nova can tell them apart."""
    first = operator.image.find_image(name)
    had = first.to_dict() | first.properties
    booted = ("hw_", "kernel_id", "ramdisk_id", "os_command_line")
    kept = {key: value for key, value in had.items() if value and key.startswith(booted)}
    return operator.image.create_image(
        name=called,
        data=operator.image.download_image(first).content,
        disk_format=first.disk_format,
        container_format=first.container_format,
        visibility="public",
        wait=True,
        **kept,
    )


def typed(name: str, command: str) -> str:
    """What a guest prints."""
    return str(control.guest_run(name, command, timeout_s=BOOT_S).stdout)


def test_a_server_in_the_other_cloud_is_changed_in_place(clouds: list[Cloud], name: str) -> None:
    """It is the same server, at the same address, after each change; and is gone at the end."""
    west, east = clouds
    lab, compute = topology.load(), clouds[1].connection.compute
    given: dict[str, Any] = {
        "name": name,
        "near": west.site,
        "far": east.site,
        "image": lab.image,
        "flavor": lab.flavor.name,
        "word": "first",
        "networks": [],
    }
    made = orchestra.create(west, name, TEMPLATE, **given)
    host = lab.site(east.site).hosts[0].name
    server = Server(name, east.site, host, IPv4Address(made["address"]))

    def changed(what: str, **to: Any) -> Any:
        given.update(to)
        began = time.monotonic()
        assert orchestra.update(west, name, TEMPLATE, **given) == made
        figures.add(f"{what} in {time.monotonic() - began:.0f} s")
        shown = compute.get_server(made["id"])
        assert shown.status == "ACTIVE"
        wait_until(partial(guest.has_address, server), BOOT_S, "its address", every_s=0.5)
        return shown

    assert changed("resized", flavor=name).flavor["original_name"] == name
    memory_kib = int(typed(name, "grep MemTotal /proc/meminfo").split()[1])
    assert memory_kib > lab.flavor.ram_mib * 1024
    assert changed("back", flavor=lab.flavor.name).flavor["original_name"] == lab.flavor.name

    image = east.connection.image.find_image(name)
    assert changed("rebuilt from another image", image=name).image["id"] == image.id
    assert "first" in typed(name, "cat /tmp/word")
    changed("rebuilt with other user data", word="second")
    wait_until(lambda: "second" in typed(name, "cat /tmp/word"), BOOT_S, "the other words")

    network = east.network.find_network(second_of(name))
    changed("attached to a second network", networks=[{"network": network.id}])
    assert attached(compute, made["id"]) == 2
    assert "eth1" in typed(name, "ls /sys/class/net")
    changed("taken off it", networks=[])
    assert attached(compute, made["id"]) == 1

    orchestra.delete(west, name)
    wait_until(lambda: not list(compute.servers(name=name)), GONE_S, "the server's end")


def attached(compute: Any, server_id: str) -> int:
    """How many interfaces a server has."""
    return len(list(compute.server_interfaces(server_id)))
