# SPDX-License-Identifier: Apache-2.0
"""One real Heat on the region's real Neutron, beside another site and its compute API."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.cloud import Cloud
    from tests.fakes.compute import Compute
    from tests.stacks import Heat
    from tests.vtn_site import Peer, Region


@pytest.fixture(scope="session")
def _heat(_cloud: Cloud, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Heat]:
    # Heat takes seconds to start, too; stacks of other tests do nobody any harm.
    from tests.served import serve
    from tests.stacks import heat_on

    folder = tmp_path_factory.mktemp("heat")
    with serve(_cloud) as served, heat_on(served, folder) as heat:
        yield heat


@pytest.fixture
def heat(cloud: Cloud, _heat: Heat) -> Iterator[Heat]:
    """Heat on an empty region, used by a member of the red project; workers do what is due."""
    _heat.served.always = cloud.dispatch
    yield _heat
    _heat.served.always = lambda: None


@pytest.fixture
def peer(west: Region, heat: Heat) -> Peer:
    """Another site, which hears and says everything at once; the own one is known as such."""
    from tests.vtn_site import Peer, exchange, introduce

    introduce(west)
    peer = Peer("east")
    heat.served.always = lambda: exchange(west, peer)
    return peer


@pytest.fixture
def here(peer: Peer, heat: Heat) -> Iterator[Compute]:
    """The own region's compute API, in the catalog."""
    yield from _in_catalog(heat, "west")


@pytest.fixture
def there(cloud: Cloud, here: Compute, heat: Heat) -> Iterator[Compute]:
    """The other region's, with this region's Neutron in the place of its own."""
    from tests.cloud import RED

    group = {"security_group": {"name": "inside"}}
    cloud.request("POST", "/security-groups", group, RED)
    heat.served.elsewhere["network", "east"] = heat.served.url
    yield from _in_catalog(heat, "east")
    del heat.served.elsewhere["network", "east"]


@pytest.fixture
def computes(here: Compute, there: Compute) -> dict[str, Compute]:
    """Both, by region."""
    return {"west": here, "east": there}


def _in_catalog(heat: Heat, region: str) -> Iterator[Compute]:
    from tests.fakes import compute

    with compute.serve(region) as served:
        heat.served.elsewhere |= served.endpoints
        yield served
        for place in served.endpoints:
            del heat.served.elsewhere[place]
