# SPDX-License-Identifier: Apache-2.0
"""The status of a VPN or an association, from what PEs report. Pure.

    refused for good                              ERROR
    not dispatched yet                            PENDING
    taken down by an administrator or its project DOWN
    every PE it needs is dead or cut off          DOWN
    some PE it needs is not as it should be       DEGRADED
    some PE has not reported the change yet       PENDING
    otherwise                                     ACTIVE

A PE is needed if a host of the VPN is bound to it. Tenants get a sentence without names of the
provider's equipment, operators one that names it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from isthmus.db.records import (
    NetworkRecord,
    PeReportRecord,
    ProviderEdgeRecord,
    VpnRecord,
)
from isthmus.model.report import Status
from isthmus.plugin.mtu import remark_on_mtu, vpn_mtu

_WAITING = "The change is being carried out."
_TAKEN_DOWN = "It is administratively down."


@dataclass(frozen=True, slots=True)
class Condition:
    """A status with its two sentences, both empty if there is nothing to say."""

    status: Status
    for_tenant: str = ""
    for_operator: str = ""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long to wait before a silence means something.

    Attributes:
        pe_down_time: without a word, after which a PE is dead.
        report_time: that a PE has to put a change in force.
    """

    pe_down_time: timedelta
    report_time: timedelta


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known.

    Attributes:
        vpn: with its generation and how far it was dispatched.
        is_pending: the journal has entries of it.
        networks: those whose status is asked for.
        hosts: compute hosts that have customers, by what is in the VPN: by network, by router
            those of the customers behind it, by port its own.
        edges: every PE, by name.
        reports: what PEs say of this VPN, by PE.
        now: the time the other times are compared with.
    """

    vpn: VpnRecord
    is_pending: bool
    networks: tuple[NetworkRecord, ...]
    hosts: Mapping[str, frozenset[str]]
    edges: Mapping[str, ProviderEdgeRecord]
    reports: Mapping[str, PeReportRecord]
    now: datetime

    @property
    def mtu(self) -> int | None:
        """The largest IP packet the VPN carries for them; None while that is not known."""
        return vpn_mtu(self.edges[name] for name in self.host_names if name in self.edges)

    @property
    def host_names(self) -> frozenset[str]:
        """Every compute host that has customers."""
        return frozenset(name for names in self.hosts.values() for name in names)


@dataclass(frozen=True, slots=True)
class _Finding:
    """What is wrong at one host."""

    sentence: str
    is_cut_off: bool = False
    is_waiting: bool = False


def compile_status(evidence: Evidence, patience: Patience) -> Condition:
    """Compile the status of a VPN, or of those of its networks that the evidence is about."""
    vpn = evidence.vpn
    if vpn.refusal:
        return Condition(Status.ERROR, vpn.refusal_for_tenant, vpn.refusal)
    if evidence.is_pending or not vpn.was_dispatched:
        return just_recorded()
    if not vpn.is_up:
        return taken_down()
    findings = {
        host: finding
        for host in sorted(evidence.host_names)
        if (finding := _find(host, evidence, patience)) is not None
    }
    wrong = [finding for finding in findings.values() if not finding.is_waiting]
    operator = _join(f"{host}: {finding.sentence}" for host, finding in findings.items())
    if wrong:
        if len(wrong) == len(evidence.host_names) and all(f.is_cut_off for f in wrong):
            tenant = "The provider's network is not reachable from this region at the moment."
            return Condition(Status.DOWN, tenant, operator)
        tenant = "Part of the service is disturbed; some virtual machines may be unreachable."
        return Condition(Status.DEGRADED, tenant, operator)
    if findings:
        return Condition(Status.PENDING, _WAITING, operator)
    remarks = _join(_remarks(evidence))
    return Condition(Status.ACTIVE, remarks, _join([remarks, _remark_on_targets(vpn)]))


def just_recorded() -> Condition:
    """Return the status of what was changed a moment ago."""
    return Condition(Status.PENDING, _WAITING, _WAITING)


def taken_down() -> Condition:
    """Return the status of what is kept but not to be carried."""
    return Condition(Status.DOWN, _TAKEN_DOWN, _TAKEN_DOWN)


def _find(host: str, evidence: Evidence, patience: Patience) -> _Finding | None:
    edge = evidence.edges.get(host)
    if edge is None:
        return _Finding("has no PE agent, its VMs are not served", is_cut_off=True)
    silence = evidence.now - edge.heard_at
    if silence > patience.pe_down_time:
        seconds = int(silence.total_seconds())
        return _Finding(f"its PE agent was last heard {seconds} s ago", is_cut_off=True)
    if edge.neighbors and not edge.neighbors_established:
        return _Finding("no BGP neighbor is established", is_cut_off=True)
    report, vpn = evidence.reports.get(host), evidence.vpn
    is_early = (
        vpn.dispatched_at is not None and evidence.now - vpn.dispatched_at <= patience.report_time
    )
    if report is None or report.generation < vpn.generation:
        sentence = f"generation {vpn.generation} is not reported yet"
        return _Finding(sentence, is_waiting=is_early)
    if not report.is_in_force:
        sentence = report.reason or f"generation {vpn.generation} is not in force"
        return _Finding(sentence, is_waiting=is_early)
    return None


def _remarks(evidence: Evidence) -> Iterator[str]:
    mtu = evidence.mtu
    for network in evidence.networks:
        yield _remark(network)
        yield remark_on_mtu(network, mtu)


def _remark(network: NetworkRecord) -> str:
    if not network.subnets:
        return f"Network {network.id} has no subnet yet."
    left_out = [str(subnet.prefix) for subnet in network.subnets if not subnet.is_carried]
    if len(left_out) == len(network.subnets):
        return f"Network {network.id} has no subnet with a gateway address; it is not carried."
    if left_out:
        return (
            f"Network {network.id}: not carried for want of a gateway address: "
            f"{', '.join(left_out)}."
        )
    return ""


def _remark_on_targets(vpn: VpnRecord) -> str:
    return "" if vpn.targets else "The VPN has no route target, so nothing is exchanged."


def _join(sentences: Iterable[str]) -> str:
    return " ".join(
        sentence if sentence.endswith(".") else f"{sentence}." for sentence in sentences if sentence
    )
