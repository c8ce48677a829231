# SPDX-License-Identifier: Apache-2.0
"""Run networking-bgpvpn's unit tests with Isthmus in its plug-in's place.

    python -m tests.peers.inside RESULTS      one JSON object a line: test, became, reason

Its test modules name their own plug-in and extension classes; those names stand for ours before
the modules are imported. Nothing else of the tests is changed.
"""

from __future__ import annotations

import importlib
import json
import sys
import unittest
import warnings
from pathlib import Path
from typing import Any

warnings.simplefilter("ignore")

MODULES = (
    "networking_bgpvpn.tests.unit.extensions.test_bgpvpn",
    "networking_bgpvpn.tests.unit.extensions.test_bgpvpn_vni",
    "networking_bgpvpn.tests.unit.extensions.test_bgpvpn_routes_control",
    "networking_bgpvpn.tests.unit.services.test_plugin",
)
EXTENSIONS = ("bgpvpn", "bgpvpn_vni", "bgpvpn_routes_control")
PASSED, FAILED = "passed", "failed"


def substitute() -> None:
    """Put our plug-in and our extensions where the tests look for theirs."""
    import networking_bgpvpn.neutron.extensions as their_extensions
    from networking_bgpvpn.neutron.services import plugin
    from oslo_config import cfg

    from isthmus.api import extensions
    from isthmus.config.plugin import read_options
    from isthmus.plugin.plugin import IsthmusPlugin

    class OurPlugin(IsthmusPlugin):
        """Isthmus with the driver that needs no agents."""

        def __init__(self) -> None:
            read_options(cfg.CONF)  # which registers them
            cfg.CONF.set_override("driver", "noop", "isthmus")
            super().__init__()

    for name in EXTENSIONS:
        theirs = importlib.import_module(f"{their_extensions.__name__}.{name}")
        ours = importlib.import_module(f"{extensions.__name__}.{name}")
        setattr(theirs, name.capitalize(), getattr(ours, name.capitalize()))
    plugin.BGPVPNPlugin = OurPlugin
    # Importing theirs has told Neutron where theirs are.
    cfg.CONF.clear_override("api_extensions_path")
    their_extensions.__path__[:] = list(extensions.__path__)


class Writer(unittest.TestResult):
    """Writes what became of each test as soon as it is known."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._out = path.open("w")

    def _write(self, test: Any, became: str, error: Any = None) -> None:
        name = test.id().removeprefix("networking_bgpvpn.tests.unit.")
        lines = [] if error is None else str(error[1]).strip().splitlines()
        reason = next((line.strip() for line in reversed(lines) if line.strip(" }])")), "")
        row = {"test": name, "became": became, "reason": reason}
        print(json.dumps(row), file=self._out, flush=True)

    def addSuccess(self, test: Any) -> None:  # noqa: N802  unittest's name
        """It passed."""
        self._write(test, PASSED)

    def addFailure(self, test: Any, err: Any, *rest: Any, **more: Any) -> None:  # noqa: N802
        """It did not."""
        self._write(test, FAILED, err or _of(more))

    def addError(self, test: Any, err: Any, *rest: Any, **more: Any) -> None:  # noqa: N802
        """It could not be run to its end."""
        self._write(test, FAILED, err or _of(more))


def _of(more: dict[str, Any]) -> Any:
    """Return an error that testtools gives as details, as one of unittest's."""
    texts = [detail.as_text() for name, detail in more["details"].items() if "traceback" in name]
    return (RuntimeError, " … ".join(text.strip().splitlines()[-1] for text in texts), None)


def main(results: str) -> None:
    """Run every module."""
    substitute()
    suite = unittest.defaultTestLoader.loadTestsFromNames(MODULES)
    suite.run(Writer(Path(results)))


if __name__ == "__main__":
    main(*sys.argv[1:])
