# SPDX-License-Identifier: Apache-2.0
"""Status follows from what PEs report, and tenants never read a PE's name in it."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from ipaddress import ip_address, ip_network

import pytest

from isthmus.db.records import (
    NetworkRecord,
    PeReportRecord,
    ProviderEdgeRecord,
    SubnetRecord,
    VpnRecord,
)
from isthmus.model.report import Status
from isthmus.plugin.status import Condition, Evidence, Patience, compile_status

NOW = datetime(2026, 11, 22, 12, 0, 0)
PATIENCE = Patience(pe_down_time=timedelta(seconds=75), report_time=timedelta(seconds=30))
VPN = VpnRecord(
    id="vpn",
    project_id="red",
    name="",
    type="l3",
    vni=None,
    targets=(("both", "64500:1"),),
    rds=(),
    network_ids=("net",),
    generation=7,
    was_dispatched=True,
    dispatched_at=NOW - timedelta(seconds=5),
    refusal="",
    refusal_for_tenant="",
)
LONG_AGO = NOW - timedelta(seconds=300)


def network(*subnets: tuple[str, str | None]) -> NetworkRecord:
    """Make a network of pairs of prefix and gateway."""
    return NetworkRecord(
        "net",
        1500,
        tuple(
            SubnetRecord(p, ip_network(p), None if g is None else ip_address(g)) for p, g in subnets
        ),
    )


CARRIED = network(("10.1.0.0/24", "10.1.0.1"))


def edge(name: str, *, silent_s: int = 1, established: int = 2) -> ProviderEdgeRecord:
    """Make a PE with two neighbors."""
    return ProviderEdgeRecord(name, "192.0.2.11", NOW - timedelta(seconds=silent_s), 2, established)


def report(
    name: str, generation: int = 7, *, is_in_force: bool = True, reason: str = ""
) -> PeReportRecord:
    """Make a PE's report."""
    return PeReportRecord(name, "vpn", generation, is_in_force, reason)


BOTH_REPORT = [report("pe-1"), report("pe-2")]


def evidence(
    edges: list[ProviderEdgeRecord],
    reports: list[PeReportRecord],
    hosts: set[str],
    *,
    vpn: VpnRecord = VPN,
    of: NetworkRecord = CARRIED,
    is_pending: bool = False,
) -> Evidence:
    """Put together what is known."""
    return Evidence(
        vpn=vpn,
        is_pending=is_pending,
        networks=(of,),
        hosts={"net": frozenset(hosts)},
        edges={e.name: e for e in edges},
        reports={r.pe: r for r in reports},
        now=NOW,
    )


def status_of(known: Evidence) -> Condition:
    """Compile, and see that the tenant's sentence names no PE."""
    condition = compile_status(known, PATIENCE)
    assert "pe-" not in condition.for_tenant
    assert "192.0.2" not in condition.for_tenant
    return condition


def test_a_vpn_is_active_when_every_pe_it_needs_reports_its_generation() -> None:
    """Nothing to say then."""
    known = evidence(
        [edge("pe-1"), edge("pe-2")], [report("pe-1"), report("pe-2")], {"pe-1", "pe-2"}
    )
    assert status_of(known) == Condition(Status.ACTIVE)


def test_a_network_larger_than_the_vpn_carries_is_warned_of() -> None:
    """By the PEs that have hosts of it; it is active nevertheless."""
    small, large = (replace(edge(f"pe-{n}"), core_payload=c) for n, c in ((1, 1442), (2, 1592)))
    known = evidence([small, large], BOTH_REPORT, {"pe-1", "pe-2"})
    assert known.mtu == 1442
    condition = status_of(known)
    assert condition.status is Status.ACTIVE
    assert "MTU of 1500" in condition.for_tenant
    assert "carries packets of 1442 octets" in condition.for_operator
    assert status_of(evidence([small, large], BOTH_REPORT, {"pe-2"})) == Condition(Status.ACTIVE)


def test_a_pe_without_hosts_of_the_vpn_is_not_needed() -> None:
    """Nor is its silence."""
    known = evidence([edge("pe-1"), edge("pe-2", silent_s=999)], [report("pe-1")], {"pe-1"})
    assert status_of(known).status is Status.ACTIVE


def test_a_vpn_without_hosts_is_active_once_dispatched() -> None:
    """There is nothing a PE would have to do."""
    assert status_of(evidence([], [], set())).status is Status.ACTIVE


def test_a_vpn_is_pending_while_the_journal_has_entries() -> None:
    """Whatever PEs report of the generation before."""
    known = evidence([edge("pe-1")], [report("pe-1")], {"pe-1"}, is_pending=True)
    assert status_of(known).status is Status.PENDING


def test_a_vpn_is_pending_before_its_first_dispatch() -> None:
    """Even without hosts."""
    vpn = replace(VPN, was_dispatched=False)
    assert status_of(evidence([], [], set(), vpn=vpn)).status is Status.PENDING


@pytest.mark.parametrize(
    "reports",
    [
        [],
        [report("pe-1", generation=6)],
        [report("pe-1", is_in_force=False, reason="the attachment is not plugged")],
    ],
    ids=["nothing reported", "former generation", "not in force"],
)
def test_a_change_has_its_time_to_come_into_force(reports: list[PeReportRecord]) -> None:
    """PENDING while it may still come, DEGRADED when it should have."""
    known = evidence([edge("pe-1")], reports, {"pe-1"})
    assert status_of(known).status is Status.PENDING
    late = evidence([edge("pe-1")], reports, {"pe-1"}, vpn=replace(VPN, dispatched_at=LONG_AGO))
    condition = status_of(late)
    assert condition.status is Status.DEGRADED
    assert "pe-1: " in condition.for_operator
    assert all(r.reason in condition.for_operator for r in reports)


def test_a_host_without_an_agent_is_named() -> None:
    """DEGRADED: its VMs can't reach the VPN."""
    known = evidence([edge("pe-1")], [report("pe-1")], {"pe-1", "pe-9"})
    condition = status_of(known)
    assert condition.status is Status.DEGRADED
    assert "pe-9: has no PE agent, its VMs are not served" in condition.for_operator


@pytest.mark.parametrize(
    "edges",
    [[], [edge("pe-1", silent_s=76)], [edge("pe-1", established=0)]],
    ids=["no agent", "dead", "no BGP neighbor"],
)
def test_a_vpn_is_down_when_every_pe_it_needs_is_cut_off(edges: list[ProviderEdgeRecord]) -> None:
    """Whatever they reported before."""
    condition = status_of(evidence(edges, [report("pe-1")], {"pe-1"}))
    assert condition.status is Status.DOWN
    assert condition.for_tenant


def test_a_vpn_is_degraded_when_one_of_two_pes_is_dead() -> None:
    """The other one still serves its VMs."""
    known = evidence(
        [edge("pe-1"), edge("pe-2", silent_s=100)],
        [report("pe-1"), report("pe-2")],
        {"pe-1", "pe-2"},
    )
    condition = status_of(known)
    assert condition.status is Status.DEGRADED
    assert "pe-2: its PE agent was last heard 100 s ago" in condition.for_operator


def test_a_pe_configured_without_neighbors_is_not_cut_off() -> None:
    """A region may have nobody to speak to."""
    alone = ProviderEdgeRecord("pe-1", "192.0.2.11", NOW, 0, 0)
    assert status_of(evidence([alone], [report("pe-1")], {"pe-1"})).status is Status.ACTIVE


def test_a_refusal_is_an_error_with_both_sentences() -> None:
    """Until a dispatch succeeds."""
    vpn = replace(VPN, refusal="pe-1 says no", refusal_for_tenant="No.")
    condition = status_of(evidence([edge("pe-1")], [report("pe-1")], {"pe-1"}, vpn=vpn))
    assert condition == Condition(Status.ERROR, "No.", "pe-1 says no")


@pytest.mark.parametrize(
    ("of", "sentence"),
    [
        (network(), "has no subnet yet"),
        (network(("2001:db8::/64", None)), "no subnet with a gateway address"),
        (network(("10.1.0.0/24", None)), "no subnet with a gateway address"),
        (
            network(("10.1.0.0/24", "10.1.0.1"), ("2001:db8::/64", None)),
            "for want of a gateway address: 2001:db8::/64.",
        ),
    ],
)
def test_what_is_not_carried_is_said(of: NetworkRecord, sentence: str) -> None:
    """The VPN is as it was asked for, but that is less than one may think."""
    condition = status_of(evidence([], [], set(), of=of))
    assert condition.status is Status.ACTIVE
    assert sentence in condition.for_tenant
    assert sentence in condition.for_operator


@pytest.mark.parametrize(
    "of",
    [
        network(("2001:db8::/64", "2001:db8::1")),
        network(("10.1.0.0/24", "10.1.0.1"), ("2001:db8::/64", "fe80::1")),
    ],
    ids=["IPv6 alone", "both"],
)
def test_of_subnets_with_gateways_there_is_nothing_to_say(of: NetworkRecord) -> None:
    """Of either family."""
    assert status_of(evidence([], [], set(), of=of)) == Condition(Status.ACTIVE)


def test_only_operators_read_of_missing_route_targets() -> None:
    """Tenants don't know of route targets."""
    condition = status_of(evidence([], [], set(), vpn=replace(VPN, targets=())))
    assert "route target" in condition.for_operator
    assert not condition.for_tenant
