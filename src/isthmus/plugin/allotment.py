# SPDX-License-Identifier: Apache-2.0
"""Route targets and RDs beside those of other VPNs: given out, claimed, kept from strangers."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from typing import Any

from neutron_lib.context import Context

from isthmus.config.plugin import PluginOptions
from isthmus.db import pools
from isthmus.db.pools import ROUTE_DISTINGUISHERS, ROUTE_TARGETS, Register, Use
from isthmus.db.records import BOTH, VpnRecord
from isthmus.db.vtn import targets
from isthmus.model.errors import IntentConflict, InvalidValue
from isthmus.model.pools import NumberPool

MayShare = Callable[[], bool]


def give(context: Context, options: PluginOptions, wanted: VpnRecord) -> VpnRecord:
    """Return a new VPN with what it asks for out of the operator's pools.

    Raises:
        InvalidValue: there is no such pool.
        PoolExhausted: all of it is in use.
    """
    if wanted.allocates_route_target:
        has = {value for _, value in wanted.targets} | targets.read_values(context)
        target = _choose(context, ROUTE_TARGETS, options.route_target_pool, has)
        wanted = replace(wanted, targets=tuple(sorted({*wanted.targets, (BOTH, target)})))
    if wanted.allocates_route_distinguisher:
        pool = options.route_distinguisher_pool
        rd = _choose(context, ROUTE_DISTINGUISHERS, pool, wanted.rds)
        wanted = replace(wanted, rds=(*wanted.rds, rd))
    return wanted


def _choose(
    context: Context, register: Register, pool: NumberPool[Any], has: Collection[str]
) -> str:
    """Choose a free one, by chance, so that two requests seldom choose the same."""
    words = pool.kind.words
    if not pool.ranges:
        raise InvalidValue(
            f"This region has no pool of {words}s. Leave 'allocate_{words.replace(' ', '_')}' out."
        )
    taken = pools.read_taken(context, register, pool)
    return str(pool.choose(taken | {*has}, secrets.randbelow(len(pool))))


def claim(
    context: Context, former: VpnRecord | None, wanted: VpnRecord, may_share: MayShare
) -> None:
    """Claim what comes to a VPN, whose row is there, and release what goes.

    Args:
        context: of the caller's transaction.
        former: the VPN as it was; None if it is new.
        wanted: the VPN as it will be.
        may_share: asked if another project's VPN has one of the route targets that come.

    Raises:
        IntentConflict: another project's VPN has one, and they may not be shared.
    """

    def refuse_strangers(uses: Sequence[Use]) -> None:
        first = next((use for use in uses if use.project_id != wanted.project_id), None)
        if first is not None and not may_share():
            raise IntentConflict(
                f"Route target {first.number} is in use by another project.",
                f"Route target {first.number} is in use by BGP VPN {first.vpn_id} of project "
                f"{first.project_id}; whoever policy share_route_target allows may share it.",
            )

    coming = _targets(wanted) - _targets(former)
    _refuse_targets_of_vtns(context, wanted, coming, may_share)
    refuse_strangers(
        _exchange(context, ROUTE_TARGETS, wanted.id, _targets(former), _targets(wanted))
    )
    # Whoever may list RDs knows whose they are; one that two VPNs have is told by their PEs.
    rds = frozenset(former.rds) if former is not None else frozenset[str]()
    _exchange(context, ROUTE_DISTINGUISHERS, wanted.id, rds, frozenset(wanted.rds))


def _refuse_targets_of_vtns(
    context: Context, wanted: VpnRecord, coming: frozenset[str], may_share: MayShare
) -> None:
    """Keep what this site gave to virtual tenant networks from other VPNs than theirs."""
    given = targets.read_vtns(context, coming) if coming else {}
    others = {value: vtn for value, vtn in given.items() if vtn != wanted.vtn_id}
    if others and not may_share():
        value, vtn_id = min(others.items())
        raise IntentConflict(
            f"Route target {value} is in use by another network.",
            f"Route target {value} was given to virtual tenant network {vtn_id}; whoever policy "
            "share_route_target allows may share it.",
        )


def _targets(vpn: VpnRecord | None) -> frozenset[str]:
    return frozenset(value for _, value in vpn.targets) if vpn is not None else frozenset()


def _exchange(
    context: Context, register: Register, vpn_id: str, had: frozenset[str], has: frozenset[str]
) -> list[Use]:
    """Claim what nobody has, release what goes; return who has what else comes."""
    coming, uses = has - had, list[Use]()
    if coming:
        found = pools.read_uses(context, register, coming)
        uses = [use for use in found if use.vpn_id != vpn_id]
        pools.claim(context, register, vpn_id, coming - {use.number for use in uses})
    pools.release(context, register, vpn_id, had - has)
    return uses
