# SPDX-License-Identifier: Apache-2.0
"""Read the whole intent of one VPN at this site."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

from neutron_lib.context import Context

from isthmus.db import (
    associations,
    attachments,
    gateways,
    models,
    neutron_facts,
    passed_on,
    router_facts,
    transits,
    vpns,
)
from isthmus.db.compose import Picture, compose
from isthmus.db.records import AttachmentRecord, Kind, NetworkRecord
from isthmus.model.intent import VpnIntent


def read_intent(context: Context, vpn_id: str, *, lock: bool = False) -> VpnIntent | None:
    """Return what is wanted of a VPN, one consistent picture if the caller holds a transaction.

    An attachment whose port is being made counts as made: its id and MAC are known. Subnets whose
    gateway address a router has are left out, so that hosts never have two gateways; so are
    networks without an attachment, or none of whose subnets can be carried, and all that was taken
    down. None if there is no such VPN. ``lock`` keeps the attachments from going until the caller's
    transaction ends.
    """
    vpn = vpns.read_one(context, vpn_id)
    if vpn is None:
        return None
    vpn = vpn.carried()
    transited = transits.read(context, router_ids=vpn.router_ids) if vpn.router_ids else {}
    routers = router_facts.read_routers(context, vpn.router_ids)
    with_ports = neutron_facts.read_port_networks(context, vpn.port_ids).values()
    used = {*vpn.network_ids, *with_ports, *(t.network_id for t in transited.values())}
    behind = {routed.network_id for r in routers.values() for routed in r.subnets}
    members = [
        association
        for kind, ids in ((Kind.ROUTER, vpn.router_ids), (Kind.PORT, vpn.port_ids))
        if ids
        for association in associations.read(context, kind, vpn_id=vpn_id)
        if association.is_up
    ]
    passed = {r.vpn_id for member in members for r in member.routes if r.vpn_id is not None}
    attached = _made(attachments.read(context, used, lock=lock))
    in_gateway_mode = [n for n, found in attached.items() if found.mode == models.GATEWAY]
    return compose(
        Picture(
            vpn=vpn,
            associations=tuple(members),
            networks=_read_served(context, used),
            attached=attached,
            gateways=gateways.read_ports(context, in_gateway_mode),
            ports=tuple(neutron_facts.read_customer_ports(context, used | behind)),
            routers=routers,
            transits=transited,
            passed_on=passed_on.read_prefixes(context, passed),
        )
    )


def _read_served(context: Context, network_ids: Collection[str]) -> Mapping[str, NetworkRecord]:
    """Return networks without the subnets whose gateway is a router."""
    routed = neutron_facts.read_routed_subnets(context, network_ids)
    return {
        network.id: replace(
            network, subnets=tuple(s for s in network.subnets if s.id not in routed)
        )
        for network in neutron_facts.read_networks(context, network_ids).values()
    }


def _made(attached: Mapping[str, AttachmentRecord]) -> Mapping[str, AttachmentRecord]:
    """Return attachments that are there or coming, with the MAC they have or will have."""
    return {
        network_id: replace(found, mac=found.mac or attachments.gateway_mac(network_id))
        for network_id, found in attached.items()
        if attachments.is_there_or_coming(found)
    }
