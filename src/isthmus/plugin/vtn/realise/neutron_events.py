# SPDX-License-Identifier: Apache-2.0
"""Somebody touches what was made of a VTN: the VTN goes into the journal.

An entry can be lost with the process, as Neutron publishes these events after its transaction;
the worker's resync finds such a change.
"""

from __future__ import annotations

from typing import Any

from neutron_lib.callbacks import events, registry, resources

from isthmus.db.vtn import journal, realisations
from isthmus.plugin import attach, transactions
from isthmus.plugin.vtn.realise import found
from isthmus.rpc.senders import Waker

# Several that are made at a time may each see the others.
_FEW = 4


@registry.has_registry_receivers
class RealisationEvents:
    """Receives what happens to networks, subnets and ports, in every process of Neutron.

    Args:
        waker: wakes the worker.
    """

    def __init__(self, waker: Waker) -> None:
        self._waker = waker

    @registry.receives(resources.NETWORK, [events.AFTER_UPDATE, events.AFTER_DELETE])
    def network_changed(self, resource: str, event: str, trigger: object, payload: Any) -> None:
        """Journal the VTN of a network."""
        del resource, event, trigger
        if not attach.is_own(payload.context):
            self._append(transactions.read(realisations.read_of_network, payload.resource_id))

    @registry.receives(
        resources.SUBNET, [events.AFTER_CREATE, events.AFTER_UPDATE, events.AFTER_DELETE]
    )
    def subnet_changed(self, resource: str, event: str, trigger: object, payload: Any) -> None:
        """Journal the VTN of a subnet's network."""
        del resource, event, trigger
        if not attach.is_own(payload.context):
            network_id = payload.latest_state["network_id"]
            self._append(transactions.read(realisations.read_of_network, network_id))

    @registry.receives(resources.PORT, [events.AFTER_CREATE, events.AFTER_DELETE])
    def ports_changed(self, resource: str, event: str, trigger: object, payload: Any) -> None:
        """Journal the VTN of a network that gets its first ports, or loses one.

        Other sites are told whether there are any: it can't be deleted while there are. One that
        is to go from here goes when the last has.
        """
        del resource, trigger
        if attach.is_own(payload.context):
            return
        network_id = payload.latest_state["network_id"]
        vtn_id = transactions.read(realisations.read_of_network, network_id)
        if vtn_id is None:
            return
        is_gone = event == events.AFTER_DELETE
        if is_gone or transactions.read(found.count_ports, network_id) <= _FEW:
            self._append(vtn_id)

    def _append(self, vtn_id: str | None) -> None:
        if vtn_id is not None:
            transactions.write(journal.append, [vtn_id])
            self._waker.wake()
