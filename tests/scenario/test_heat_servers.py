# SPDX-License-Identifier: Apache-2.0
"""One stack with a network over both clouds and a server in each: the example, through Heat."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from lab import topology
from lab.demo.cloud import Cloud
from tests.scenario import orchestra, shop

pytestmark = pytest.mark.timeout(900)


@dataclass(frozen=True)
class ByToken:
    """Stacks as ``openstack stack`` makes them, in one cloud."""

    cloud: Cloud

    def create(self, name: str, template: str, /, **parameters: Any) -> dict[str, Any]:
        """Make one."""
        return orchestra.create(self.cloud, name, template, **parameters)

    def update(self, name: str, template: str, /, **parameters: Any) -> dict[str, Any]:
        """Change one."""
        return orchestra.update(self.cloud, name, template, **parameters)

    def delete(self, name: str) -> None:
        """Delete one."""
        orchestra.delete(self.cloud, name)


@pytest.fixture
def clouds() -> Iterator[list[Cloud]]:
    """Red's cloud at each site; what earlier runs left is gone, and so is the test's."""
    clouds = [Cloud(site.name, "red") for site in topology.load().sites]
    orchestra.forget_stacks(clouds[0])
    yield clouds
    orchestra.forget_stacks(clouds[0])


def test_one_stack_has_servers_in_both_clouds_which_work_together(clouds: list[Cloud]) -> None:
    """One more comes, and words change, without a packet lost between the first two."""
    template = (shop.EXAMPLES / "two-region-shop.yaml").read_text(encoding="utf-8")
    shop.live(ByToken(clouds[0]), template, clouds)
