# SPDX-License-Identifier: Apache-2.0
"""``python -m tests.conformance``: what others wrote for our APIs and for Heat, run in the lab."""

from __future__ import annotations

import sys

from lab import topology
from tests.conformance import accounts, commands, environment, unittests
from tests.conformance.outcome import table


def main() -> int:
    """Run every suite in the lab's first region and print the table."""
    lab = topology.load(topology.SHIPPED)
    environment.ensure()
    suites = []
    with accounts.prepared(lab, lab.sites[0].name) as place:
        for run in (unittests.run_tempest, unittests.run_sdk, unittests.run_heat, commands.run):
            suites.append(run(place))
            print(table(suites[-1:]), flush=True)  # noqa: T201
    return 0 if all(suite.is_whole for suite in suites) else 1


if __name__ == "__main__":
    sys.exit(main())
