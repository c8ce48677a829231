# SPDX-License-Identifier: Apache-2.0
"""Quotas of VPNs, associations and VTNs: shown and set by Neutron's API, enforced here.

Neutron's controller reserves what it is about to make in transactions of its own, before and
after, for every resource that has a quota under its name. These have names of their own, so it
does not: they are counted in the transaction that makes them, once they are there. Of two such
transactions each would wait for the other's rows: the database lets one pass and has the other
tried again. Without a limit nothing is counted.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import partial

from neutron import quota
from neutron.conf import quota as quota_options
from neutron.db.quota.api import UNLIMITED_QUOTA
from neutron.quota import resource_registry
from neutron.quota.resource import CountableResource
from neutron_lib import exceptions
from neutron_lib.context import Context
from neutron_lib.db import api as db_api
from oslo_config import cfg

from isthmus.config.plugin import QUOTA_OPTIONS
from isthmus.db import associations, vpns
from isthmus.db.vtn import vtns

VPNS, ASSOCIATIONS, VTNS = "mpls_vpn", "mpls_vpn_association", "mpls_vtn"
_COUNTS: dict[str, Callable[[Context, Collection[str]], int]] = {
    VPNS: vpns.count,
    ASSOCIATIONS: associations.count,
    VTNS: vtns.count,
}


def register() -> None:
    """Have Neutron show and set them."""
    quota_options.register_quota_opts(QUOTA_OPTIONS, cfg.CONF)
    for name in _COUNTS:
        counted = CountableResource(name, partial(_count_used, name), f"quota_{name}")
        resource_registry.register_resource(counted)


def _count_used(name: str, context: Context, plural: str, project_id: str) -> int:
    del plural
    with db_api.CONTEXT_READER.using(context):
        return _COUNTS[name](context, [project_id])


def know(resource: str) -> None:
    """Have a quota of Neutron's own known in this process: Neutron does so in those of its API."""
    if resource_registry.get_resource(resource) is None:
        resource_registry.register_resource_by_name(resource)


def check(context: Context, name: str, project_ids: Collection[str]) -> None:
    """Refuse what the caller's transaction made if a project has more than it may.

    Raises:
        OverQuota: of Neutron, as for its own resources.
    """
    resources = {name: resource_registry.get_resource(name)}
    for project_id in sorted(set(project_ids)):
        limits = quota.QUOTAS.get_driver().get_project_quotas(context, resources, project_id)
        limit = limits.get(name, UNLIMITED_QUOTA)
        if limit > UNLIMITED_QUOTA and _COUNTS[name](context, [project_id]) > limit:
            raise exceptions.OverQuota(overs=[name])
