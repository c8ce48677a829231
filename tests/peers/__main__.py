# SPDX-License-Identifier: Apache-2.0
"""``python -m tests.peers``: run networking-bgpvpn's unit tests of the API against Isthmus.

Exit code 0 if every test passes but those of ``cannot_pass.yaml``, and each of those fails.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import yaml

from tests.peers.judge import PASSED, Outcome, complaints, read_exceptions

_CHECKOUT = Path(__file__).resolve().parents[2]
_PEERS = _CHECKOUT / ".lab" / "peers"
_LIST = Path(__file__).with_name("cannot_pass.yaml")


def main() -> int:
    """Run them and tell what is not as the list says."""
    subprocess.run([_CHECKOUT / "tools" / "peers"], cwd=_CHECKOUT, check=True)
    results, log = _PEERS / "unit.json", _PEERS / "unit.log"
    results.unlink(missing_ok=True)
    with log.open("w") as out:
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-m", "tests.peers.inside", results],
            cwd=_CHECKOUT,
            # As a library: its entry points stay unknown to Neutron.
            env=os.environ | {"PYTHONPATH": str(_PEERS / "packages")},
            stdout=out,
            stderr=out,
            check=False,
        )
    if done.returncode or not results.exists():
        end = log.read_text().splitlines()[-10:]
        sys.stdout.write("\n".join(["The tests did not run to their end:", *end]) + "\n")
        return 1
    outcomes = [Outcome(**json.loads(line)) for line in results.read_text().splitlines()]
    exceptions = read_exceptions(yaml.safe_load(_LIST.read_text()))
    wrong = complaints(outcomes, exceptions)
    sys.stdout.write("".join(f"✗ {sentence}\n" for sentence in wrong))
    counts = Counter(outcome.became for outcome in outcomes)
    sys.stdout.write(
        f"networking-bgpvpn's unit tests of the API against Isthmus: {counts[PASSED]} of "
        f"{len(outcomes)} pass, {len(exceptions)} can't ({_LIST.relative_to(_CHECKOUT)} says why)\n"
    )
    return 1 if wrong or not outcomes else 0


if __name__ == "__main__":
    sys.exit(main())
