# SPDX-License-Identifier: Apache-2.0
"""The how-to pages, walked as they stand: every command is typed, every output compared."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.walks import pages
from tests.walks.two_regions import TwoRegions, start
from tests.walks.walk import walk

# Two Neutrons and a client are started, while the machine may have much else to do.
pytestmark = [
    pytest.mark.timeout(400),
    # openstacksdk's and its libraries', in the pages' Python.
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::openstack.warnings.OpenStackDeprecationWarning"),
    pytest.mark.filterwarnings("ignore::openstack.warnings._RemovedInSDKWarning"),
]


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TwoRegions]:
    """Two regions, with what the pages before left in them."""
    with start(tmp_path_factory.mktemp("regions")) as regions:
        yield regions


@pytest.fixture
def regions(started: TwoRegions, monkeypatch: pytest.MonkeyPatch) -> TwoRegions:
    """Two empty regions."""
    started.empty()
    file = started.environment["OS_CLIENT_CONFIG_FILE"]
    monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", file)
    return started


@pytest.mark.parametrize("page", pages.WITHOUT_SERVERS, ids=lambda page: page.stem)
def test_a_page_is_true(page: Path, regions: TwoRegions, tmp_path: Path) -> None:
    """Whoever does what it says sees what it says."""
    assert walk(page, regions.environment, tmp_path, regions.happen)


def test_a_page_that_is_not_true_is_told(regions: TwoRegions, tmp_path: Path) -> None:
    """A command that is gone, another output, a program that fails, each with its line."""
    lies = {
        "$ openstack --os-cloud west-red vtn enumerate": "'vtn enumerate' is not",
        "$ openstack --os-cloud west-red vtn list -f value -c Name\nshop": "The page says:\nshop",
        ">>> 'A' + 'CTIVE'\n'DOWN'": "Expected:\n    'DOWN'",
    }
    for block, told in lies.items():
        page = tmp_path / "page.md"
        kind = "python" if block.startswith(">>>") else "console"
        page.write_text(f"# A lie\n\n```{kind}\n{block}\n```\n")
        with pytest.raises(AssertionError) as failure:
            walk(page, regions.environment, tmp_path, regions.happen)
        assert told in str(failure.value)
        assert re.search(r"page.md, line [34],", str(failure.value))


def test_every_page_is_walked_somewhere_and_in_the_list() -> None:
    """None stands beside the tests, none beside the list of pages."""
    listed = (pages.FOLDER / "README.md").read_text()
    found = {page for page in pages.FOLDER.glob("*.md") if page.name != "README.md"}
    assert found == set(pages.ALL)
    assert [page.name for page in found if f"({page.name})" not in listed] == []
    assert [page.name for page in found if "```console\n$ " not in page.read_text()] == []
