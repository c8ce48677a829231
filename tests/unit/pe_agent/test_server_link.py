# SPDX-License-Identifier: Apache-2.0
"""The agent's end of the internal API, over a message queue in memory or over none."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

import oslo_messaging
import pytest
from oslo_config import cfg

from isthmus.model.report import PeReport, VrfReport
from isthmus.pe_agent.inputs import Intents
from isthmus.pe_agent.server_link import PeEndpoint, ServerLink, make_transport
from isthmus.rpc.contract import (
    EXCHANGE,
    PE_TOPIC,
    SERVER_TOPIC,
    VERSION,
    decode_pe_report,
    encode_pe_report,
    encode_vrf_intent,
)
from tests.actors import PE1, circuit, host, intent

RED = intent("red", circuit("net", "10.1.0.0/24", host("vm1", "10.1.0.5")), generation=3)


class FakeReconciler:
    """What the link sees of a reconciler."""

    def __init__(self) -> None:
        self.changed = threading.Semaphore(0)
        self.intents = Intents([], self.changed.release)
        self.synced = threading.Semaphore(0)

    def report(self) -> PeReport:
        """Say everything is in force."""
        vrfs = tuple(
            VrfReport(vpn_id, known.generation, is_in_force=True)
            for vpn_id, known in self.intents.snapshot().items()
        )
        return PeReport("west-1", PE1, vrfs, ())

    def note_synced(self) -> None:
        """Count."""
        self.synced.release()


class FakeServer:
    """The server's endpoint."""

    target = oslo_messaging.Target(version=VERSION)

    def __init__(self) -> None:
        self.reports: list[PeReport] = []
        self.reported = threading.Semaphore(0)
        self.answer: dict[str, Any] = {"apply": [], "remove": []}
        self.syncs: list[PeReport] = []

    def report(self, context: object, report: dict[str, Any]) -> None:
        """Take a report."""
        self.reports.append(decode_pe_report(report))
        self.reported.release()

    def sync(self, context: object, report: dict[str, Any]) -> dict[str, Any]:
        """Compare."""
        self.syncs.append(decode_pe_report(report))
        return self.answer


@pytest.fixture(scope="module")
def conf() -> Iterator[cfg.ConfigOpts]:
    """The library's configuration, which it keeps globally."""
    conf = cfg.CONF
    conf([], project="isthmus")
    oslo_messaging.get_rpc_transport(conf, url="fake://").cleanup()
    conf.set_override("transport_url", "fake://")
    yield conf
    conf.clear_override("transport_url")
    conf.reset()


@pytest.fixture(scope="module")
def listening(conf: cfg.ConfigOpts) -> Iterator[list[FakeServer]]:
    """A place on the queue for one server after the other; to end it takes a second."""
    servers: list[FakeServer] = []

    class Endpoint:
        target = FakeServer.target

        def report(self, context: object, report: dict[str, Any]) -> None:
            servers[-1].report(context, report)

        def sync(self, context: object, report: dict[str, Any]) -> dict[str, Any]:
            return servers[-1].sync(context, report)

    listener = oslo_messaging.get_rpc_server(
        make_transport(conf),
        oslo_messaging.Target(exchange=EXCHANGE, topic=SERVER_TOPIC, server="server"),
        [Endpoint()],
        access_policy=oslo_messaging.DefaultRPCAccessPolicy,
    )
    listener.start()
    yield servers
    listener.stop()
    listener.wait()


@pytest.fixture
def server(listening: list[FakeServer]) -> FakeServer:
    """A server that answers."""
    listening.append(FakeServer())
    return listening[-1]


@pytest.fixture
def reconciler() -> FakeReconciler:
    """A reconciler that knows nothing."""
    return FakeReconciler()


@pytest.fixture
def link(conf: cfg.ConfigOpts, reconciler: FakeReconciler) -> Iterator[ServerLink]:
    """A link, started."""
    link = ServerLink(conf, "west-1", reconciler)
    link.start()
    yield link
    link.stop()


def cast_until(
    conf: cfg.ConfigOpts, is_done: Callable[[], object], method: str, **args: object
) -> None:
    """Cast to the agent; again if it was not listening yet."""
    target = oslo_messaging.Target(
        exchange=EXCHANGE, topic=PE_TOPIC, server="west-1", version=VERSION
    )
    client = oslo_messaging.get_rpc_client(make_transport(conf), target)
    began = time.monotonic()
    while not is_done():
        assert time.monotonic() < began + 10
        client.cast({}, method, **args)
        time.sleep(0.05)


def test_what_the_server_casts_is_taken_in(
    conf: cfg.ConfigOpts, link: ServerLink, reconciler: FakeReconciler
) -> None:
    """And what it takes back is forgotten."""
    known = reconciler.intents.snapshot
    cast_until(conf, lambda: known() == {"red": RED}, "apply", intent=encode_vrf_intent(RED))
    cast_until(conf, lambda: known() == {}, "remove", vpn_id="red")


def test_the_first_sync_waits_for_what_is_in_force_and_then_is_done_at_once(
    server: FakeServer, link: ServerLink, reconciler: FakeReconciler
) -> None:
    """The server's answer is taken in before the agent counts as synced."""
    server.answer = {"apply": [encode_vrf_intent(RED)], "remove": ["gone"]}
    link.tell(reconciler.report())
    assert reconciler.synced.acquire(timeout=5)
    assert reconciler.intents.snapshot() == {"red": RED}
    assert len(server.syncs) == 1


def test_without_news_the_first_sync_is_done_all_the_same(
    server: FakeServer,
    conf: cfg.ConfigOpts,
    reconciler: FakeReconciler,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An agent without memory has nothing in force before it has asked."""
    monkeypatch.setattr("isthmus.pe_agent.server_link._FIRST_SYNC_AFTER_S", 0.1)
    link = ServerLink(conf, "west-1", reconciler)
    link.start()
    assert reconciler.synced.acquire(timeout=8)
    link.stop()


def test_a_report_is_sent(server: FakeServer, link: ServerLink) -> None:
    """As it is."""
    report = PeReport("west-1", PE1, (VrfReport("red", 3, is_in_force=False, reason="No."),), ())
    link.tell(report)
    assert server.reported.acquire(timeout=5)
    assert server.reports == [report]


JUNK: list[Any] = [
    None,
    7,
    "red",
    [],
    {},
    {"vpn_id": "red"},
    encode_vrf_intent(RED) | {"circuits": 5},
]


@pytest.mark.parametrize("junk", JUNK)
def test_junk_is_refused(junk: Any) -> None:
    """Logged, and nothing else happens."""
    intents = Intents([RED], lambda: None)
    PeEndpoint(intents).apply({}, junk)
    assert intents.snapshot() == {"red": RED}


def test_what_can_be_read_of_an_answer_is_taken(
    server: FakeServer, link: ServerLink, reconciler: FakeReconciler
) -> None:
    """Junk beside it costs nothing."""
    server.answer = {"apply": [*JUNK, encode_vrf_intent(RED)], "remove": []}
    link.tell(reconciler.report())
    assert reconciler.synced.acquire(timeout=5)
    assert reconciler.intents.snapshot() == {"red": RED}


AWAY = """
import tests.conftest
from tests.unit.pe_agent.test_server_link import *
cfg.CONF([], project="isthmus")
oslo_messaging.TransportURL.parse(cfg.CONF, "rabbit://guest:guest@127.0.0.1:1/")
cfg.CONF.set_override("transport_url", "rabbit://guest:guest@127.0.0.1:1/")
began = time.monotonic()
link = ServerLink(cfg.CONF, "west-1", FakeReconciler())
link.start()
link.tell(FakeReconciler().report())
time.sleep(0.5)
link.stop()
print(time.monotonic() - began < 1.5)
"""


def test_a_message_queue_that_is_away_keeps_nobody_waiting() -> None:
    """Neither at the start, nor with a report, nor at the end; a process can end meanwhile."""
    argv = [sys.executable, "-W", "ignore", "-c", AWAY]
    root = Path(__file__).parents[3]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=20, cwd=root)
    assert done.stdout == "True\n", done.stderr


def test_reports_survive_the_wire() -> None:
    """Round trip."""
    report = PeReport("west-1", IPv4Address("192.0.2.11"), (), ())
    assert decode_pe_report(encode_pe_report(report)) == report
