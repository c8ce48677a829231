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
    from tests.fakes.driver import FlakyDriver
    from tests.served import Served
    from tests.terminal import Openstack
    from tests.vtn_site import Region

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
