# SPDX-License-Identifier: Apache-2.0
"""What a value in a template has to be: ``custom_constraint: isthmus.site``."""

from __future__ import annotations

from typing import Any

from heat.engine import constraints
from openstack import exceptions

from isthmus.heat.clients import CLIENT_NAME


class _Found(constraints.BaseCustomConstraint):
    """Name or id of something there is."""

    expected_exceptions = (exceptions.NotFoundException, exceptions.DuplicateResource)
    finder: str

    def validate_with_client(self, client: Any, value: Any) -> None:
        """Look for it."""
        getattr(client.client_plugin(CLIENT_NAME), self.finder)(value)


class SiteConstraint(_Found):
    """``isthmus.site``: a site that virtual tenant networks may span."""

    finder = "find_site"


class VirtualTenantNetworkConstraint(_Found):
    """``isthmus.virtual_tenant_network``."""

    finder = "find_vtn"


class BgpVpnConstraint(_Found):
    """``neutron.bgpvpn``, the name templates for networking-bgpvpn use."""

    finder = "find_bgpvpn"
