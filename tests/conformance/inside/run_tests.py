# SPDX-License-Identifier: Apache-2.0
"""Run one module of unit tests and write what became of each, a line of JSON a test.

It runs in the environment of the suite, which holds neither Isthmus nor pytest::

    run_tests.py MODULE FILE
"""

from __future__ import annotations

import json
import sys
import traceback
import unittest
from pathlib import Path
from typing import Any, TextIO


class Recorder(unittest.TestResult):
    """Writes each outcome down as it comes, so that a crash loses none before it."""

    def __init__(self, file: TextIO) -> None:
        super().__init__()
        self._file = file

    def _write(self, test: Any, became: str, reason: str = "") -> None:
        line = {"test": test.id(), "became": became, "reason": reason}
        print(json.dumps(line), file=self._file, flush=True)

    def addSuccess(self, test: Any) -> None:  # noqa: N802  unittest's name
        """Record what passed."""
        self._write(test, "passed")

    def addFailure(self, test: Any, err: Any) -> None:  # noqa: N802  unittest's name
        """Record what failed."""
        traceback.print_exception(*err)
        last = [line for line in str(err[1]).splitlines() if line.strip()]
        self._write(test, "failed", f"{err[0].__name__}: {last[-1] if last else ''}"[:300])

    addError = addFailure  # noqa: N815  unittest's name

    def addSkip(self, test: Any, reason: str) -> None:  # noqa: N802  unittest's name
        """Record what did not run."""
        self._write(test, "skipped", reason)


def main(module: str, file: str) -> None:
    """Run every test of ``module``."""
    tests = unittest.defaultTestLoader.loadTestsFromName(module)
    with Path(file).open("w") as out:
        tests.run(Recorder(out))


if __name__ == "__main__":
    main(*sys.argv[1:])
