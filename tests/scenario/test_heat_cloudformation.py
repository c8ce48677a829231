# SPDX-License-Identifier: Apache-2.0
"""The example of a shop in CloudFormation's form, by signed queries; and the page on them."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from functools import partial
from ipaddress import IPv4Address
from pathlib import Path
from uuid import uuid4

import botocore.auth
import pytest
from botocore.compat import get_current_datetime

from lab import control, places, topology
from lab.demo import guest
from lab.demo.cloud import ADMIN, Cloud
from lab.demo.tenants import Server
from lab.waiting import wait_until
from tests.scenario import figures, orchestra
from tests.scenario.length import only_long
from tests.scenario.streams import no_packet_lost
from tests.signed import Signed
from tests.walks import pages
from tests.walks.walk import walk

pytestmark = pytest.mark.timeout(900)
TEMPLATE = places.CHECKOUT / "examples" / "two-region-shop.cfn.yaml"
PREFIX, SOLD, READ_S, GONE_S = "10.94.0.0/16", "in stock: 3 teapots", 120, 60
# What makes stacks takes a minute and a half more.
# Longer ago than Keystone takes a signature ([credential] auth_ttl: 15 minutes).
LONG_AGO = timedelta(minutes=20)
# What stays as it is where the stack is changed.
KEPT = ("Network", "Web", "Database", "WebAddress", "DatabaseAddress")


@contextmanager
def credential(cloud: Cloud) -> Iterator[Signed]:
    """Sign with an EC2 credential that lives as long as the context."""
    keystone, user = cloud.connection.identity, cloud.connection.current_user_id
    path = f"/users/{user}/credentials/OS-EC2"
    made = keystone.post(path, json={"tenant_id": cloud.project_id}).json()["credential"]
    url = cloud.connection.endpoint_for("cloudformation")
    try:
        yield Signed(url, cloud.site, made["access"], made["secret"])
    finally:
        keystone.delete(f"{path}/{made['access']}")


@pytest.fixture
def clouds() -> Iterator[list[Cloud]]:
    """Red's cloud at each site; what earlier runs left is gone, and so is the test's."""
    clouds = [Cloud(site.name, "red") for site in topology.load().sites]
    orchestra.forget_stacks(clouds[0])
    yield clouds
    orchestra.forget_stacks(clouds[0])


@pytest.fixture
def query(clouds: list[Cloud]) -> Iterator[Signed]:
    """Signs with a credential of red's, at the first site."""
    with credential(clouds[0]) as query:
        yield query


def server(cloud: Cloud, name: str, address: str) -> Server:
    """Return a server as the lab's console knows it."""
    operator = Cloud(cloud.site, ADMIN).connection.compute
    (found,) = operator.servers(name=f"^{name}$", all_projects=True)
    return Server(name, cloud.site, found.hypervisor_hostname, IPv4Address(address))


def sells(customer: Server, page: str) -> bool:
    """Whether a server gets the page, for which the web server asks the database."""
    shown = control.guest_run(customer.name, f"timeout 10 wget -q -O - {page}", timeout_s=60)
    return SOLD in shown.stdout


def address_of_the_third(cloud: Cloud, name: str, first: str) -> IPv4Address:
    """Return where the server of the stack is reached that came last to a site."""
    listed = cloud.connection.compute.servers()
    (third,) = [each for each in listed if each.name.startswith(name) and each.id != first]
    return IPv4Address(next(iter(third.addresses.values()))[0]["addr"])


def is_gone(cloud: Cloud, name: str) -> bool:
    """Whether a site has nothing of a stack any more."""
    lists = (
        cloud.connection.compute.servers(),
        cloud.network.security_groups(),
        cloud.connection.orchestration.stacks(),
    )
    of_it = [each.name for found in lists for each in found if each.name.startswith(name)]
    return not of_it and orchestra.has_nothing(cloud, name)


@only_long
def test_a_shop_is_made_described_changed_and_deleted_by_signed_queries(
    clouds: list[Cloud], query: Signed
) -> None:
    """It sells; a server more and other words cost no packet; nothing is left in either cloud."""
    (near, far), lab = clouds, topology.load()
    name, template = f"{orchestra.PREFIX}{uuid4().hex[:8]}", TEMPLATE.read_text(encoding="utf-8")
    given = {"Image": lab.image, "Flavor": lab.flavor.name, "Prefix": PREFIX}
    given |= {"WebSite": near.site, "DatabaseSite": far.site}

    began = time.monotonic()
    made = query.create(name, template, **given)
    figures.add(f"a shop in two regions made in {time.monotonic() - began:.0f} s")
    web = server(near, f"{name}-web", made["WebAddress"])
    database = server(far, f"{name}-database", made["DatabaseAddress"])
    began = time.monotonic()
    wait_until(partial(sells, database, made["Page"]), READ_S, "the page", every_s=0.5)
    figures.add(f"its page read from the database {time.monotonic() - began:.0f} s later")

    with no_packet_lost((web, database), 300):
        began = time.monotonic()
        changed = query.update(name, template, **given, MoreWebServers=1, Motto="one more")
        figures.add(f"one more server, and other words: {time.monotonic() - began:.0f} s")
    assert {key: changed[key] for key in KEPT} == {key: made[key] for key in KEPT}
    vtn = near.call("GET", f"/vtn/virtual_tenant_networks/{made['Network']}")
    assert vtn["virtual_tenant_network"]["description"] == "one more"
    told = query.resources(name)
    assert {each["ResourceStatus"].rpartition("_")[2] for each in told.values()} == {"COMPLETE"}
    assert told["Web"]["PhysicalResourceId"] == made["Web"]
    third = address_of_the_third(near, name, made["Web"])
    wait_until(partial(guest.reaches, database, third), READ_S, "the third server")

    began = time.monotonic()
    query.delete(name)
    for cloud in clouds:
        wait_until(partial(is_gone, cloud, name), GONE_S, f"nothing in {cloud.site}")
    figures.add(f"nothing left in either: {time.monotonic() - began:.0f} s")


@only_long
def test_the_page_on_signed_queries_is_true(
    clouds: list[Cloud], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By a token a stack gets the trust that a signature can't give; it is gone with the stack."""
    identity = Cloud(clouds[0].site, ADMIN).connection.identity
    before = {each.id for each in identity.trusts()}
    # Both its interpreters are at home in one folder.
    monkeypatch.chdir(tmp_path)
    command = tmp_path / "openstack"
    # What it says of other programs' commands is none of the page's.
    command.write_text(
        f"#!/bin/bash\nexec {places.tool('openstack')} \"$@\" 2> >(grep -v '^Could not load' >&2)\n"
    )
    command.chmod(0o755)
    tools = f"{tmp_path}:{os.environ['PATH']}"
    environment = {"OS_CLIENT_CONFIG_FILE": str(places.CLOUDS_YAML), "NO_PROXY": "*", "PATH": tools}
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert walk(pages.SIGNED, environment, tmp_path, nothing_happens, timeout_s=300)

    def are_as_before() -> bool:
        return {each.id for each in identity.trusts()} <= before

    wait_until(are_as_before, GONE_S, "the trust's end")


def nothing_happens(site: str, state: str) -> None:
    """Of no site the page says that it is gone."""


def test_a_query_signed_wrongly_is_refused_with_a_sentence(
    query: Signed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By another secret, by nobody's key, long ago; the same is taken where it is right."""
    assert query.refused_with() is None
    assert replace(query, secret="0" * 32).refused_with() == (403, "AccessDenied")
    assert replace(query, access="0" * 32).refused_with() == (403, "InvalidClientTokenId")
    monkeypatch.setattr(
        botocore.auth, "get_current_datetime", lambda: get_current_datetime() - LONG_AGO
    )
    assert query.refused_with() == (403, "AccessDenied")
