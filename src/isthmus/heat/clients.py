# SPDX-License-Identifier: Apache-2.0
"""The client that resources act through: openstacksdk, as the stack's user, in any region."""

from __future__ import annotations

from typing import Any

from heat.engine.clients.os import openstacksdk
from keystoneauth1 import session as keystone_session
from openstack import connection, exceptions
from openstack.config import cloud_region

from isthmus.client.sdk import InterconnectSite, VirtualTenantNetwork

CLIENT_NAME = "isthmus"
# A region that says nothing for so long is out of reach: no thread of the engine waits longer.
TIMEOUT_S = 10.0


class IsthmusClientPlugin(openstacksdk.OpenStackSDKPlugin):
    """openstacksdk's connection, with Isthmus's resources and with other regions."""

    def connection(self, region: str) -> Any:
        """Return the connection of the stack's user to a region, whether the engine's or not.

        Args:
            region: as Keystone's catalog names it.
        """
        made: dict[str, Any] = self.__dict__.setdefault("_connections", {})
        if region not in made:
            ours = self.context.keystone_session
            session = keystone_session.Session(
                auth=ours.auth, verify=ours.verify, cert=ours.cert, timeout=TIMEOUT_S
            )
            config = cloud_region.from_session(
                name=region,
                session=session,
                config=self._get_service_interfaces(),
                region_name=region,
                app_name="heat",
            )
            made[region] = connection.Connection(config=config)
        return made[region]

    def is_conflict(self, ex: Exception) -> bool:
        """Whether a refusal says that something else stands in the way: Heat tries again."""
        return isinstance(ex, exceptions.ConflictException) and not self.is_over_limit(ex)

    def is_over_limit(self, ex: Exception) -> bool:
        """Whether a refusal says that a quota is used up."""
        return isinstance(ex, exceptions.ConflictException) and "Quota exceeded" in str(ex)

    def find_vtn(self, value: str) -> str:
        """Return the id of a virtual tenant network.

        Args:
            value: its id or its name.

        Raises:
            openstack.exceptions.NotFoundException: there is none.
            openstack.exceptions.DuplicateResource: there are several of that name.
        """
        network = self.client().network
        return str(VirtualTenantNetwork.find(network, value, ignore_missing=False).id)

    def find_site(self, value: str) -> str:
        """Return the name of a site of virtual tenant networks.

        Args:
            value: its id or its name.

        Raises:
            openstack.exceptions.NotFoundException: there is none.
        """
        network = self.client().network
        return str(InterconnectSite.find(network, value, ignore_missing=False).name)

    def find_bgpvpn(self, value: str) -> str:
        """Return the id of a BGP VPN.

        Args:
            value: its id or its name.

        Raises:
            openstack.exceptions.NotFoundException: there is none.
            openstack.exceptions.DuplicateResource: there are several of that name.
        """
        found = self.client().network.find_bgpvpn(value, ignore_missing=False)
        return str(found.id)

    def find_network(self, value: str) -> str:
        """Return the id of a network, by its id or its name, as ``find_bgpvpn`` does."""
        return str(self.client().network.find_network(value, ignore_missing=False).id)

    def find_router(self, value: str) -> str:
        """Return the id of a router, by its id or its name, as ``find_bgpvpn`` does."""
        return str(self.client().network.find_router(value, ignore_missing=False).id)

    def find_port(self, value: str) -> str:
        """Return the id of a port, by its id or its name, as ``find_bgpvpn`` does."""
        return str(self.client().network.find_port(value, ignore_missing=False).id)
