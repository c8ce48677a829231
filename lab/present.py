# SPDX-License-Identifier: Apache-2.0
"""Which of the topology's sites are there: those of the beginning, and further ones brought up."""

from __future__ import annotations

from lab import machine
from lab.topology import Site, Topology


def further(topology: Topology) -> tuple[Site, ...]:
    """Further sites that were brought up and not taken down since, alive or not."""
    recorded = set(machine.names())
    return tuple(site for site in topology.further_sites if site.control_machine in recorded)


def sites(topology: Topology) -> tuple[Site, ...]:
    """Every site that is there."""
    return topology.sites + further(topology)
