# SPDX-License-Identifier: Apache-2.0
"""A real MariaDB, migrated from empty, and Neutron on it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.functional.db.mariadb import MariaDb, manage, running

if TYPE_CHECKING:
    from tests.cloud import Cloud

# As in tests/contract/conftest.py: what Neutron warns of is not ours.
NOT_OURS = (
    "ignore::DeprecationWarning",
    r"ignore:Exception in thread Thread-\d+ \(synced_send\):"
    "pytest.PytestUnhandledThreadExceptionWarning",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what is here, and let Neutron's own deprecations pass."""
    for item in items:
        if "functional/db" in str(item.path):
            item.add_marker(pytest.mark.functional)
            item.add_marker(pytest.mark.filterwarnings(*NOT_OURS))


@pytest.fixture(scope="session")
def mariadb(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MariaDb]:
    """A server."""
    if shutil.which("mariadbd") is None:
        pytest.skip("missing: mariadbd")
    with running(tmp_path_factory.mktemp("mariadb")) as server:
        yield server


@pytest.fixture(scope="session")
def migrated(mariadb: MariaDb, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The URL of a database that was brought up from empty, Neutron's tables and ours."""
    url = mariadb.create("neutron")
    configuration = tmp_path_factory.mktemp("migrations") / "neutron.conf"
    configuration.write_text(f"[database]\nconnection = {url}\n")
    manage(configuration, "--subproject", "neutron", "upgrade", "heads")
    manage(configuration, "--subproject", "isthmus", "upgrade", "heads")
    return url


@pytest.fixture(scope="session")
def _cloud(migrated: str, tmp_path_factory: pytest.TempPathFactory) -> Cloud:
    from tests.cloud import Cloud

    return Cloud(tmp_path_factory.mktemp("neutron"), migrated)


@pytest.fixture
def cloud(_cloud: Cloud) -> Cloud:
    """An empty region on MariaDB."""
    _cloud.empty()
    return _cloud
