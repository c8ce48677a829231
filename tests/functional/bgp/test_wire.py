# SPDX-License-Identifier: Apache-2.0
"""What is on the wire means what the model says, read by a BGP implementation of its own."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from ipaddress import IPv4Address, ip_address
from pathlib import Path
from typing import Any

import pytest

from isthmus.config.bgp import BgpConfig
from isthmus.model.ids import RouteDistinguisher, RouteTarget
from isthmus.pe_agent.bgp.gobgp import GoBgpSpeaker
from tests.contract.bgp_speaker_contract import PE, route
from tests.functional.bgp.network import AS_NUMBER, CoreNetwork, GoBgpd, eventually

pytestmark = pytest.mark.functional
EXABGP = IPv4Address("192.0.2.103")
ROUTES = frozenset(
    [
        route("10.1.0.5/32", label=16),
        replace(
            route("10.1.0.0/24", label=2**20 - 1),
            rd=RouteDistinguisher.parse("64500:7"),
            route_targets=frozenset([RouteTarget.parse("4200000000:9")]),
        ),
        replace(
            route("0.0.0.0/0"),
            rd=RouteDistinguisher.parse("4200000000:8"),
            route_targets=frozenset(map(RouteTarget.parse, ["192.0.2.1:5", "64500:4294967295"])),
            local_pref=200,
        ),
        route("2001:db8:1::5/128", label=2**20 - 2),
        replace(route("::/0"), rd=RouteDistinguisher.parse("64500:9")),
    ]
)


def _configuration(script: Path) -> str:
    return f"""
process decoder {{
    run {sys.executable} {script};
    encoder json;
}}
neighbor {PE} {{
    router-id {EXABGP};
    local-address {EXABGP};
    local-as {AS_NUMBER};
    peer-as {AS_NUMBER};
    hold-time 30;
    family {{ ipv4 mpls-vpn; ipv6 mpls-vpn; }}
    api {{ processes [ decoder ]; receive {{ parsed; update; }} }}
}}
"""


def _announced(answers: Path) -> dict[str, dict[str, Any]]:
    """Read every announced NLRI by ``rd prefix``, with the attributes of its message."""
    announced = {}
    for line in answers.read_text().splitlines() if answers.exists() else ():
        update = json.loads(line)["neighbor"]["message"].get("update", {})
        for family, by_next_hop in update.get("announce", {}).items():
            for next_hop, nlris in by_next_hop.items():
                for nlri in nlris:
                    attributes = update["attribute"]
                    said = {"family": family, "next_hop": next_hop, **nlri, **attributes}
                    announced[f"{nlri['rd']} {nlri['nlri']}"] = said
    return announced


def test_exabgp_reads_what_was_meant(network: CoreNetwork) -> None:
    """Labels of both ends of their range, all types of RD and route target, any prefix length."""
    network.add_node("pe", PE)
    network.add_node("exabgp", EXABGP)
    answers, file = network.folder / "answers.json", network.folder / "exabgp.conf"
    script = network.folder / "decoder.py"
    script.write_text(
        f"import sys\nanswers = open({str(answers)!r}, 'w', 1)\n"
        "for line in sys.stdin:\n    answers.write(line)\n"
    )
    file.write_text(_configuration(script))
    daemon = GoBgpd(network, "pe")
    speaker = GoBgpSpeaker(BgpConfig(AS_NUMBER, PE, (EXABGP,), api=daemon.api))
    speaker.start(lambda: None)
    speaker.advertise(ROUTES)
    settings = ["exabgp_daemon_user=root", "exabgp_tcp_bind=", "exabgp_api_cli=false"]
    command = ["env", *settings, f"{Path(sys.executable).parent}/exabgp", "server", str(file)]
    network.start("exabgp", command, network.folder / "exabgp.log")

    announced = eventually(lambda: _announced(answers), lambda there: len(there) == len(ROUTES))
    speaker.stop()
    for one in ROUTES:
        said = announced[f"{one.rd} {one.prefix}"]
        assert said["family"] == f"ipv{one.prefix.version} mpls-vpn"
        mapped = "::ffff:" if one.prefix.version == 6 else ""
        assert ip_address(said["next_hop"]) == ip_address(f"{mapped}{one.next_hop}")
        assert said["label"] == [[one.label.value]]
        assert said["local-preference"] == one.local_pref
        targets = {community["string"] for community in said["extended-community"]}
        assert targets == {f"target:{target}" for target in one.route_targets}
