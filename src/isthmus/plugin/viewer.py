# SPDX-License-Identifier: Apache-2.0
"""Who asks, and what of VPNs they may be told.

The owner of a VPN sees all that is in it; a project it is shared with sees its own part.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from neutron_lib.context import Context

from isthmus.db.records import VpnRecord

_NOT_TOLD = "Part of it can't be carried out as asked; the owner of the BGP VPN can see which."


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who looks.

    Attributes:
        project_id: theirs.
        is_operator: an administrator, who sees the provider's equipment and every project.
    """

    project_id: str | None
    is_operator: bool

    @classmethod
    def of(cls, context: Context) -> Viewer:
        """Return the caller."""
        return cls(context.project_id, context.is_admin)

    def may_see_all_of(self, record: VpnRecord) -> bool:
        """Whether everything in a VPN is shown."""
        return self.is_operator or self.project_id == record.project_id

    def may_see(self, record: VpnRecord, target_id: str) -> bool:
        """Whether a network, router or port in a VPN is shown."""
        return (
            self.may_see_all_of(record) or record.member_projects.get(target_id) == self.project_id
        )

    def seen(self, record: VpnRecord, target_ids: Iterable[str]) -> tuple[str, ...]:
        """Return those of the networks, routers or ports in a VPN that are shown."""
        return tuple(target_id for target_id in target_ids if self.may_see(record, target_id))

    def told(self, record: VpnRecord) -> VpnRecord:
        """Return a VPN with the refusal that may be told: one that names what is shown alone."""
        if not record.refusal or self.may_see_all_of(record):
            return record
        named = {target for target in record.member_projects if target in record.refusal_for_tenant}
        if named and len(self.seen(record, named)) == len(named):
            return record
        return replace(record, refusal_for_tenant=_NOT_TOLD)
