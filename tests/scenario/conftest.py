# SPDX-License-Identifier: Apache-2.0
"""The lab as the scenario tests find it: up, with the tenants of the demo in it."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from functools import partial

import pytest

from lab import machine, topology
from lab.demo import guest, tenants
from lab.demo.stage import Stage
from lab.waiting import wait_until
from tests.scenario import figures
from tests.scenario.complaints import Complaints
from tests.scenario.probe import Probes
from tests.scenario.streams import Ends


def pytest_configure(config: pytest.Config) -> None:
    """Complaints of openstacksdk's own libraries are not ours to answer."""
    for ignored in (
        "ignore::openstack.warnings._RemovedInSDKWarning",
        "ignore::openstack.warnings.OpenStackDeprecationWarning",
    ):
        config.addinivalue_line("filterwarnings", ignored)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything in this folder needs the lab."""
    for item in items:
        if "tests/scenario" in item.path.as_posix():
            item.add_marker(pytest.mark.scenario)


_COMPLAINTS = pytest.StashKey[Complaints]()


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    """Remember where the lab's logs end."""
    item.stash[_COMPLAINTS] = Complaints()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show beside a failure what our processes complained of meanwhile."""
    report = yield
    if report.failed and _COMPLAINTS in item.stash:
        report.sections.append(("complaints in the lab's logs", item.stash[_COMPLAINTS].read()))
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What was measured, whether or not a test made something of it."""
    if figures.TAKEN:
        terminalreporter.section("figures")
        for line in figures.TAKEN:
            terminalreporter.write_line(line)


@pytest.fixture(scope="session")
def stage() -> Stage:
    """Both tenants in both regions: servers up, VPNs ACTIVE."""
    layout = topology.load()
    dead = [host.name for host in layout.hosts if machine.keeper(host.name) is None]
    if dead:
        pytest.fail(f"The lab is not up ({', '.join(dead)} missing): make lab-up", pytrace=False)
    stage = Stage(layout, tenants.load(layout))
    stage.ensure_all()
    return stage


@pytest.fixture
def probes(stage: Stage) -> Iterator[Probes]:
    """Makes ports without VMs; they are gone after the test."""
    probes = Probes(stage)
    yield probes
    probes.remove()


@pytest.fixture
def ends(stage: Stage) -> Ends:
    """Two VMs of red, far from each other, that reach each other."""
    near, far = stage.plan.server("red-west-1"), stage.plan.server("red-east-1")
    wait_until(partial(guest.reaches, near, far.address), 30, "the first answer")
    return near, far
