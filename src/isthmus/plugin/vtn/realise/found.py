# SPDX-License-Identifier: Apache-2.0
"""What there is of a VTN at this site, read in one transaction."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from neutron.db import models_v2
from neutron_lib.context import Context

from isthmus.db import associations, attachments, gateways, neutron_facts, vpns
from isthmus.db.records import Kind
from isthmus.db.vtn import tables
from isthmus.db.vtn.realisations import RealisationRecord
from isthmus.plugin.vtn.realise.drift import Found, FoundNetwork, FoundSubnet

# A tenant may give its ports such owners too, so this only tells that something has changed.
_OUR_OWNERS = ("ovn-lb-hm", "isthmus:")


def read(context: Context, record: RealisationRecord) -> Found:
    """Return what there is."""
    vpn = vpns.read_one(context, record.bgpvpn_id)
    return Found(
        network=_read_network(context, record.network_id),
        vpn=vpn,
        is_associated=vpn is not None and record.network_id in vpn.up_members(),
    )


def read_association(context: Context, record: RealisationRecord) -> Any:
    """Return the association of the network with the VPN, or None."""
    found = associations.read(
        context, Kind.NETWORK, vpn_id=record.bgpvpn_id, target_ids=[record.network_id]
    )
    return found[0] if found else None


def count_ports(context: Context, network_id: str) -> int:
    """Count the ports on a network that a tenant put there, routers' too."""
    port = models_v2.Port
    query: Any = sa.select(port.id, port.device_owner).where(port.network_id == network_id)
    rows = context.session.execute(query).all()
    ours = {each.port_id for each in attachments.read(context, [network_id]).values()}
    for ports in gateways.read_ports(context, [network_id]).values():
        ours |= {each.port_id for each in ports}
    return sum(
        row.id not in ours and row.device_owner not in neutron_facts.PARTS_OF_NETWORKS
        for row in rows
    )


def read_used(context: Context) -> frozenset[str]:
    """Return the VTNs on whose networks somebody seems to have ports; one statement."""
    port, made = models_v2.Port, tables.Realisation
    owner = port.device_owner
    query: Any = (
        sa.select(made.vtn_id)
        .join(port, port.network_id == made.network_id)
        .where(
            owner.not_in(neutron_facts.PARTS_OF_NETWORKS),
            *(owner.not_like(f"{prefix}%") for prefix in _OUR_OWNERS),
        )
        .distinct()
    )
    return frozenset(context.session.execute(query).scalars())


def _read_network(context: Context, network_id: str) -> FoundNetwork | None:
    table = models_v2.Network
    query: Any = sa.select(table.id, table.name, table.admin_state_up).where(table.id == network_id)
    row = context.session.execute(query).first()
    if row is None:
        return None
    network = neutron_facts.read_networks(context, [network_id])[network_id]
    subnets = tuple(
        FoundSubnet(subnet.id, subnet.prefix, subnet.gateway is not None)
        for subnet in network.subnets
    )
    return FoundNetwork(row.id, row.name or "", bool(row.admin_state_up), subnets)
