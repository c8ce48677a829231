# SPDX-License-Identifier: Apache-2.0
"""URLs of a server's consoles, each asked for when it is read: it is good for a while only."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from openstack import exceptions

_KINDS = ("novnc", "spice-html5", "rdp-html5", "serial", "webmks")


class Consoles(Mapping[str, str]):
    """A server's consoles, by their kind; a sentence where there is none."""

    def __init__(self, compute: Any, server_id: str) -> None:
        self._compute, self._server_id = compute, server_id

    def __getitem__(self, kind: str) -> str:
        if kind not in _KINDS:
            raise KeyError(kind)
        try:
            console = self._compute.create_server_remote_console(self._server_id, type=kind)
        except (exceptions.SDKException, ValueError) as error:
            return f"There is no such console: {error}"
        return str(console.url)

    def __iter__(self) -> Iterator[str]:
        return iter(_KINDS)

    def __len__(self) -> int:
        return len(_KINDS)
