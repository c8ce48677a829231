# SPDX-License-Identifier: Apache-2.0
"""Virtual tenant networks over both sites, while the sites hear of each other and while not."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any
from uuid import uuid4

import pytest

from lab import control
from lab.demo.cloud import Cloud
from lab.demo.stage import Stage
from lab.waiting import wait_until

PATH = "/vtn/virtual_tenant_networks"
# Asked for while nothing is cut, and after a cut has been healed.
SOON_S, HEALED_S = 60, 60


@pytest.fixture
def sites(stage: Stage) -> Iterator[list[Cloud]]:
    """Red's cloud at each site; what the test asked for is gone afterwards."""
    names = [site.name for site in stage.topology.sites]
    clouds = [stage.cloud(name, "red") for name in names]
    yield clouds
    for name in names:
        control.heal_interconnect(name)
    for cloud in clouds:
        for vtn in cloud.call("GET", PATH)["virtual_tenant_networks"]:
            ours = vtn["name"].startswith("sites-") and vtn["owner_site"] == cloud.site
            # What is on its way out may be gone before it could be asked to go.
            if ours and vtn["status"] != "PENDING_DELETE":
                cloud.call("DELETE", f"{PATH}/{vtn['id']}")
    for cloud in clouds:
        wait_until(partial(has_none, cloud), HEALED_S, "their end", every_s=0.5)


def networks(cloud: Cloud) -> list[str]:
    """Return the names of the test's networks that a site has."""
    return sorted(each.name for each in cloud.network.networks() if each.name.startswith("sites-"))


def has_none(cloud: Cloud) -> bool:
    """Whether a site has none of the test's networks."""
    return not networks(cloud)


def ask(cloud: Cloud, name: str, *members: str, prefix: str = "10.33.0.0/16") -> dict[str, Any]:
    """Ask a site for a network over several."""
    body = {"name": name, "prefixes": [prefix], "members": list(members)}
    made = cloud.call("POST", PATH, {"virtual_tenant_network": body})
    return dict(made["virtual_tenant_network"])


def states(cloud: Cloud, vtn: dict[str, Any]) -> dict[str, str]:
    """Return what a site knows of the members' statuses."""
    members = cloud.call("GET", f"{PATH}/{vtn['id']}/members")["members"]
    return {member["site"]: member["status"] for member in members}


def has(cloud: Cloud, *names: str) -> bool:
    """Whether a site has all of these networks."""
    return set(names) <= set(networks(cloud))


def has_not(cloud: Cloud, name: str) -> bool:
    """Whether a site has none of that name."""
    return name not in networks(cloud)


def are_all_active(cloud: Cloud, vtn: dict[str, Any]) -> bool:
    """Whether a site knows every member to be ACTIVE."""
    known = states(cloud, vtn)
    return len(known) == len(vtn["members"]) and set(known.values()) == {"ACTIVE"}


def test_one_request_and_it_is_in_both_clouds(sites: list[Cloud]) -> None:
    """Each site makes its part, and knows of the other's; deleting it is one request too."""
    west, east = sites
    name = f"sites-{uuid4().hex[:8]}"
    vtn = ask(west, name, west.site, east.site)
    for cloud in sites:
        wait_until(partial(has, cloud, name), SOON_S, f"{name} in {cloud.site}")
        wait_until(partial(are_all_active, cloud, vtn), SOON_S, "all ACTIVE")
    west.call("DELETE", f"{PATH}/{vtn['id']}")
    for cloud in sites:
        wait_until(partial(has_not, cloud, name), SOON_S, f"its end in {cloud.site}")


def test_what_is_asked_for_while_cut_off_is_there_at_once_and_elsewhere_later(
    sites: list[Cloud],
) -> None:
    """Neither site waits for the other; once healed, both have both."""
    west, east = sites
    control.cut_interconnect(west.site)
    names = [f"sites-{cloud.site}-{uuid4().hex[:8]}" for cloud in sites]
    for cloud, name, prefix in zip(sites, names, ("10.33.0.0/16", "10.34.0.0/16"), strict=True):
        ask(cloud, name, west.site, east.site, prefix=prefix)
    for cloud, name in zip(sites, names, strict=True):
        wait_until(partial(has, cloud, name), SOON_S, f"{cloud.site}'s own part")
    assert has_not(east, names[0])
    assert has_not(west, names[1])
    control.heal_interconnect(west.site)
    for cloud in sites:
        wait_until(partial(has, cloud, *names), HEALED_S, f"both networks in {cloud.site}")
