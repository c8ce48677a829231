# SPDX-License-Identifier: Apache-2.0
"""Walk a page: run its blocks in their order, and hold against them what the page says they print.

    ```console     a line after ``$ `` is typed into bash, with those after ``> ``; what follows
                   is what it prints
    ```python      what follows ``>>>`` goes to an interpreter; what follows is what it prints
    ```yaml        is saved as the file that its first line, a comment, names
    **east is gone from here on.**     and ``is back``: it happens

``...`` stands for anything. Ids, times and the width of a table's columns are no claim. What is
typed without output after it has to succeed.
"""

from __future__ import annotations

import doctest
import os
import re
import selectors
import subprocess
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from sybil import Document, Example, Region
from sybil.parsers.markdown import CodeBlockParser, PythonCodeBlockParser

_FLAGS = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
_MARK = "--- that was it:"
_TURN = re.compile(r"^\*\*(?P<site>\w+) is (?P<state>gone|back)\b.*\*\*", re.MULTILINE)
_NO_CLAIMS = (
    (re.compile(r"\b[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}\b"), "<id>"),
    (re.compile(r"\b\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d+)?Z?\b"), "<time>"),
    (re.compile(r"-{2,}"), "--"),
)
# Of no line too.
_ANY_LINES = re.compile(r"^\.\.\.\n", re.MULTILINE)
Happen = Callable[[str, str], None]


class _Terminal:
    """A bash that lives as long as a page."""

    def __init__(self, environment: Mapping[str, str], folder: Path, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._bash = subprocess.Popen(
            ["bash", "--norc", "--noprofile"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            env={**os.environ, **environment},
            cwd=folder,
        )

    def type(self, command: str) -> tuple[str, int]:
        """Return what a command prints, and its exit status."""
        assert self._bash.stdin is not None
        self._bash.stdin.write(f"{{\n{command}\n}} </dev/null\necho '{_MARK}' $?\n".encode())
        self._bash.stdin.flush()
        told, _, status = self._read(command).rpartition(_MARK)
        return told, int(status)

    def _read(self, command: str) -> str:
        out = self._bash.stdout
        assert out is not None
        end, told = time.monotonic() + self._timeout_s, b""
        with selectors.DefaultSelector() as selector:
            selector.register(out, selectors.EVENT_READ)
            while not re.search(rf"{_MARK} \d+\n$".encode(), told):
                left = end - time.monotonic()
                if left <= 0 or not selector.select(left):
                    raise AssertionError(
                        f"{command}: not done after {self._timeout_s:g} s:\n{told!r}"
                    )
                more = os.read(out.fileno(), 1 << 16)
                if not more:
                    raise AssertionError(f"{command}: ended the shell:\n{told!r}")
                told += more
        return told.decode()

    def close(self) -> None:
        """End it."""
        self._bash.kill()
        self._bash.communicate()


def walk(
    page: Path,
    environment: Mapping[str, str],
    folder: Path,
    happen: Happen,
    timeout_s: float = 120,
) -> int:
    """Walk a page; return how many steps it has.

    Args:
        page: the file.
        environment: what its commands have beside this process's.
        folder: where they run.
        happen: makes a site go or come.
        timeout_s: that one command may take.

    Raises:
        AssertionError: something is not as the page says.
    """
    terminal = _Terminal(environment, folder, timeout_s)

    def read_turns(document: Document) -> Iterable[Region]:
        for found in _TURN.finditer(document.text):
            yield Region(found.start(), found.end(), found.groupdict(), turn)

    def turn(example: Example) -> None:
        happen(example.parsed["site"], example.parsed["state"])

    def run(example: Example) -> str:
        return "".join(
            _compare(command, claim, *terminal.type(command))
            for command, claim in read_commands(str(example.parsed))
        )

    def save(example: Example) -> None:
        name = str(example.parsed).partition("\n")[0].removeprefix("# ")
        (folder / name).write_text(example.parsed)

    parsers = (
        CodeBlockParser("console", run),
        CodeBlockParser("yaml", save),
        PythonCodeBlockParser(doctest_optionflags=_FLAGS),
        read_turns,
    )
    document = Document.parse(str(page), *parsers)
    try:
        steps = list(document.examples())
        for step in steps:
            step.evaluate()
    finally:
        terminal.close()
    return len(steps)


def read_commands(block: str) -> list[tuple[str, str]]:
    """Return what is typed in a block, with what is claimed of it."""
    found: list[list[str]] = []
    for line in block.splitlines():
        if line.startswith("$ "):
            found.append([line.removeprefix("$ "), ""])
        elif found and not found[-1][1] and line.startswith("> "):
            found[-1][0] += f"\n{line.removeprefix('> ')}"
        elif found:
            found[-1][1] += f"{line}\n"
        elif line.strip():
            raise AssertionError(f"Nothing is typed before {line!r}.")
    return [(command, claim.rstrip("\n")) for command, claim in found]


def _compare(command: str, claim: str, told: str, status: int) -> str:
    """Return what is wrong, nothing if all is right."""
    if not claim:
        return f"$ {command}\n{told}exit status {status}\n" if status else ""
    want, got = (f"{_without_ids(text).strip()}\n" for text in (claim, told))
    want = _ANY_LINES.sub("...", want)
    if doctest.OutputChecker().check_output(want, got, _FLAGS):
        return ""
    return f"$ {command}\nThe page says:\n{claim}\nIt prints:\n{told}"


def _without_ids(text: str) -> str:
    for pattern, stand_in in _NO_CLAIMS:
        text = pattern.sub(stand_in, text)
    return text
