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
from isthmus.rpc.senders import Waker


@registry.has_registry_receivers
class RealisationEvents:
    """Receives what happens to networks, subnets and ports, in every process of Neutron.

    Args:
        own_site: this site.
        waker: wakes the worker.
    """

    def __init__(self, own_site: str, waker: Waker) -> None:
        self._own_site = own_site
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

    @registry.receives(resources.PORT, [events.AFTER_DELETE])
    def port_deleted(self, resource: str, event: str, trigger: object, payload: Any) -> None:
        """Journal a VTN that is to go from here as soon as its ports have gone."""
        del resource, event, trigger
        network_id = payload.latest_state["network_id"]
        self._append(transactions.read(realisations.read_leaving, network_id, self._own_site))

    def _append(self, vtn_id: str | None) -> None:
        if vtn_id is not None:
            transactions.write(journal.append, [vtn_id])
            self._waker.wake()
