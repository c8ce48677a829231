# SPDX-License-Identifier: Apache-2.0
"""Which neighbors a gobgpd is given: other gateways only once this PE is ready to serve."""

from __future__ import annotations

import logging
from ipaddress import IPv4Address

from isthmus.config.bgp import BgpConfig
from isthmus.pe_agent.bgp import mapping
from isthmus.pe_agent.bgp.gobgp_client import GoBgpClient

_LOG = logging.getLogger(__name__)


class Neighbors:
    """The configured neighbors. For whoever holds the lock of what the daemon is told.

    Args:
        config: of this PE.
        is_restart: what the first daemon that knows nothing tells its neighbors (RFC 4724 §4.1).

    Attributes:
        is_meeting_gateways: the other gateways are among those a daemon is given.
    """

    def __init__(self, config: BgpConfig, *, is_restart: bool) -> None:
        self._config = config
        self._is_restart = is_restart
        self.is_meeting_gateways = False

    def put(self, client: GoBgpClient) -> None:
        """Make the configured neighbors all that the daemon has, but for gateways not to be met."""
        known = {peer.conf.neighbor_address: peer for peer in client.neighbors()}
        is_restart = self._is_restart and not known
        for address in self._config.sessions:
            wanted = mapping.encode_neighbor(self._config, address, is_restart=is_restart)
            there = known.pop(str(address), None)
            if there is None:
                if self._is_too_early_for(address):
                    continue
                client.add_neighbor(wanted)
                _LOG.info("neighbor.added address=%s restarting=%s", address, is_restart)
            elif not mapping.has_same_settings(there, wanted):
                client.change_neighbor(wanted)
                _LOG.warning("neighbor.changed address=%s", address)
        for name in known:
            client.delete_neighbor(name)
            _LOG.warning("neighbor.removed address=%s", name)
        # Whatever restarts the daemon from now on, our flows will have been there all the while.
        self._is_restart = True

    def _is_too_early_for(self, neighbor: IPv4Address) -> bool:
        return not self.is_meeting_gateways and neighbor not in self._config.all_neighbors
