# SPDX-License-Identifier: Apache-2.0
"""Somebody touches what was made of a VTN: the VTN goes into the journal.

An entry can be lost with the process, as Neutron publishes these events after its transaction;
the worker's resync finds such a change.
"""

from __future__ import annotations

from typing import Any

from neutron_lib.callbacks import events, registry, resources
from neutron_lib.context import Context

from isthmus.db.vtn import journal, realisations
from isthmus.plugin import attach, transactions
from isthmus.plugin.vtn.realise import found, saying
from isthmus.rpc.senders import Waker

# Several that are made at a time may each see the others.
_FEW = 4


@registry.has_registry_receivers
class RealisationEvents:
    """Receives what happens to networks, subnets and ports, in every process of Neutron.

    Args:
        waker: wakes the worker.
        own_site: this site.
    """

    def __init__(self, waker: Waker, own_site: str) -> None:
        self._waker = waker
        self._own_site = own_site

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
        if is_gone or transactions.read(self._may_be_news, vtn_id, network_id):
            self._append(vtn_id)

    def _may_be_news(self, context: Context, vtn_id: str, network_id: str) -> bool:
        """Whether others may not know yet that there are ports.

        Of many that are made at once each is told of when all are there; and this site may just be
        about to say that there are none, from before a port that others were told of has gone:
        what it counts for has an entry until it has said so.
        """
        if found.count_ports(context, network_id) <= _FEW:
            return True
        is_said = saying.has_said_ports(context, self._own_site, vtn_id)
        return not is_said or bool(journal.read_pending(context, [vtn_id]))

    def _append(self, vtn_id: str | None) -> None:
        if vtn_id is not None:
            transactions.write(journal.append, [vtn_id])
            self._waker.wake()
