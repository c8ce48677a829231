# SPDX-License-Identifier: Apache-2.0
"""Attachments and the core link in Open vSwitch, by its database; one thread of its own.

Level-triggered: whatever changes in the database, a person's hand included, is compared with what
should be, and only a difference is written.
"""

from __future__ import annotations

import dataclasses
import logging
import threading
import time
from collections.abc import Callable

from isthmus.model.errors import SwitchUnreachable
from isthmus.model.provider_edge import Encapsulation
from isthmus.pe_agent.openflow.ovs_plan import (
    CORE_PE,
    PE_CORE,
    DeletePort,
    Operation,
    PutBridge,
    SwitchLayout,
    SwitchRows,
    has_core_link,
    installed_hosts,
    plan,
    plugged_circuits,
    plugged_hosts,
    plugged_requests,
)
from isthmus.pe_agent.openflow.ovsdb import OvsDatabase
from isthmus.pe_agent.openflow.writer import SwitchPorts

LOG = logging.getLogger(__name__)

_COMMIT_WAIT_S = 3.0
_OFPORT_WAIT_S = 0.3
_RETRY_S = 1.0
# Someone who undoes what is written here must not make this a busy loop.
_LEAST_BETWEEN_REPAIRS_S = 0.5


class OvsPortPlugger:
    """A ``PortPlugger`` for Open vSwitch.

    Args:
        remote: where ovsdb-server listens.
        layout: how the bridges are called.
        epoch: tells which life of the switch this is; changes when its flows are gone.
    """

    def __init__(self, remote: str, layout: SwitchLayout, epoch: Callable[[], str]) -> None:
        self._database = OvsDatabase(remote)
        self._layout = layout
        self._epoch = epoch
        self._on_change: Callable[[], None] = lambda: None
        self._thread = threading.Thread(target=self._follow, name="ovsdb", daemon=True)
        self._is_stopping = False
        # What follows is shared with the thread, under the condition.
        self._condition = threading.Condition()
        self._wanted: frozenset[str] | None = None
        self._asked = 0
        self._answered = 0
        self._error: SwitchUnreachable | None = None
        self._ports: SwitchPorts | None = None
        # These are the thread's own.
        self._highest_ofport = 0
        self._repaired_at = -_LEAST_BETWEEN_REPAIRS_S

    def start(self, on_change: Callable[[], None]) -> None:
        """Follow the database in a thread; see ``PortPlugger``."""
        self._on_change = on_change
        self._thread.start()

    def plug(self, circuits: frozenset[str]) -> None:
        """Make ``circuits`` all that is plugged; see ``PortPlugger``.

        Returns once they have OpenFlow ports, or after a short wait: ``ports`` tells.
        """
        with self._condition:
            self._wanted = circuits
            self._asked += 1
            mine = self._asked
            self._database.wake()
            if not self._condition.wait_for(lambda: self._answered >= mine, _COMMIT_WAIT_S):
                raise SwitchUnreachable("Open vSwitch's database does not answer.")
            if self._error is not None:
                raise self._error
            self._condition.wait_for(lambda: self._has(circuits), _OFPORT_WAIT_S)

    def ports(self) -> SwitchPorts | None:
        """Return what is plugged; None until the database has been read."""
        with self._condition:
            known = self._ports
        return None if known is None else dataclasses.replace(known, epoch=self._epoch())

    def stop(self) -> None:
        """Stop following; everything stays plugged."""
        self._is_stopping = True
        if self._thread.is_alive():
            self._database.wake()
            self._thread.join(_COMMIT_WAIT_S)

    def _has(self, circuits: frozenset[str]) -> bool:
        return self._ports is not None and circuits <= self._ports.circuits.keys()

    def _follow(self) -> None:
        again_s: float | None = None
        while not self._is_stopping:
            self._database.wait(again_s)
            again_s = self._look()
        self._database.close()

    def _look(self) -> float | None:
        """Compare, repair, tell; return after how many seconds to do so again by itself."""
        with self._condition:
            asked, wanted = self._asked, self._wanted
            is_asked = asked > self._answered
        error: SwitchUnreachable | None = None
        again_s: float | None = None
        rows = self._database.rows()
        if rows is None:
            error = SwitchUnreachable("Open vSwitch's database has not been read yet.")
        else:
            again_s, error = self._repair(rows, wanted, is_asked=is_asked)
        self._publish(asked, error)
        return again_s

    def _repair(
        self, rows: SwitchRows, wanted: frozenset[str] | None, *, is_asked: bool
    ) -> tuple[float | None, SwitchUnreachable | None]:
        self._highest_ofport = max([self._highest_ofport, *plugged_requests(rows).values()])
        operations = plan(rows, self._layout, wanted, highest_ofport=self._highest_ofport)
        if not operations:
            return None, None
        now = time.monotonic()
        if not is_asked and now < self._repaired_at + _LEAST_BETWEEN_REPAIRS_S:
            return _LEAST_BETWEEN_REPAIRS_S, None
        self._repaired_at = now
        try:
            self._database.transact(operations)
        except SwitchUnreachable as error:
            LOG.warning("switch.change_failed error=%r retry_s=%s", str(error), _RETRY_S)
            return _RETRY_S, error
        for operation in operations:
            LOG.info("switch.changed %s", describe(operation))
        return None, None

    def _publish(self, asked: int, error: SwitchUnreachable | None) -> None:
        rows = self._database.rows()
        ports = None if rows is None else read_ports(rows, self._layout)
        with self._condition:
            has_changed = ports != self._ports
            self._ports, self._answered, self._error = ports, asked, error
            self._condition.notify_all()
        if has_changed:
            self._on_change()


def read_ports(rows: SwitchRows, layout: SwitchLayout) -> SwitchPorts:
    """Read what is plugged; ``epoch`` is left empty."""
    core = rows.ports.get(PE_CORE)
    is_joined = layout.encapsulation is Encapsulation.MPLS_IN_GRE or CORE_PE in rows.ports
    return SwitchPorts(
        core=core.ofport if core is not None and is_joined else None,
        circuits=plugged_circuits(rows, layout),
        hosts=plugged_hosts(rows, layout),
        epoch="",
        has_core_link=has_core_link(rows, layout),
        installed=installed_hosts(rows, layout),
    )


def describe(operation: Operation) -> str:
    """Describe an operation as a line of the log does."""
    if isinstance(operation, PutBridge):
        return f"bridge={operation.name} datapath_type={operation.row.datapath_type}"
    if isinstance(operation, DeletePort):
        return f"port_removed={operation.name} bridge={operation.bridge}"
    return f"port_added={operation.name} bridge={operation.row.bridge} type={operation.row.type}"
