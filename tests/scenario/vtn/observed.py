# SPDX-License-Identifier: Apache-2.0
"""Look at a site by its APIs, and into its stores; wait until all sites are as the ledger says."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from lab.demo.stage import Stage, side_by_side
from tests.scenario.vtn import operator, stores
from tests.scenario.vtn.agreement import (
    ENDING,
    Observed,
    Part,
    Vpn,
    Vtn,
    differences,
    unexpected,
)
from tests.scenario.vtn.client import VTNS, Client
from tests.scenario.vtn.history import miscounted, untold
from tests.scenario.vtn.kept import unlike
from tests.scenario.vtn.ledger import DESCRIPTION, NAME, Ledger
from tests.scenario.vtn.writers import MARK

#: What all sites must show alike. Which claim counts is among it.
ALIKE = (NAME, DESCRIPTION, "admin_state_up", "prefixes", "members", "owner_site")
_VPNS = "/bgpvpn/bgpvpns"
_EVERY_S = 1.0


def observe(client: Client) -> Observed:
    """Read everything of the test's that a site shows."""
    vtns = {}
    for each in client.list(VTNS):
        if each["name"].startswith(MARK):
            members = client.operator.list(f"{VTNS}/{each['id']}/members")
            vtns[each["id"]] = _vtn(each, members)
    networks = {
        each["id"]: each["name"]
        for each in client.list("/networks")
        if each["name"].startswith(MARK)
    }
    subnets: dict[str, dict[str, str]] = {}
    for subnet in client.list("/subnets"):
        subnets.setdefault(subnet["network_id"], {})[subnet["id"]] = subnet["cidr"]
    ports = {
        each["id"]: each["network_id"]
        for each in client.list("/ports")
        if each["name"].startswith(MARK)
    }
    vpns = {
        each["id"]: Vpn(each["name"], frozenset(each["networks"]))
        for each in client.operator.list(_VPNS)
        if each["name"].startswith(MARK)
    }
    return Observed(client.site, vtns, networks, subnets, ports, vpns)


def _vtn(shown: Mapping[str, Any], members: Sequence[Mapping[str, Any]]) -> Vtn:
    staying = frozenset(shown["members"])
    return Vtn(
        id=shown["id"],
        status=shown["status"],
        reason=shown["status_reason"],
        said={
            what: tuple(shown[what]) if isinstance(shown[what], list) else shown[what]
            for what in ALIKE
        },
        sites=staying,
        members={one["site"]: _part(one) for one in members if one["site"] in staying},
        network=shown["network_id"] or "",
    )


def _part(shown: Mapping[str, Any]) -> Part:
    return Part(
        status=shown["status"],
        prefixes=tuple(sorted(shown["prefixes"])),
        network=shown["network_id"] or "",
        subnets=frozenset(shown["subnet_ids"]),
        vpn=shown["bgpvpn_id"] or "",
    )


def wait_until_alike(
    stage: Stage, ledger: Ledger, clients: Sequence[Client], end: float
) -> list[str]:
    """Look until nothing is lost and all sites are alike, until the monotonic clock says ``end``.

    Returns:
        what is left of the differences.
    """
    return wait_until_none(lambda: _differences(stage, ledger, clients), end)


def recover(stage: Stage, clients: Sequence[Client]) -> list[str]:
    """Have all sites read each other anew; return what they report then that is not to be."""
    seen, found = side_by_side(observe, clients), []
    for client in clients:
        others = [other.site for other in clients if other is not client]
        found += unexpected(operator.recover(stage.cloud(client.site), *others), seen)
    return found


def wait_until_none(look: Callable[[], list[str]], end: float) -> list[str]:
    """Look until nothing is to be seen, or the monotonic clock says ``end``; return what is."""
    while True:
        left = look()
        if not left or time.monotonic() > end:
            return left
        time.sleep(_EVERY_S)


def _differences(stage: Stage, ledger: Ledger, clients: Sequence[Client]) -> list[str]:
    """What APIs show differently, or else what is different beneath them."""
    seen = side_by_side(observe, clients)
    return differences(ledger, seen) or sorted(_beneath(stage, ledger, seen))


def _beneath(stage: Stage, ledger: Ledger, seen: Sequence[Observed]) -> Iterator[str]:
    """A sentence for each document, count and word to an operator that is not as it is to be."""
    sites = [stage.topology.site(each.site) for each in seen]
    kept = dict(zip([site.name for site in sites], side_by_side(stores.read, sites), strict=True))
    yield from unlike(list(kept.values()))
    for site in kept:
        for other in kept.keys() - {site}:
            for sentence in unexpected(operator.differing(stage.cloud(site), other), seen):
                yield f"{site} reports of {other}: {sentence}"
    versions = {site: operator.versions(stage.cloud(site)) for site in kept}
    for vtn, owner in ledger.owners.items():
        shown = {each.site: each.vtns[vtn] for each in seen if vtn in each.vtns}
        if owner not in shown or shown[owner].status == ENDING:
            continue
        history, document = ledger.histories.of(vtn), stores.owners_word(kept[owner], vtn)
        if document is None:
            yield f"{owner} shows {vtn}, and has no document of it"
            continue
        for site in shown:
            if versions[site].get(vtn) != (document.epoch, document.generation):
                yield f"{site} shows {versions[site].get(vtn)} of {vtn}, not {document.version}"
        yield from miscounted(history, document)
        reasons = {site: each.reason for site, each in shown.items() if site != owner}
        refused = {site: operator.refusals(stage.cloud(site), vtn) for site in reasons}
        yield from untold(vtn, history, reasons, refused)
