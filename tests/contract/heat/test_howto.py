# SPDX-License-Identifier: Apache-2.0
"""The how-to pages about Heat, walked as they stand."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.walks import pages
from tests.walks.walk import walk
from tests.walks.with_heat import RegionsWithHeat, start

# Two Neutrons, a Heat and a client are started, while the machine may have much else to do.
pytestmark = [
    pytest.mark.timeout(900),
    # openstacksdk's and its libraries', in the pages' Python.
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::openstack.warnings.OpenStackDeprecationWarning"),
    pytest.mark.filterwarnings("ignore::openstack.warnings._RemovedInSDKWarning"),
]
EXAMPLES = Path(__file__).parents[3] / "examples"
# A stack takes many requests.
COMMAND_S = 300


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RegionsWithHeat]:
    """Two regions with Heat, with what the pages before left in them."""
    with start(tmp_path_factory.mktemp("regions")) as regions:
        yield regions


@pytest.fixture
def regions(
    started: RegionsWithHeat, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> RegionsWithHeat:
    """Two empty regions, and a folder with the examples in it."""
    started.empty()
    file = started.environment["OS_CLIENT_CONFIG_FILE"]
    monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", file)
    (tmp_path / "examples").symlink_to(EXAMPLES)
    monkeypatch.chdir(tmp_path)
    return started


@pytest.mark.parametrize("page", pages.BY_HEAT, ids=lambda page: page.stem)
def test_a_page_is_true(page: Path, regions: RegionsWithHeat, tmp_path: Path) -> None:
    """Whoever does what it says sees what it says."""
    assert walk(page, regions.environment, tmp_path, regions.happen, COMMAND_S)


def test_a_page_that_is_not_true_is_told(regions: RegionsWithHeat, tmp_path: Path) -> None:
    """A server too many, and one that is not where it is said to be."""
    template = (pages.FOLDER / "heat-one-stack-two-clouds.md").read_text()
    start, end = template.index("```yaml"), template.index("```console")
    lies = {
        "openstack --os-cloud east-red server list -f value -c Name": "The page says:\nweb",
        "openstack --os-cloud west-red stack delete shop --yes --wait": "The page says:\nweb",
    }
    made = "$ openstack --os-cloud west-red stack create shop -t shop.yaml --wait"
    for command, told in lies.items():
        page = tmp_path / "page.md"
        page.write_text(f"{template[start:end]}\n```console\n{made}\n$ {command}\nweb\n```\n")
        with pytest.raises(AssertionError) as failure:
            walk(page, regions.environment, tmp_path, regions.happen, COMMAND_S)
        assert told in str(failure.value)
