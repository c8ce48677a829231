# SPDX-License-Identifier: Apache-2.0
"""Heat's Keystone, also for who comes with the signed query of the CloudFormation API.

For what a stack does later Heat has its user make a trust. Keystone lets nobody make one, or do
anything else there, with the token of an EC2 credential (bug 2153453): such a stack has none, and
acts with the token of each request for as long as that is good. The next update with an ordinary
token gives it its trust.
"""

from __future__ import annotations

from typing import Any

from heat.common import config
from heat.common import context as heat_context
from heat.engine.clients.os.keystone.heat_keystoneclient import KsClientWrapper

from isthmus.heat.translate.tokens import is_of_signed_query


class KeystoneClient(KsClientWrapper):
    """Makes and ends trusts as Heat's own does, but for who signed."""

    def __init__(self, context: Any, region_name: str | None = None) -> None:
        # Heat tells a class that isn't its own no region.
        super().__init__(context, region_name or config.cfg.CONF.region_name_for_services)

    def create_trust_context(self) -> Any:
        """Return the context to keep with a stack; without a trust if none can be made."""
        return self.context if self._is_signed() else super().create_trust_context()

    def regenerate_trust_context(self) -> Any:
        """Return the context to keep with a stack that another user changes."""
        return self.context if self._is_signed() else super().regenerate_trust_context()

    def delete_trust(self, trust_id: str) -> None:
        """End a trust; by the trust itself if the caller's token may not."""
        if not self._is_signed():
            super().delete_trust(trust_id)
            return
        said = self.context.to_dict() | {"auth_token": None, "auth_token_info": None}
        said |= {"trust_id": trust_id, "trustor_user_id": self.context.user_id}
        of_trust = heat_context.RequestContext.from_dict(said)
        of_trust.clients.client("keystone").delete_trust(trust_id)

    def _is_signed(self) -> bool:
        context = self.context
        return context.trust_id is None and is_of_signed_query(context.auth_token_info)
