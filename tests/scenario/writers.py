# SPDX-License-Identifier: Apache-2.0
"""Clients that write as fast as they can, all at once, to the same VPNs."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import requests

from tests.scenario.tally import AT_ODDS, Tally

VPNS = "/bgpvpn/bgpvpns"
_TIMEOUT_S = 60
MOST_VPNS = 24


@dataclass(frozen=True)
class Account:
    """Who writes: a project with a token, and what of Neutron's it has.

    Attributes:
        token: of Keystone.
        project_id: its own.
        networks: each with a host bound to a compute host.
        routers: each with a network behind it.
        ports: of the networks.
    """

    token: str
    project_id: str
    networks: Sequence[str] = ()
    routers: Sequence[str] = ()
    ports: Sequence[str] = ()


class Pool:
    """The VPNs there are and what is in them, as far as their makers know."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._vpns: dict[str, Account] = {}
        self._associations: dict[str, tuple[str, Account]] = {}

    def add_vpn(self, vpn_id: str, owner: Account) -> None:
        """Tell the others of a VPN."""
        with self._lock:
            self._vpns[vpn_id] = owner

    def add_association(self, path: str, vpn_id: str, owner: Account) -> None:
        """Tell the others of an association."""
        with self._lock:
            self._associations[path] = (vpn_id, owner)

    def forget_vpn(self, vpn_id: str) -> None:
        """A VPN is gone, and what was in it."""
        with self._lock:
            self._vpns.pop(vpn_id, None)
            gone = [path for path, (vpn, _) in self._associations.items() if vpn == vpn_id]
            for path in gone:
                del self._associations[path]

    def forget_association(self, path: str) -> None:
        """An association is gone."""
        with self._lock:
            self._associations.pop(path, None)

    def choose_vpn(self, dice: random.Random) -> tuple[str, Account] | None:
        """Return one of the VPNs, and whose it is."""
        with self._lock:
            return dice.choice(sorted(self._vpns.items())) if self._vpns else None

    def choose_association(self, dice: random.Random) -> tuple[str, Account] | None:
        """Return one of the associations, and whose it is."""
        with self._lock:
            paths = sorted(self._associations)
            if not paths:
                return None
            path = dice.choice(paths)
            return path, self._associations[path][1]

    def __len__(self) -> int:
        return len(self._vpns)


class Writer:
    """One client.

    Args:
        number: which; decides what it does when.
        url: of the API, with its version.
        operator: an administrator.
        tenants: whose VPNs it makes and fills.
        kinds: of associations to make.
    """

    def __init__(
        self,
        number: int,
        url: str,
        operator: Account,
        tenants: Sequence[Account],
        kinds: Sequence[str],
    ) -> None:
        self._number = number
        self._dice = random.Random(number)  # noqa: S311
        self._url = url
        self._operator = operator
        self._tenants = tenants
        self._kinds = kinds

    def write(self, until: float, pool: Pool, tally: Tally) -> None:
        """Write until the monotonic clock says so."""
        self._pool, self._tally = pool, tally
        actions: list[Callable[[], None]] = [
            *[self._create] * 2,
            *[self._retarget] * 3,
            *[self._rename] * 2,
            self._delete,
            *[self._associate] * 7,
            *[self._dissociate] * 5,
            self._list,
        ]
        while time.monotonic() < until:
            self._dice.choice(actions)()

    def _ask(
        self, what: str, who: Account, method: str, path: str, body: Mapping[str, Any] | None = None
    ) -> requests.Response:
        start = time.monotonic()
        response = requests.request(
            method,
            f"{self._url}{path}",
            json=body,
            headers={"X-Auth-Token": who.token},
            timeout=_TIMEOUT_S,
            proxies={"http": "", "https": ""},
        )
        self._tally.add(what, response.status_code, time.monotonic() - start)
        if not response.ok and response.status_code not in AT_ODDS:
            self._tally.blame(f"{what}: {response.status_code} {response.text[:300]}")
        return response

    def _targets(self) -> list[str]:
        numbers = self._dice.sample(range(100), self._dice.randint(1, 4))
        return [f"64500:{30000 + self._number * 100 + number}" for number in numbers]

    def _create(self) -> None:
        if len(self._pool) >= MOST_VPNS:
            return
        owner = self._dice.choice(self._tenants)
        body = {
            "name": f"writers-{self._number}",
            "project_id": owner.project_id,
            "route_targets": self._targets(),
        }
        made = self._ask("create", self._operator, "POST", VPNS, {"bgpvpn": body})
        if made.ok:
            self._pool.add_vpn(made.json()["bgpvpn"]["id"], owner)

    def _retarget(self) -> None:
        if chosen := self._pool.choose_vpn(self._dice):
            name = self._dice.choice(["route_targets", "import_targets", "export_targets"])
            body = {"bgpvpn": {name: self._targets()}}
            self._ask("retarget", self._operator, "PUT", f"{VPNS}/{chosen[0]}", body)

    def _rename(self) -> None:
        if chosen := self._pool.choose_vpn(self._dice):
            vpn_id, owner = chosen
            body = {"bgpvpn": {"name": f"writers-{self._dice.randint(0, 9)}"}}
            self._ask("rename", owner, "PUT", f"{VPNS}/{vpn_id}", body)

    def _delete(self) -> None:
        if chosen := self._pool.choose_vpn(self._dice):
            self._pool.forget_vpn(chosen[0])
            self._ask("delete", self._operator, "DELETE", f"{VPNS}/{chosen[0]}")

    def _associate(self) -> None:
        chosen = self._pool.choose_vpn(self._dice)
        if not chosen:
            return
        vpn_id, owner = chosen
        kind = self._dice.choice(self._kinds)
        of_kind = {"network": owner.networks, "router": owner.routers, "port": owner.ports}
        body: dict[str, Any] = {f"{kind}_id": self._dice.choice(of_kind[kind])}
        if kind == "port" and self._dice.random() < 0.5:
            prefix = f"10.240.{self._dice.randint(0, 255)}.0/24"
            body["routes"] = [{"type": "prefix", "prefix": prefix}]
        path = f"{VPNS}/{vpn_id}/{kind}_associations"
        made = self._ask(f"associate {kind}", owner, "POST", path, {f"{kind}_association": body})
        if made.ok:
            association = made.json()[f"{kind}_association"]["id"]
            self._pool.add_association(f"{path}/{association}", vpn_id, owner)

    def _dissociate(self) -> None:
        if chosen := self._pool.choose_association(self._dice):
            path, owner = chosen
            self._pool.forget_association(path)
            self._ask("dissociate", owner, "DELETE", path)

    def _list(self) -> None:
        self._ask("list", self._dice.choice(self._tenants), "GET", VPNS)
