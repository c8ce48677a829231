# SPDX-License-Identifier: Apache-2.0
"""The quota of VPNs (``quota_bgpvpn``), enforced and shown by Neutron as every other.

Associations have none: what is associated, networks, routers and ports, has quotas of its own.
"""

from __future__ import annotations

from neutron.conf import quota as quota_options
from neutron.quota import resource_registry
from oslo_config import cfg

from isthmus.config.plugin import QUOTA_OPTIONS


def register() -> None:
    """Have Neutron count the VPNs of projects by ``get_bgpvpns_count``."""
    quota_options.register_quota_opts(QUOTA_OPTIONS, cfg.CONF)
    resource_registry.register_resource_by_name("bgpvpn")
