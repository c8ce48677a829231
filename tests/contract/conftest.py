# SPDX-License-Identifier: Apache-2.0
"""One Neutron for all contract tests that go through the plug-in, emptied before each."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from tests.cloud import Cloud
    from tests.fakes.compute import Compute
    from tests.fakes.driver import FlakyDriver
    from tests.served import Served
    from tests.stacks import Heat
    from tests.terminal import Openstack
    from tests.vtn_site import Peer, Region

# Neutron and what it imports warn of what their next releases drop; that is not ours to mend.
# And it tells Nova and Placement of deleted networks, in a thread, though there is neither.
NOT_OURS = (
    "ignore::DeprecationWarning",
    r"ignore:Exception in thread Thread-\d+ \(synced_send\):"
    "pytest.PytestUnhandledThreadExceptionWarning",
)

# pytest --hypothesis-profile deep
settings.register_profile("deep")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let Neutron's own deprecations pass in the tests that run it."""
    for item in items:
        if "cloud" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.filterwarnings(*NOT_OURS))


@pytest.fixture(scope="session")
def _cloud(tmp_path_factory: pytest.TempPathFactory) -> Cloud:
    # Neutron takes seconds to import; tests that don't need it don't wait for it.
    from tests.cloud import Cloud

    folder: Path = tmp_path_factory.mktemp("neutron")
    return Cloud(folder, f"sqlite:///{folder}/neutron.sqlite")


@pytest.fixture
def cloud(_cloud: Cloud) -> Cloud:
    """An empty region."""
    _cloud.empty()
    return _cloud


@pytest.fixture
def driver(cloud: Cloud) -> FlakyDriver:
    """Two hosts are PEs; what they are given is kept."""
    from tests.fakes.driver import FlakyDriver

    for host in ("pe-1", "pe-2"):
        cloud.host(host)
    driver = FlakyDriver(cloud.load_driver("noop"))
    cloud.use_driver(driver)
    return driver


@pytest.fixture
def west(cloud: Cloud) -> Region:
    """The region as a site whose peer ``east`` shares its identities."""
    from tests.vtn_site import EAST, Region

    region = Region(cloud)
    region.trust(EAST)
    return region


@pytest.fixture
def served(cloud: Cloud) -> Iterator[Served]:
    """The region's Neutron, over HTTP."""
    from tests.served import serve

    with serve(cloud) as served:
        yield served


@pytest.fixture
def openstack(
    served: Served, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Openstack:
    """Run a command line as a member of the red project, or as ``who``."""
    from tests import terminal
    from tests.cloud import RED

    monkeypatch.setenv("CLIFF_MAX_TERM_WIDTH", "1000")
    return terminal.openstack(served.url, RED, capsys)


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
