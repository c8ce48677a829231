# SPDX-License-Identifier: Apache-2.0
"""The two regions with a Heat in west and servers in both, and what a reader of a page has.

Heat is real, and stands for east's, too; compute and images are fakes (tests.fakes.compute).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import requests

from lab.waiting import wait_until
from tests.fakes import compute
from tests.walks import two_regions
from tests.walks.projects import OPERATOR, PROJECTS

if TYPE_CHECKING:
    from tests.fakes.compute import Compute
    from tests.walks.two_regions import TwoRegions


class RegionsWithHeat:
    """They are up.

    Attributes:
        environment: what commands need to find them.
    """

    def __init__(self, regions: TwoRegions, computes: dict[str, Compute]) -> None:
        self._regions, self._computes = regions, computes
        self.environment = regions.environment

    def empty(self) -> None:
        """Have them forget everything but stacks, which pages delete."""
        for site, region in self._computes.items():
            self.happen(site, "back")
            region.forget()
        self._regions.empty()

    def happen(self, site: str, state: str) -> None:
        """Have a site go or come back, all of it."""
        self._computes[site].is_out = state == "gone"
        self._regions.happen(site, state)


@contextmanager
def start(folder: Path) -> Iterator[RegionsWithHeat]:
    """Start them; they end with the context."""
    # Takes seconds to import.
    from tests.served import Served
    from tests.stacks import heat_on

    own = folder / "heat"
    own.mkdir()
    with (
        compute.serve("west") as west,
        compute.serve("east") as east,
        two_regions.start(folder) as regions,
    ):
        urls = {site: (folder / f"{site}.url").read_text() for site in ("west", "east")}
        with heat_on(Served(url=urls["west"]), own) as heat:
            places = west.endpoints | east.endpoints
            places |= {
                ("network", "east"): urls["east"],
                ("identity", "east"): f"{urls['west']}/v3",
            }
            for kind in ("orchestration", "cloudformation"):
                places |= {(kind, site): f"{heat.url}/<project>" for site in urls}
            (folder / "elsewhere").write_text(
                json.dumps([[*place, url] for place, url in places.items()])
            )
            wait_until(lambda: _is_in_catalog(urls["west"], heat.url), 60, "Heat in the catalog")
            (folder / "clouds.yaml").write_text(json.dumps({"clouds": _clouds(urls["west"])}))
            yield RegionsWithHeat(regions, {"west": west, "east": east})


def _is_in_catalog(keystone: str, url: str) -> bool:
    headers = {"X-Auth-Token": OPERATOR, "X-Subject-Token": OPERATOR}
    return url in requests.get(f"{keystone}/v3/auth/tokens", headers=headers, timeout=60).text


def _clouds(keystone: str) -> dict[str, object]:
    return {
        f"{site}-{name}": {
            "region_name": site,
            "auth": {
                "auth_url": f"{keystone}/v3",
                "username": user,
                "password": "a-secret",
                "user_domain_id": "default",
                "project_id": "operators" if user == OPERATOR else user,
            },
        }
        for site in ("west", "east")
        for name, user in {**PROJECTS, "admin": OPERATOR}.items()
    }
