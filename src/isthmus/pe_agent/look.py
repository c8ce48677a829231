# SPDX-License-Identifier: Apache-2.0
"""The looking glass: what the agent holds, read-only, as JSON on a UNIX socket."""

from __future__ import annotations

import json
import logging
import socket
import threading
from pathlib import Path
from typing import Any

from isthmus.model.ip import AddressFamily, ip_order
from isthmus.model.route import VpnRoute
from isthmus.pe_agent.reconcile import Pass, Reconciler
from isthmus.rpc.contract import encode_pe_report, encode_vrf_intent

LOG = logging.getLogger(__name__)


class LookingGlass:
    """Answers each connection with the state of the last pass, and closes it."""

    def __init__(self, path: Path, reconciler: Reconciler) -> None:
        self._path = path
        self._reconciler = reconciler

    def start(self) -> None:
        """Listen in a thread; a socket that can't be had is no reason not to forward."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._path.unlink(missing_ok=True)
            listener = socket.socket(socket.AF_UNIX)
            listener.bind(str(self._path))
            self._path.chmod(0o600)
            listener.listen()
        except OSError as error:
            LOG.warning("look.not_listening path=%s error=%r", self._path, error)
            return
        threading.Thread(target=self._serve, args=(listener,), name="look", daemon=True).start()

    def _serve(self, listener: socket.socket) -> None:
        while True:
            connection, _ = listener.accept()
            try:
                with connection:
                    connection.settimeout(5)
                    answer = json.dumps(describe(self._reconciler), indent=2) + "\n"
                    connection.sendall(answer.encode())
            except Exception as error:
                LOG.warning("look.failed error=%r", error)


def read_look(path: Path) -> str:
    """Return what the agent behind the socket ``path`` says.

    Raises:
        OSError: nobody listens.
    """
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(10)
        connection.connect(str(path))
        return connection.makefile().read()


def describe(reconciler: Reconciler) -> dict[str, Any]:
    """Describe everything as JSON-ready data."""
    done = reconciler.last_pass()
    return {
        "report": encode_pe_report(reconciler.report()),
        "last_pass": None if done is None else _describe_pass(done),
    }


def _describe_pass(done: Pass) -> dict[str, Any]:
    compiled = done.salvaged.compiled
    inputs = done.inputs
    numbers = compiled.numbers if compiled else inputs.numbers
    return {
        "seconds": round(done.seconds, 4),
        "failures": list(done.failures),
        "may_write_flows": done.may_write_flows,
        "refused": done.salvaged.refused,
        "problems": {} if compiled is None else dict(compiled.problems),
        "intents": [encode_vrf_intent(inputs.intents[vpn_id]) for vpn_id in sorted(inputs.intents)],
        "ports": {
            "core": inputs.core_port,
            "circuits": dict(inputs.circuit_ports),
            "hosts": sorted(inputs.plugged_hosts),
        },
        "numbers": [
            {
                "vpns": list(key),
                "vrf": number,
                "label": numbers.labels.get((key, AddressFamily.IPV4)),
                "label_ipv6": numbers.labels.get((key, AddressFamily.IPV6)),
            }
            for key, number in sorted(numbers.by_vrf.items())
        ],
        "rib_in": _describe_routes(done.rib.routes),
        "rib_in_is_complete": done.rib.is_complete,
        "advertised": [] if compiled is None else _describe_routes(compiled.routes),
        "flows": [] if compiled is None else sorted(str(flow) for flow in compiled.flows),
    }


def _describe_routes(routes: frozenset[VpnRoute]) -> list[dict[str, Any]]:
    return [
        {
            "rd": str(route.rd),
            "prefix": str(route.prefix),
            "next_hop": str(route.next_hop),
            "label": route.label.value,
            "route_targets": sorted(str(rt) for rt in route.route_targets),
        }
        for route in sorted(routes, key=lambda route: (ip_order(route.prefix), route.rd))
    ]
