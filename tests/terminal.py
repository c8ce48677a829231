# SPDX-License-Identifier: Apache-2.0
"""The ``openstack`` command in this process, and what it leaves on the terminal."""

from __future__ import annotations

import json
import logging
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest


@dataclass(frozen=True)
class Ran:
    """What a command left on the terminal."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Its output, asked for with ``-f json``."""
        assert self.code == 0, self.err
        return json.loads(self.out)

    @property
    def refusal(self) -> str:
        """What it says of its failure."""
        assert self.code != 0, self.out
        return self.err.strip()


Openstack = Callable[..., Ran]


@contextmanager
def logging_restored() -> Iterator[None]:
    """Undo what a program does to the process it thinks its own."""
    root = logging.getLogger()
    level, handlers = root.level, root.handlers[:]
    yield
    root.setLevel(level)
    root.handlers[:] = handlers


def openstack(url: str, who: str, capsys: pytest.CaptureFixture[str]) -> Openstack:
    """Return what runs a command line against a served cloud, as ``who`` unless told otherwise."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from openstackclient import shell

    def run(line: str, *more: str, who: str = who) -> Ran:
        caller = ["--os-auth-type", "admin_token", "--os-token", who, "--os-endpoint", url]
        with warnings.catch_warnings(), logging_restored():
            warnings.simplefilter("ignore")
            code = shell.main([*caller, *line.split(), *more])
        told = capsys.readouterr()
        # Some other client's entry point that there is nothing behind.
        lines = [each for each in told.err.splitlines() if "Could not load '" not in each]
        return Ran(code, told.out, "\n".join(lines))

    return run
