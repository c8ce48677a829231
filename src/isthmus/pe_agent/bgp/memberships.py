# SPDX-License-Identifier: Apache-2.0
"""Which route targets this PE asks reflectors for, so that they send nothing else (RFC 4684). Pure.

GoBGP, at either end of a session, answers a membership that is withdrawn by withdrawing every route
with that target, also those another target of theirs still calls for. So that no packet is lost by
a target that goes away:

- a target is not given up while a route that is heard carries it beside one that is wanted;
- the targets of a route advertised with several of them are asked for, all, for the reflectors
  then never tell this PE's daemon that nobody wants one of them.
"""

from __future__ import annotations

from collections.abc import Iterable

from isthmus.config.bgp import BgpConfig
from isthmus.model.difference import Difference
from isthmus.model.errors import InvalidValue
from isthmus.model.ids import RouteTarget
from isthmus.model.route import VpnRoute
from isthmus.pe_agent.bgp.gobgp_api import attribute_pb2, extcom_pb2, gobgp_pb2, nlri_pb2
from isthmus.pe_agent.bgp.mapping import (
    MEMBERSHIPS,
    decode_route_targets,
    encode_path,
    encode_route_target,
)


class Memberships:
    """The route targets asked for, and those the daemon has been told of."""

    def __init__(self) -> None:
        self._wanted: frozenset[RouteTarget] = frozenset()
        self._told: frozenset[RouteTarget] = frozenset()

    def want(
        self,
        imports: frozenset[RouteTarget],
        advertised: Iterable[VpnRoute],
        heard: Iterable[VpnRoute],
    ) -> None:
        """Ask for the routes of ``imports``, given the routes there are."""
        several = [route.route_targets for route in advertised if len(route.route_targets) > 1]
        wanted = imports.union(*several)
        left = self._told - wanted
        if left:
            shared = (
                route.route_targets for route in heard if not wanted.isdisjoint(route.route_targets)
            )
            wanted |= left.intersection(frozenset().union(*shared))
        self._wanted = wanted

    def difference(self) -> Difference[RouteTarget]:
        """What to tell the daemon."""
        return Difference(self._wanted - self._told, self._told - self._wanted)

    def is_told(self) -> None:
        """The daemon took the difference."""
        self._told = self._wanted

    def is_known(self, told: frozenset[RouteTarget]) -> None:
        """The daemon was found to have ``told``."""
        self._told = told


def encode_membership(config: BgpConfig, target: RouteTarget) -> gobgp_pb2.Path:
    """Encode that this PE wants the routes of a target."""
    community = encode_route_target(target)
    kind = community.WhichOneof("extcom")
    wanted = extcom_pb2.RouteTarget(**{kind: getattr(community, kind)})
    nlri = nlri_pb2.NLRI(
        route_target_membership=nlri_pb2.RouteTargetMembershipNLRI(asn=config.as_number, rt=wanted)
    )
    return encode_path(MEMBERSHIPS, nlri, str(config.router_id))


def encode_leaving(config: BgpConfig, target: RouteTarget) -> gobgp_pb2.Path:
    """Encode that it does not any more."""
    path = encode_membership(config, target)
    path.is_withdraw = True
    return path


def decode_membership(path: gobgp_pb2.Path) -> RouteTarget:
    """Read which target a membership is for.

    Raises:
        InvalidValue: for none, or for all.
    """
    target = path.nlri.route_target_membership.rt
    kind = target.WhichOneof("rt")
    if kind is None:
        raise InvalidValue("The membership names no route target.")
    community = extcom_pb2.ExtendedCommunity(**{kind: getattr(target, kind)})
    attribute = attribute_pb2.ExtendedCommunitiesAttribute(communities=[community])
    for found in decode_route_targets(attribute):
        return found
    raise InvalidValue("The membership is for something else than a route target.")
