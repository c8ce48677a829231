# SPDX-License-Identifier: Apache-2.0
"""What this site made of VTNs: rows that come before the networks and go after them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from ipaddress import ip_network
from typing import Any

import sqlalchemy as sa
from neutron_lib.context import Context

from isthmus.db import claims
from isthmus.db.vtn import tables
from isthmus.model.ip import IpPrefix

_TABLE, _SUBNET = tables.Realisation, tables.RealisedSubnet


@dataclass(frozen=True, slots=True)
class SubnetPlan:
    """A subnet with the id it has, or is to have.

    Attributes:
        was_made: it was there once.
    """

    id: str
    prefix: IpPrefix
    was_made: bool = False


@dataclass(frozen=True, slots=True)
class RealisationRecord:
    """What was made of a VTN here, or is being made.

    Attributes:
        network_name: the one the network was last given by us; None if it was never made.
        is_joined: VPN and association were made.
        subnets: in order of prefix, IPv4 before IPv6.
    """

    vtn_id: str
    network_id: str
    bgpvpn_id: str
    network_name: str | None = None
    is_joined: bool = False
    subnets: tuple[SubnetPlan, ...] = ()


def read(
    context: Context, vtn_ids: Collection[str] | None = None
) -> Mapping[str, RealisationRecord]:
    """Return what was made of these VTNs, or of all; two statements."""
    query: Any = sa.select(_TABLE.__table__)
    nets: Any = sa.select(_SUBNET.__table__)
    if vtn_ids is not None:
        query = query.where(_TABLE.vtn_id.in_(vtn_ids))
        nets = nets.where(_SUBNET.vtn_id.in_(vtn_ids))
    found = {
        row.vtn_id: RealisationRecord(
            row.vtn_id, row.network_id, row.bgpvpn_id, row.network_name, bool(row.is_joined)
        )
        for row in context.session.execute(query)
    }
    subnets: dict[str, list[SubnetPlan]] = defaultdict(list)
    for row in context.session.execute(nets):
        prefix: IpPrefix = ip_network(row.prefix)
        subnets[row.vtn_id].append(SubnetPlan(row.subnet_id, prefix, bool(row.is_made)))
    return {
        vtn_id: replace(record, subnets=tuple(sorted(subnets[vtn_id], key=_place)))
        for vtn_id, record in found.items()
    }


def read_of_network(context: Context, network_id: str) -> str | None:
    """Return the VTN a network was made for, or None."""
    query: Any = sa.select(_TABLE.vtn_id).where(_TABLE.network_id == network_id)
    found: str | None = context.session.execute(query).scalar_one_or_none()
    return found


def read_said(context: Context, own_site: str) -> Mapping[str, tuple[str, str]]:
    """Return status and reason that this site says of each VTN it made something of."""
    member = tables.VtnMember
    query: Any = (
        sa.select(_TABLE.vtn_id, member.status, member.reason)
        .join(member, sa.and_(member.vtn_id == _TABLE.vtn_id, member.site == own_site))
        .where(_TABLE.is_joined.is_(True))
    )
    return {row.vtn_id: (row.status, row.reason) for row in context.session.execute(query)}


def claim(
    context: Context, vtn_id: str, prefixes: Collection[IpPrefix]
) -> RealisationRecord | None:
    """Claim the work on a VTN and choose what ids are missing; None if another worker has it.

    Args:
        context: of the caller's transaction.
        vtn_id: the VTN.
        prefixes: of subnets that are to be. Others there are stay known until ``drop_subnet``.
    """
    if claims.claim(context, _TABLE, "network_id", vtn_id=vtn_id) is None:
        return None
    known = {plan.prefix for plan in read(context, [vtn_id])[vtn_id].subnets}
    for prefix in prefixes:
        if prefix not in known:
            context.session.add(_SUBNET(vtn_id=vtn_id, prefix=str(prefix)))
    context.session.flush()
    return read(context, [vtn_id])[vtn_id]


def claim_removal(context: Context, vtn_id: str) -> bool:
    """Claim the removal; False if nothing is left, or another worker has the claim."""
    return claims.claim_removal(context, _TABLE, vtn_id=vtn_id)


def release(context: Context, vtn_id: str) -> None:
    """Give up the claim."""
    claims.release(context, _TABLE, vtn_id=vtn_id)


def name_network(context: Context, vtn_id: str, name: str) -> None:
    """Record that the network is made and has this name."""
    _update(context, vtn_id, network_name=name)


def join(context: Context, vtn_id: str) -> None:
    """Record that VPN and association are made."""
    _update(context, vtn_id, is_joined=True)


def make_subnet(context: Context, subnet_id: str) -> None:
    """Record that a subnet is made."""
    query = sa.update(_SUBNET).where(_SUBNET.subnet_id == subnet_id).values(is_made=True)
    context.session.execute(query)


def drop_subnet(context: Context, subnet_id: str) -> None:
    """Forget a subnet that is gone."""
    context.session.execute(sa.delete(_SUBNET).where(_SUBNET.subnet_id == subnet_id))


def forget(context: Context, vtn_id: str) -> None:
    """Remove the rows of a VTN of which nothing is left here."""
    context.session.execute(sa.delete(_SUBNET).where(_SUBNET.vtn_id == vtn_id))
    claims.forget(context, _TABLE, vtn_id=vtn_id)


def _update(context: Context, vtn_id: str, **columns: Any) -> None:
    context.session.execute(sa.update(_TABLE).where(_TABLE.vtn_id == vtn_id).values(**columns))


def _place(plan: SubnetPlan) -> tuple[int, IpPrefix]:
    return plan.prefix.version, plan.prefix
