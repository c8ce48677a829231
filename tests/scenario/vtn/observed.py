# SPDX-License-Identifier: Apache-2.0
"""Look at a site by its APIs, and wait until all sites are as the ledger says."""

from __future__ import annotations

import time
from collections.abc import Sequence

from tests.scenario.vtn.agreement import Observed, Vtn, differences
from tests.scenario.vtn.client import VTNS, Client
from tests.scenario.vtn.ledger import DESCRIPTION, NAME, Ledger
from tests.scenario.vtn.writers import MARK

#: What all sites must show alike. Which claim counts is among it.
ALIKE = (NAME, DESCRIPTION, "admin_state_up", "prefixes", "members", "owner_site")
_EVERY_S = 1.0


def observe(client: Client) -> Observed:
    """Read everything of the test's that a site shows."""
    vtns = {}
    for each in client.list(VTNS):
        if not each["name"].startswith(MARK):
            continue
        staying = frozenset(each["members"])
        members = client.list(f"{VTNS}/{each['id']}/members")
        vtns[each["id"]] = Vtn(
            id=each["id"],
            status=each["status"],
            reason=each["status_reason"],
            said={
                what: tuple(each[what]) if isinstance(each[what], list) else each[what]
                for what in ALIKE
            },
            sites=staying,
            members={one["site"]: one["status"] for one in members if one["site"] in staying},
            network=each["network_id"] or "",
        )
    networks = {
        each["id"]: each["name"]
        for each in client.list("/networks")
        if each["name"].startswith(MARK)
    }
    prefixes: dict[str, list[str]] = {}
    for subnet in client.list("/subnets"):
        prefixes.setdefault(subnet["network_id"], []).append(subnet["cidr"])
    ports = {
        each["id"]: each["network_id"]
        for each in client.list("/ports")
        if each["name"].startswith(MARK)
    }
    return Observed(client.site, vtns, networks, prefixes, ports)


def wait_until_alike(ledger: Ledger, clients: Sequence[Client], end: float) -> list[str]:
    """Look until nothing is lost and all sites are alike, until the monotonic clock says ``end``.

    Returns:
        what is left of the differences.
    """
    while True:
        left = differences(ledger, [observe(client) for client in clients])
        if not left or time.monotonic() > end:
            return left
        time.sleep(_EVERY_S)
