# SPDX-License-Identifier: Apache-2.0
"""Tell whether database, agents and switches of every region say the same."""

from __future__ import annotations

from lab import present
from lab.agreement.read import read_disagreements
from lab.topology import Topology

_PATIENCE_S = 15


def check(topology: Topology) -> bool:
    """Print what they disagree on.

    Returns:
        Whether that is nothing.
    """
    agree = True
    for site in present.sites(topology):
        lines = read_disagreements(site, _PATIENCE_S)
        mark = "✗" if lines else "✓"
        print(f"  {mark} {site.name}: database, agents and switches", end=" ")
        print("say the same" if not lines else "do not agree:")
        for line in lines:
            print(f"      {line}")
        agree = agree and not lines
    return agree
