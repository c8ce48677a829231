# SPDX-License-Identifier: Apache-2.0
"""What a site's operator is told of other sites and of networks."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from lab.demo.cloud import Cloud
from lab.waiting import wait_until
from tests.scenario.vtn.client import VTNS

SITES = "/vtn/interconnect_sites"
EVENTS = "/vtn/interconnect_events"
_TOLD, _RECOVERED_S = 4, 60


def shown(operator: Cloud, site: str) -> dict[str, Any]:
    """What a site knows of another."""
    return dict(operator.call("GET", f"{SITES}/{site}")["interconnect_site"])


def liveness(operator: Cloud, site: str) -> str:
    """What a site knows of another's being there."""
    return str(shown(operator, site)["liveness"])


def differing(operator: Cloud, site: str) -> list[str]:
    """What differs from another site, in a sentence each; other sites' documents are as heard."""
    return str(shown(operator, site)["recovery"] or "").splitlines()


def recover(operator: Cloud, *sites: str) -> list[str]:
    """Have everything of other sites read anew; return what differs then."""
    for site in sites:
        operator.call("PUT", f"{SITES}/{site}/recover", {})
    for site in sites:
        is_done = partial(_has_nothing_to_do, operator, site)
        wait_until(is_done, _RECOVERED_S, f"the end of the recovery of {site}")
    return [sentence for site in sites for sentence in differing(operator, site)]


def _has_nothing_to_do(operator: Cloud, site: str) -> bool:
    return not shown(operator, site)["asked"]


def told_of(operator: Cloud, site: str) -> Sequence[str]:
    """The last that a site tells its operator of another, the newest first."""
    return events(operator, f"site={site}")[:_TOLD]


def events(operator: Cloud, query: str) -> list[str]:
    """What a site tells its operator, the newest first, of what a query names."""
    found = operator.call("GET", f"{EVENTS}?{query}")["interconnect_events"]
    return [str(event["sentence"]) for event in found]


def versions(operator: Cloud) -> dict[str, tuple[int, int]]:
    """The epoch and the generation that a site shows of each network."""
    found = operator.call("GET", VTNS)["virtual_tenant_networks"]
    return {each["id"]: (each["epoch"], each["generation"]) for each in found}


def refusals(operator: Cloud, vtn: str) -> int:
    """How many of a site's requests for a network it was told were refused."""
    told = events(operator, f"virtual_tenant_network_id={vtn}")
    return sum(sentence.startswith("Request update was refused") for sentence in told)
