# SPDX-License-Identifier: Apache-2.0
"""What networking-bgpvpn's tables say, as values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class TheirAttributes:
    """Neutron's standard attributes of a row, and its tags."""

    description: str | None = None
    created_at: datetime | None = None
    updated_at: datetime | None = None
    revision: int = 0
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TheirVpn:
    """A row of ``bgpvpns``: lists are text with commas between, or NULL."""

    id: str
    project_id: str | None
    name: str | None
    type: str
    route_targets: str | None
    import_targets: str | None
    export_targets: str | None
    route_distinguishers: str | None
    vni: int | None = None
    local_pref: int | None = None
    attributes: TheirAttributes = TheirAttributes()


@dataclass(frozen=True, slots=True)
class TheirRoute:
    """A row of ``bgpvpn_port_association_routes``."""

    type: str
    prefix: str | None
    bgpvpn_id: str | None
    local_pref: int | None


@dataclass(frozen=True, slots=True)
class TheirAssociation:
    """A row of one of their three tables of associations.

    Attributes:
        kind: ``network``, ``router`` or ``port``.
        target_id: of that network, router or port.
        is_advertising: of a router its extra routes, of a port its fixed addresses.
    """

    kind: str
    id: str
    project_id: str
    bgpvpn_id: str
    target_id: str
    is_advertising: bool = True
    routes: tuple[TheirRoute, ...] = ()
    attributes: TheirAttributes = TheirAttributes()
