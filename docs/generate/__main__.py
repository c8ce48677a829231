# SPDX-License-Identifier: Apache-2.0
"""``python -m docs.generate [--check]``: the references and the samples under ``etc``."""

from __future__ import annotations

import sys

from docs.generate.files import ROOT, stale


def main(arguments: list[str]) -> int:
    """Write what is not current; with ``--check`` only say so."""
    old = stale()
    for name, text in old.items():
        if "--check" not in arguments:
            (ROOT / name).write_text(text)
        print(f"{name} {'is not current' if '--check' in arguments else 'written'}")  # noqa: T201
    return 1 if old and "--check" in arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
