# SPDX-License-Identifier: Apache-2.0
"""Every ``openstack bgpvpn`` command, with what it names given by id and by name."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from os import environ
from typing import IO, Any, cast

from tests.conformance import environment
from tests.conformance.accounts import ADMIN, OWNER, Place
from tests.conformance.outcome import FAILED, PASSED, Outcome, Suite

WAYS = ("id", "name")


@dataclass(frozen=True, slots=True)
class Step:
    """One command and what has to come of it.

    Attributes:
        command: its words; placeholders are filled in from what earlier steps kept.
        options: what follows, likewise.
        account: who gives it.
        keeps: name under which the id it shows is kept.
        shows: what its answer has to hold.
        lists: what has to be among the ids it lists.
    """

    command: str
    options: str = ""
    account: str = OWNER
    keeps: str = ""
    shows: Mapping[str, object] = field(default_factory=dict)
    lists: str = ""


def _see(command: str, what: str, **shows: object) -> Step:
    return Step(command, what, ADMIN, shows=shows)


# {vpn}, {network}, {router} and {port} are ids or names; {..._id} and associations are ids.
PREPARATION = (
    Step("network create", "{n}-net", keeps="network"),
    Step("subnet create", "--network {n}-net --subnet-range 10.101.0.0/24 {n}-subnet"),
    Step("network create", "{n}-behind", keeps="behind"),
    Step("subnet create", "--network {n}-behind --subnet-range 10.102.0.0/24 {n}-far"),
    Step("router create", "{n}-router", keeps="router"),
    Step("router add subnet", "{n}-router {n}-far"),
    Step("port create", "--network {n}-net {n}-port", keeps="port"),
)
VPNS = (
    Step(
        "bgpvpn create",
        "--name {n}-vpn --project {owner} --type l3 --vni 4711 --local-pref 200"
        " --route-target 64500:7001 --import-target 64500:7002 --export-target 64500:7003"
        " --route-distinguisher 64500:7004",
        ADMIN,
        keeps="vpn",
        shows={"local_pref": 200, "vni": 4711, "import_targets": ["64500:7002"]},
    ),
    Step("bgpvpn create", "--name {n}-other --project {owner}", ADMIN, keeps="other"),
    Step("bgpvpn list", "--property name={n}-vpn", lists="vpn"),
    Step("bgpvpn list", "--long --project {owner}", ADMIN, lists="other"),
    Step("bgpvpn show", "{vpn}", shows={"name": "{n}-vpn"}),
    Step("bgpvpn set", "{other} --name {n}-again --local-pref 300", ADMIN),
    Step("bgpvpn set", "{n}-again --name {n}-other", ADMIN),
    _see("bgpvpn show", "{other}", name="{n}-other", local_pref=300),
    Step("bgpvpn set", "{vpn} --route-target 64500:7005 --import-target 64500:7006", ADMIN),
    _see("bgpvpn show", "{vpn}", route_targets=["64500:7001", "64500:7005"]),
    Step("bgpvpn set", "{vpn} --no-export-target --route-distinguisher 64500:7007", ADMIN),
    Step("bgpvpn unset", "{vpn} --route-target 64500:7001 --all-import-target", ADMIN),
    _see("bgpvpn show", "{vpn}", route_targets=["64500:7005"], import_targets=[]),
    _see("bgpvpn show", "{vpn}", export_targets=[]),
)
NETWORKS = (
    Step("bgpvpn network association create", "{vpn} {network}", keeps="na"),
    Step("bgpvpn network association list", "{vpn}", lists="na"),
    Step("bgpvpn network association list", "{vpn} --long --property network_id={network_id}"),
    Step("bgpvpn network association show", "{na} {vpn}", shows={"network_id": "{network_id}"}),
    _see("bgpvpn show", "{vpn}", networks=["{network_id}"]),
    Step("bgpvpn network association delete", "{na} {vpn}"),
    _see("bgpvpn show", "{vpn}", networks=[]),
)
_EXTRA = "advertise_extra_routes"
ROUTERS = (
    Step("bgpvpn router association create", "{vpn} {router} --no-" + _EXTRA, keeps="ra"),
    Step("bgpvpn router association list", "{vpn} --long", lists="ra"),
    Step("bgpvpn router association show", "{ra} {vpn}", shows={"router_id": "{router_id}"}),
    Step("bgpvpn router association set", "{ra} {vpn} --" + _EXTRA),
    Step("bgpvpn router association show", "{ra} {vpn}", shows={_EXTRA: True}),
    Step("bgpvpn router association unset", "{ra} {vpn} --" + _EXTRA),
    Step("bgpvpn router association show", "{ra} {vpn}", shows={_EXTRA: False}),
    _see("bgpvpn show", "{vpn}", routers=["{router_id}"]),
    Step("bgpvpn router association delete", "{ra} {vpn}"),
)
PORTS = (
    Step(
        "bgpvpn port association create",
        "{vpn} {port} --no-advertise-fixed-ips",
        keeps="pa",
        shows={"port_id": "{port_id}"},
    ),
    # Before it has routes: with any, this client fails on its own (KeyError, 10.5).
    Step("bgpvpn port association list", "{vpn} --long", lists="pa"),
    Step("bgpvpn port association show", "{pa} {vpn}", shows={"advertise_fixed_ips": False}),
    Step(
        "bgpvpn port association set",
        "{pa} {vpn} --prefix-route prefix=203.0.113.0/24,local_pref=300",
    ),
    Step(
        "bgpvpn port association set",
        "{pa} {vpn} --advertise-fixed-ips --prefix-route prefix=198.51.100.0/24",
    ),
    Step("bgpvpn port association show", "{pa} {vpn}", shows={"advertise_fixed_ips": True}),
    Step("bgpvpn port association set", "{pa} {vpn} --bgpvpn-route bgpvpn={other},local_pref=50"),
    Step(
        "bgpvpn port association unset",
        "{pa} {vpn} --prefix-route 203.0.113.0/24 --all-bgpvpn-routes",
    ),
    Step("bgpvpn port association show", "{pa} {vpn}", shows={"port_id": "{port_id}"}),
    Step("bgpvpn port association delete", "{pa} {vpn}"),
)
END = (
    Step("bgpvpn delete", "{vpn} {other}", ADMIN),
    Step("port delete", "{n}-port"),
    Step("router remove subnet", "{n}-router {n}-far"),
    Step("router delete", "{n}-router"),
    Step("network delete", "{n}-net {n}-behind"),
)
STORY = PREPARATION + VPNS + NETWORKS + ROUTERS + PORTS + END


class Client:
    """The client of one account, kept running in its own environment.

    One process an account: the client keeps its first session for the whole of its process.
    """

    def __init__(self, place: Place, account: str) -> None:
        self._account = account
        self._process = subprocess.Popen(
            [environment.PYTHON, environment.INSIDE / "run_commands.py"],
            env=environ | {"OS_CLIENT_CONFIG_FILE": str(place.clouds_yaml)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def commands(self) -> list[str]:
        """Return the commands for BGP VPNs that it has."""
        return cast("list[str]", self._ask(None))

    def give(self, arguments: list[str]) -> Any:
        """Give it one command; return status, output and errors."""
        return self._ask(["--os-cloud", self._account, *arguments])

    def _ask(self, asked: object) -> Any:
        to, back = cast("IO[str]", self._process.stdin), cast("IO[str]", self._process.stdout)
        to.write(json.dumps(asked) + "\n")
        to.flush()
        return json.loads(back.readline())

    def close(self) -> None:
        """End it."""
        cast("IO[str]", self._process.stdin).close()
        self._process.wait(10)


def run(place: Place) -> Suite:
    """Exercise every command; those the story forgets are failures."""
    start = time.monotonic()
    clients = {account: Client(place, account) for account in (ADMIN, OWNER)}
    outcomes: list[Outcome] = []
    try:
        there_are = clients[ADMIN].commands()
        for way in WAYS:
            outcomes += _tell(clients, place, way)
    finally:
        for client in clients.values():
            client.close()
    told = {step.command for step in STORY}
    outcomes += [Outcome(c, FAILED, "never exercised") for c in there_are if c not in told]
    name = f"python-openstackclient, its {len(there_are)} bgpvpn commands"
    return Suite(name, tuple(outcomes), time.monotonic() - start)


def _tell(clients: Mapping[str, Client], place: Place, way: str) -> list[Outcome]:
    prefix = f"conformance-{way}"
    known = {"n": prefix, "owner": place.clouds[OWNER]["auth"]["project_name"]}
    if way == "name":
        names = {"network": "net", "router": "router", "port": "port"}
        names |= {"vpn": "vpn", "other": "other"}
        known |= {name: f"{prefix}-{last}" for name, last in names.items()}
    outcomes = []
    for step in STORY:
        reason = _take(clients[step.account], step, known)
        if step.command.startswith("bgpvpn") or reason:
            became = FAILED if reason else PASSED
            outcomes.append(Outcome(f"{step.command} (by {way})", became, reason))
    return outcomes


def _take(client: Client, step: Step, known: dict[str, str]) -> str:
    """Give one command; return why its answer is not as it has to be."""
    try:
        arguments = [word.format(**known) for word in f"{step.command} {step.options}".split()]
    except KeyError as missing:
        return f"there is no {missing}, which an earlier command should have made"
    answers = step.keeps or step.shows or step.lists
    shape = ["-f", "json"] if answers else []
    done = client.give([*arguments, *shape])
    if done["status"]:
        return str(done["errors"]).strip().replace("\n", " ")[:300] or "no word of why it failed"
    if not answers:
        return ""
    shown = json.loads(done["output"])
    if step.keeps:
        known[f"{step.keeps}_id"] = shown["id"]
        known.setdefault(step.keeps, shown["id"])
    if step.lists:
        wanted = known.get(f"{step.lists}_id")
        return "" if any(row["ID"] == wanted for row in shown) else f"{wanted} is not listed"
    for name, value in step.shows.items():
        expected = _filled(value, known)
        if _sorted(shown.get(name)) != _sorted(expected):
            return f"{name} is {shown.get(name)!r}, not {expected!r}"
    return ""


def _filled(value: object, known: Mapping[str, str]) -> object:
    if isinstance(value, str):
        return value.format(**known)
    if isinstance(value, list):
        return [_filled(item, known) for item in value]
    return value


def _sorted(value: object) -> object:
    return sorted(value) if isinstance(value, list) else value
