# SPDX-License-Identifier: Apache-2.0
"""Route targets of a VPN beside those of others: given out, claimed, kept from strangers."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import replace

from neutron_lib.context import Context

from isthmus.db import pools
from isthmus.db.records import BOTH, VpnRecord
from isthmus.model.errors import IntentConflict, InvalidValue
from isthmus.model.pools import TargetPool

MayShare = Callable[[], bool]


def give_target(context: Context, pool: TargetPool, wanted: VpnRecord) -> VpnRecord:
    """Return a new VPN with a route target from the pool, if it asks for one.

    Which one is left to chance, so that two requests seldom choose the same.

    Raises:
        InvalidValue: there is no pool.
        PoolExhausted: all of it is in use.
    """
    if not wanted.allocates_route_target:
        return wanted
    if not pool.ranges:
        raise InvalidValue(
            "This region has no pool of route targets. Leave 'allocate_route_target' out and name "
            "the route targets instead."
        )
    taken = pools.read_taken(context, pool) | {value for _, value in wanted.targets}
    chosen = pool.choose(taken, secrets.randbelow(len(pool)))
    return replace(wanted, targets=tuple(sorted({*wanted.targets, (BOTH, str(chosen))})))


def claim_targets(
    context: Context, former: VpnRecord | None, wanted: VpnRecord, may_share: MayShare
) -> None:
    """Claim the route targets that come to a VPN, and release those that go.

    Args:
        context: of the caller's transaction.
        former: the VPN as it is; None if it is new.
        wanted: the VPN as it will be.
        may_share: asked if another project's VPN has one of the route targets that come.

    Raises:
        IntentConflict: another project's VPN has one, and they may not be shared.
    """
    had = frozenset(value for _, value in former.targets) if former is not None else frozenset()
    has = frozenset(value for _, value in wanted.targets)
    coming, going = has - had, had - has
    if coming:
        uses = [use for use in pools.read_uses(context, coming) if use.vpn_id != wanted.id]
        strangers = [use for use in uses if use.project_id != wanted.project_id]
        if strangers and not may_share():
            first = strangers[0]
            raise IntentConflict(
                f"Route target {first.target} is in use by another project.",
                f"Route target {first.target} is in use by BGP VPN {first.vpn_id} of project "
                f"{first.project_id}; whoever policy share_route_target allows may share it.",
            )
        # Claims need the VPN's row.
        pools.claim(context, wanted.id, coming - {use.target for use in uses})
    pools.release(context, wanted.id, going)
