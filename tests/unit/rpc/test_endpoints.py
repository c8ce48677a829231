# SPDX-License-Identifier: Apache-2.0
"""What the server makes of agents' messages, also of those nobody should have sent."""

from __future__ import annotations

from ipaddress import IPv4Address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isthmus.model.intent import VrfIntent
from isthmus.model.report import NeighborReport, PeReport, VrfReport
from isthmus.rpc import contract
from isthmus.rpc.endpoints import ReportEndpoint, WakeEndpoint

REPORT = PeReport(
    "pe-1",
    IPv4Address("192.0.2.11"),
    (VrfReport("vpn", 3, is_in_force=True),),
    (NeighborReport(IPv4Address("192.0.2.101"), is_established=True),),
)


class Sink:
    """Remembers reports and answers each alike."""

    def __init__(self) -> None:
        self.reports: list[PeReport] = []
        self.lacking: list[VrfIntent] = []

    def record(self, report: PeReport) -> None:
        """Remember."""
        self.reports.append(report)

    def answer(self, report: PeReport) -> tuple[list[VrfIntent], list[str]]:
        """Remember and answer."""
        self.reports.append(report)
        return self.lacking, ["gone"]


def test_a_report_arrives_as_it_was_sent() -> None:
    """Through the contract's encoding."""
    sink = Sink()
    ReportEndpoint(sink).report({}, contract.encode_pe_report(REPORT))
    assert sink.reports == [REPORT]


def test_a_sync_is_answered_in_the_contracts_encoding() -> None:
    """With what the PE lacks and what it has in excess."""
    sink = Sink()
    sink.lacking = [VrfIntent("vpn", 4, frozenset(), frozenset(), None, ())]
    answer = ReportEndpoint(sink).sync({}, contract.encode_pe_report(REPORT))
    assert [contract.decode_vrf_intent(plain) for plain in answer["apply"]] == sink.lacking
    assert answer["remove"] == ["gone"]


@given(st.dictionaries(st.sampled_from(["pe", "address", "vrfs", "neighbors"]), st.text()))
def test_an_unreadable_report_is_dropped(plain: dict[str, object]) -> None:
    """An agent of another age must not stop the server."""
    sink = Sink()
    endpoint = ReportEndpoint(sink)
    endpoint.report({}, plain)
    assert endpoint.sync({}, plain) == {"apply": [], "remove": []}
    assert sink.reports == []


@pytest.mark.parametrize("times", [1, 3])
def test_each_wake_is_passed_on(times: int) -> None:
    """The worker decides what to make of it."""
    woken: list[None] = []
    endpoint = WakeEndpoint(lambda: woken.append(None))
    for _ in range(times):
        endpoint.wake({})
    assert len(woken) == times
