# SPDX-License-Identifier: Apache-2.0
"""Open vSwitch's database: what is in it as rows, operations as one transaction (RFC 7047)."""

from __future__ import annotations

import contextlib
import os
import select
import warnings
from collections.abc import Iterable
from typing import Any

from isthmus.model.errors import SwitchUnreachable
from isthmus.pe_agent.openflow.ovs_plan import (
    AddPort,
    BridgeRow,
    DeletePort,
    Operation,
    PortRow,
    PutBridge,
    SwitchRows,
)

with warnings.catch_warnings():
    # It looks for eventlet, which warns about itself; it is not used here.
    warnings.simplefilter("ignore")
    import ovs.db.idl
    import ovs.poller

_NO_NICS = ("internal", "patch")

_STRING = {"type": "string"}
_SOME_STRINGS = {"type": {"key": "string", "min": 0, "max": "unlimited"}}
_STRING_MAP = {"type": {"key": "string", "value": "string", "min": 0, "max": "unlimited"}}
_OPTIONAL_STRING = {"type": {"key": "string", "min": 0, "max": 1}}
_OPTIONAL_INTEGER = {"type": {"key": "integer", "min": 0, "max": 1}}


def _references(table: str) -> dict[str, Any]:
    return {"type": {"key": {"type": "uuid", "refTable": table}, "min": 0, "max": "unlimited"}}


# The columns that are read or written here, as in vswitch.ovsschema.
_SCHEMA = {
    "name": "Open_vSwitch",
    "version": "8.3.1",
    "tables": {
        "Open_vSwitch": {"isRoot": True, "columns": {"bridges": _references("Bridge")}},
        "Bridge": {
            "columns": {
                "name": {**_STRING, "mutable": False},
                "datapath_type": _STRING,
                "fail_mode": _OPTIONAL_STRING,
                "protocols": _SOME_STRINGS,
                "ports": _references("Port"),
            }
        },
        "Port": {
            "columns": {
                "name": {**_STRING, "mutable": False},
                "interfaces": _references("Interface"),
            }
        },
        "Interface": {
            "columns": {
                "name": {**_STRING, "mutable": False},
                "type": _STRING,
                "link_state": _OPTIONAL_STRING,
                "options": _STRING_MAP,
                "external_ids": _STRING_MAP,
                "ofport": _OPTIONAL_INTEGER,
                "ofport_request": _OPTIONAL_INTEGER,
            }
        },
    },
}


class OvsDatabase:
    """A replica of Open vSwitch's database. For one thread, but for ``wake``."""

    def __init__(self, remote: str) -> None:
        helper = ovs.db.idl.SchemaHelper(schema_json=_SCHEMA)
        helper.register_all()
        self._idl = ovs.db.idl.Idl(remote, helper)
        self._seqno = self._idl.change_seqno
        self._wake_fd = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)

    def wake(self) -> None:
        """Let ``wait`` return; from any thread."""
        os.eventfd_write(self._wake_fd, 1)

    def wait(self, timeout_s: float | None = None) -> None:
        """Wait for a change of the database, for ``wake``, or for ``timeout_s``.

        Returns at once if something happened since the last call.
        """
        if self._has_changed():
            return
        poller = ovs.poller.Poller()
        if timeout_s is not None:
            poller.timer_wait(int(timeout_s * 1000))
        self._idl.wait(poller)
        poller.fd_wait(self._wake_fd, select.POLLIN)
        poller.block()
        with contextlib.suppress(BlockingIOError):
            os.eventfd_read(self._wake_fd)
        self._has_changed()

    def rows(self) -> SwitchRows | None:
        """Return what is there; None until the database has been read."""
        if not self._idl.has_ever_connected():
            return None
        bridges = {}
        ports = {}
        links = {}
        for bridge in self._idl.tables["Bridge"].rows.values():
            bridges[bridge.name] = BridgeRow(
                bridge.datapath_type, "".join(bridge.fail_mode), frozenset(bridge.protocols)
            )
            links[bridge.name] = tuple(
                "".join(interface.link_state)
                for port in bridge.ports
                for interface in port.interfaces
                if interface.type not in _NO_NICS
            )
            for port in bridge.ports:
                if len(port.interfaces) == 1:
                    ports[port.name] = _read_port(bridge.name, port.interfaces[0])
        return SwitchRows(bridges, ports, links)

    def transact(self, operations: Iterable[Operation]) -> None:
        """Carry out ``operations``, all or none.

        Raises:
            SwitchUnreachable: none was carried out; retry with fresh rows.
        """
        transaction = ovs.db.idl.Transaction(self._idl)
        try:
            for operation in operations:
                if isinstance(operation, PutBridge):
                    self._put_bridge(transaction, operation)
                elif isinstance(operation, DeletePort):
                    self._delete_port(operation)
                else:
                    self._add_port(transaction, operation)
        except SwitchUnreachable:
            transaction.abort()
            raise
        status = transaction.commit_block()
        if status not in (transaction.SUCCESS, transaction.UNCHANGED):
            words = transaction.get_error() or transaction.status_to_string(status)
            raise SwitchUnreachable(f"Open vSwitch's database did not take a change: {words}.")

    def close(self) -> None:
        """Disconnect."""
        self._idl.close()
        os.close(self._wake_fd)

    def _has_changed(self) -> bool:
        self._idl.run()
        before, self._seqno = self._seqno, self._idl.change_seqno
        return bool(self._seqno != before)

    def _put_bridge(self, transaction: Any, operation: PutBridge) -> None:
        bridge = self._bridge(operation.name)
        if bridge is None:
            interface = transaction.insert(self._idl.tables["Interface"])
            interface.name = operation.name
            interface.type = "internal"
            port = transaction.insert(self._idl.tables["Port"])
            port.name = operation.name
            port.interfaces = [interface]
            bridge = transaction.insert(self._idl.tables["Bridge"])
            bridge.name = operation.name
            bridge.ports = [port]
            root = next(iter(self._idl.tables["Open_vSwitch"].rows.values()))
            root.addvalue("bridges", bridge)
        bridge.datapath_type = operation.row.datapath_type
        bridge.fail_mode = operation.row.fail_mode
        bridge.protocols = sorted(operation.row.protocols)

    def _add_port(self, transaction: Any, operation: AddPort) -> None:
        row = operation.row
        interface = transaction.insert(self._idl.tables["Interface"])
        interface.name = operation.name
        interface.type = row.type
        interface.options = dict(row.options)
        interface.external_ids = dict(row.external_ids)
        if row.ofport_request is not None:
            interface.ofport_request = row.ofport_request
        port = transaction.insert(self._idl.tables["Port"])
        port.name = operation.name
        port.interfaces = [interface]
        bridge = self._bridge(row.bridge)
        if bridge is None:
            raise SwitchUnreachable(f"Bridge {row.bridge} is not there.")
        bridge.addvalue("ports", port)

    def _delete_port(self, operation: DeletePort) -> None:
        bridge = self._bridge(operation.bridge)
        for port in [] if bridge is None else bridge.ports:
            if port.name == operation.name:
                bridge.delvalue("ports", port)

    def _bridge(self, name: str) -> Any:
        for bridge in self._idl.tables["Bridge"].rows.values():
            if bridge.name == name:
                return bridge
        return None


def _read_port(bridge: str, interface: Any) -> PortRow:
    given = interface.ofport[0] if interface.ofport else None
    return PortRow(
        bridge=bridge,
        type=interface.type,
        options=dict(interface.options),
        external_ids=dict(interface.external_ids),
        ofport=given if given is not None and given > 0 else None,
        ofport_request=interface.ofport_request[0] if interface.ofport_request else None,
    )
