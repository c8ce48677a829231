# SPDX-License-Identifier: Apache-2.0
"""What may join a VPN, networks, routers and ports, as far as the caller may see them.

Neutron's plug-ins say the same at the price of all a resource has: 18 statements for a network.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from neutron.db import models_v2
from neutron.db.models import l3 as l3_models
from neutron.db.models.external_net import ExternalNetwork
from neutron_lib.context import Context
from neutron_lib.db import model_query

from isthmus.db.records import Kind

_MODELS: dict[Kind, Any] = {
    Kind.NETWORK: models_v2.Network,
    Kind.ROUTER: l3_models.Router,
    Kind.PORT: models_v2.Port,
}


@dataclass(frozen=True, slots=True)
class TargetRecord:
    """A network, router or port.

    Attributes:
        network_id: of a port; of a network itself; None for a router.
        is_external: that network is a provider's to the outside.
        device_owner: what a port is used for.
        device_id: of which device; of a router's interface the router.
    """

    kind: Kind
    id: str
    project_id: str
    network_id: str | None = None
    is_external: bool = False
    device_owner: str = ""
    device_id: str = ""


def read(context: Context, kind: Kind, target_id: str) -> TargetRecord | None:
    """Return what the caller may see of a target, or None."""
    model = _MODELS[kind]
    networks = {Kind.NETWORK: models_v2.Network.id, Kind.PORT: models_v2.Port.network_id}
    network_id = networks.get(kind)
    columns = [model.project_id]
    if network_id is not None:
        external = sa.exists().where(ExternalNetwork.network_id == network_id)
        columns += [network_id.label("network_id"), external.label("is_external")]
    if kind is Kind.PORT:
        columns += [models_v2.Port.device_owner, models_v2.Port.device_id]
    # With Neutron's own conditions of who sees what, shared networks included.
    query = model_query.query_with_hooks(context, model, field="id").filter(model.id == target_id)
    found = context.session.execute(query.with_entities(*columns).statement).mappings().first()
    if found is None:
        return None
    known: Any = found
    return TargetRecord(
        kind=kind,
        id=target_id,
        project_id=known["project_id"] or "",
        network_id=known.get("network_id"),
        is_external=bool(known.get("is_external")),
        device_owner=known.get("device_owner") or "",
        device_id=known.get("device_id") or "",
    )
