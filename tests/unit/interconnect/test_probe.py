# SPDX-License-Identifier: Apache-2.0
"""A silent peer: is the link cut, or has a process stopped?"""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from isthmus.interconnect.liveness import Echo
from isthmus.interconnect.probe import probe
from tests.fakes.etcd import free_port
from tests.fakes.store import FakeEtcd, FakeStore


@pytest.fixture
def listening() -> Iterator[str]:
    """Return where something takes connections."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


def test_an_etcd_that_answers_is_there(listening: str) -> None:
    """It is its daemon that is silent."""
    assert probe("east", [listening], FakeStore(FakeEtcd())).echo is Echo.ANSWERS


def test_what_takes_connections_and_says_nothing_is_not_there(listening: str) -> None:
    """A stopped process's connections are taken by its kernel."""
    found = probe("east", [listening], FakeStore(FakeEtcd(is_away=True)))
    assert found.echo is Echo.NOTHING
    assert found.reason


def test_a_refused_connection_shows_that_the_machine_is_there() -> None:
    """And that nothing runs on it; one of several members that answers is enough."""
    nobody = f"http://127.0.0.1:{free_port()}"
    found = probe("east", [nobody], FakeStore(FakeEtcd()))
    assert found.echo is Echo.REFUSES
    assert "refuses connections" in found.reason


def test_one_member_that_takes_connections_is_enough(listening: str) -> None:
    """The others of the cluster may be down."""
    nobody = f"http://127.0.0.1:{free_port()}"
    assert probe("east", [nobody, listening], FakeStore(FakeEtcd())).echo is Echo.ANSWERS


def test_a_name_nobody_knows_is_nothing() -> None:
    """With the reason."""
    found = probe("east", ["https://east.invalid:2379"], FakeStore(FakeEtcd()))
    assert found.echo is Echo.NOTHING
    assert "east.invalid" in found.reason
