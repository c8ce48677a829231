# SPDX-License-Identifier: Apache-2.0
"""Answers what is asked over the socket: takes a view, reads switch and BGP daemon if it has to.

An answer has at most ``MOST_ROWS`` rows a table and says how many were left out. Reading waits for
neither the agent's loop nor a neighbor; the loop never waits for a reader.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from isthmus.model.errors import EdgeError
from isthmus.model.route import VpnRoute
from isthmus.pe_agent.install import Edges
from isthmus.pe_agent.look import parts
from isthmus.pe_agent.look.difference import difference
from isthmus.pe_agent.look.tracing import Tracing
from isthmus.pe_agent.look.view import Responses, Tables, View, find_vpn, take_view
from isthmus.pe_agent.openflow.writer import FlowDifference
from isthmus.pe_agent.reconcile import Reconciler

PARTS = ("overview", "intent", "rib", "compiled", "installed", "difference")
MOST_ROWS = 20_000
_SETTLE_S = 3.0
_TRIES = 3

_Read = TypeVar("_Read")


class Answers:
    """What may be asked of one agent. Safe for threads.

    Args:
        reconciler: the loop, looked at and never touched.
        edges: read, never told anything.
        tracing: answers what is to be traced.
        responses: by VRF number, how many packets were answered, fragmented and left.
    """

    def __init__(
        self,
        reconciler: Reconciler,
        edges: Edges,
        tracing: Tracing,
        responses: Callable[[], Responses],
    ) -> None:
        self._responses = responses
        self._reconciler = reconciler
        self._edges = edges
        self._tracing = tracing

    def answer(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Answer one question.

        Raises:
            InvalidValue: it names a VPN that is not here; the sentence says so.
        """
        if "trace" in request:
            view = take_view(self._reconciler, self._edges, self._responses())
            return self._tracing.answer(view, request["trace"])
        part = request.get("part", "overview")
        if part not in PARTS:
            return {"error": f"There is no part '{part}'; there are {', '.join(PARTS)}."}
        view = take_view(self._reconciler, self._edges, self._responses())
        given = request.get("vpn")
        vpn_id = None if given is None else find_vpn(view, str(given))
        unread: list[str] = []
        if part == "difference":
            tables, unread = self._difference(vpn_id)
        elif part == "installed":
            tables, unread = self._installed(view, vpn_id)
        else:
            of_view: dict[str, Callable[[View, str | None], Tables]] = {
                "overview": parts.overview,
                "intent": parts.intent,
                "rib": parts.rib,
                "compiled": parts.compiled,
            }
            tables = of_view[part](view, vpn_id)
        return {
            "part": part,
            "vpn": vpn_id,
            "agent": parts.describe_agent(view),
            "unread": unread,
            "tables": {name: rows[:MOST_ROWS] for name, rows in tables.items()},
            "left_out": {
                name: len(rows) - MOST_ROWS
                for name, rows in tables.items()
                if len(rows) > MOST_ROWS
            },
        }

    def _installed(self, view: View, vpn_id: str | None) -> tuple[Tables, list[str]]:
        unread: list[str] = []
        flows = _try(self._edges.writer.read, unread) or ()
        routes = _try(self._edges.speaker.read_advertised, unread) or frozenset()
        chosen = None if vpn_id is None else view.vrf_numbers(vpn_id)
        tables: Tables = {
            **parts.ports(view),
            "routes": parts.describe_routes(routes, view, vpn_id),
            "flows": [
                parts.describe_installed(flow)
                for flow in flows
                if chosen is None or flow.cookie in chosen
            ],
        }
        return tables, unread

    def _difference(self, vpn_id: str | None) -> tuple[Tables, list[str]]:
        """Compare; what differs while the agent is at work is compared again."""
        for attempt in range(_TRIES):
            self._reconciler.wait_until_idle(_SETTLE_S)
            view = take_view(self._reconciler, self._edges, self._responses())
            unread: list[str] = []
            flows, routes = self._read(view, unread)
            rows = difference(view, flows, routes, vpn_id)
            is_still = not self._reconciler.is_busy and self._reconciler.last_pass() is view.done
            if not rows or is_still:
                break
            if attempt + 1 < _TRIES:
                time.sleep(0.2)
        else:
            unread.append("The agent was at work all the while: look again.")
        return {"differences": rows}, unread

    def _read(
        self, view: View, unread: list[str]
    ) -> tuple[FlowDifference | None, frozenset[VpnRoute] | None]:
        if view.compiled is None:
            unread.append(" ".join(("Nothing has been compiled yet.", *view.waits_for)))
            return None, None
        wanted = view.compiled.flows
        flows = _try(lambda: self._edges.writer.difference(wanted), unread)
        return flows, _try(self._edges.speaker.read_advertised, unread)


def _try(read: Callable[[], _Read], unread: list[str]) -> _Read | None:
    try:
        return read()
    except EdgeError as error:
        unread.append(error.for_operator)
        return None
