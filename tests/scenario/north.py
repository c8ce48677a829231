# SPDX-License-Identifier: Apache-2.0
"""The lab's site of another operator: up for the tests that want it, gone after them."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

from lab import control, database, down, interconnect, places, up
from lab.demo.cloud import ADMIN, Cloud, RequestRefused
from lab.introduction import Party, introduce
from lab.topology import Topology
from lab.waiting import wait_until
from tests.scenario import figures

SITES, VTNS = "/vtn/interconnect_sites", "/vtn/virtual_tenant_networks"
OWN, HOST = "north", "west"
# Of the test's and of the page's.
NAME = "third"
NETWORKS = (NAME, "shop")
SOON_S = 60


@dataclass(frozen=True)
class North:
    """The site, and the one that it has to do with.

    Attributes:
        layout: the lab.
        west, north: each as its operator.
        red, green: the tenant that is the same customer at both.
    """

    layout: Topology
    west: Cloud
    north: Cloud
    red: Cloud
    green: Cloud

    @cached_property
    def by_west(self) -> dict[str, Any]:
        """What west's operator says of north."""
        return {"shares_identity": False, "projects": {self.green.project_id: self.red.project_id}}

    def invite(self, name: str = OWN, expires_in: int = 3600) -> str:
        """Have west invite; a later invitation takes the place of an earlier one."""
        if known(self.west, name) is None:
            site = {"name": name, "expires_in": expires_in, **self.by_west}
            made = self.west.call("POST", SITES, {"interconnect_site": site})["interconnect_site"]
        else:
            body = {"expires_in": expires_in}
            answer = self.west.call("PUT", f"{SITES}/{name}/invite", body)
            made = answer.get("interconnect_site", answer)
        return str(made["invitation"])

    def accept(self, invitation: str) -> None:
        """Have north accept an invitation that it takes for west's."""
        site = {"name": HOST, "invitation": invitation, "shares_identity": False}
        self.north.call("POST", SITES, {"interconnect_site": site})

    def join(self) -> str:
        """Have both do all it takes to be peers; return the invitation that did it."""
        ways = (Party(HOST, self.west.network, self.by_west), {"shares_identity": False})
        return introduce(ways[0], Party(OWN, self.north.network, ways[1]))

    def intrude(self, verb: str, **asked: object) -> Any:
        """Ask west from where north's daemon does; see `tests.intruders`."""
        machine = self.layout.site(OWN).interconnect_machine
        command = ["env", f"PYTHONPATH={places.CHECKOUT}", sys.executable, "-W", "ignore"]
        command += ["-m", "tests.intruders", verb]
        return json.loads(control.run_in(machine, command, text=json.dumps(asked)).stdout)

    def knock(self, invitation: str, name: str = OWN, *, is_forged: bool = False) -> str:
        """Have somebody come with an invitation; return what west says."""
        asked = {"invitation": invitation, "name": name, "is_forged": is_forged}
        return str(self.intrude("knock", **asked))

    def credentials(self) -> dict[str, str]:
        """What west has issued to north, as north's daemon shows it."""
        north = self.layout.site(OWN)
        row = database.of_site(north).execute(
            f"SELECT ca, certificate, private_key FROM neutron.isthmus_sites WHERE name = '{HOST}'"  # noqa: S608  our name
        )
        # As mariadb prints what has lines.
        ca, certificate, concealed = row.rstrip("\n").replace("\\n", "\n").split("\t")
        key = interconnect.folder(north).reveal(concealed).decode()
        endpoint = interconnect.endpoint(self.layout.site(HOST))
        return {"endpoint": endpoint, "ca": ca, "certificate": certificate, "key": key}

    def part(self) -> None:
        """Have both forget each other and what they had together, however far it was."""
        for mine, name in ((self.west, OWN), (self.north, HOST)):
            if known(mine, name) is not None:
                mine.call("PUT", f"{SITES}/{name}/revoke", {})
        for cloud in (self.west, self.north):
            for vtn in cloud.call("GET", VTNS)["virtual_tenant_networks"]:
                if OWN in vtn["members"] or vtn["name"] in NETWORKS:
                    _remove(cloud, vtn)
        for mine, name in ((self.west, OWN), (self.north, HOST)):
            wait_until(partial(_forgot, mine, name), SOON_S, f"{name} gone")
        for cloud in (self.west, self.north):
            wait_until(partial(_has_none, cloud), SOON_S, f"networks gone at {cloud.site}")


def known(cloud: Cloud, name: str) -> dict[str, Any] | None:
    """What a site has of another."""
    found = cloud.call("GET", f"{SITES}?name={name}")["interconnect_sites"]
    return dict(found[0]) if found else None


def _remove(cloud: Cloud, vtn: dict[str, Any]) -> None:
    if vtn["owner_site"] != cloud.site:
        try:
            cloud.call("PUT", f"{VTNS}/{vtn['id']}/take_over", {})
        except RequestRefused as refusal:
            # Who has been let go already has no part in it: it is forgotten with the other.
            if refusal.status != 403:
                raise
            return
    if vtn["status"] != "PENDING_DELETE":
        cloud.call("DELETE", f"{VTNS}/{vtn['id']}")


def _has_none(cloud: Cloud) -> bool:
    names = {each["name"] for each in cloud.call("GET", VTNS)["virtual_tenant_networks"]}
    return not names & set(NETWORKS)


def _forgot(cloud: Cloud, name: str) -> bool:
    try:
        if known(cloud, name) is not None:
            cloud.call("DELETE", f"{SITES}/{name}")
    except RequestRefused as refusal:
        # A network that is on its way out names it still.
        if refusal.status not in (404, 409):
            raise
        return refusal.status == 404
    return True


@contextmanager
def started(layout: Topology) -> Iterator[North]:
    """Bring north up beside the lab; it is down again after."""
    start = time.monotonic()
    who = ((HOST, ADMIN), (OWN, ADMIN), (HOST, "red"), (OWN, "green"))
    both = North(layout, *(Cloud(*each) for each in who))
    try:
        if not up.up(layout, [OWN]):
            raise RuntimeError("north did not come up")
        figures.add(f"north was up after {time.monotonic() - start:.0f} s")
        # What a run left that was interrupted.
        both.part()
        yield both
    finally:
        down.down(layout, [OWN])
