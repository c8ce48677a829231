# SPDX-License-Identifier: Apache-2.0
"""A server's addresses, with what its region's networking API has of their networks."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from isthmus.heat.translate import interfaces


def with_networks(
    shown: Mapping[str, Any], has: Sequence[Mapping[str, Any]], network: Any
) -> dict[str, list[dict[str, Any]]]:
    """Return a server's addresses, as OS::Nova::Server does; what can't be seen there is None.

    Args:
        shown: its addresses, as the compute API has them.
        has: its interfaces, likewise.
        network: the networking API of its region.
    """
    networks = {each["port_id"]: _told(network.find_network, each["net_id"]) for each in has}
    subnets = {
        each["port_id"]: [
            _told(network.find_subnet, fixed["subnet_id"]) for fixed in each["fixed_ips"] or ()
        ]
        for each in has
    }
    return {
        key: [
            {
                **each,
                "network": networks.get(each["port"]),
                "subnets": subnets.get(each["port"]),
            }
            for each in entries
        ]
        for key, entries in interfaces.addresses_of(shown, has).items()
    }


def _told(find: Callable[..., Any], value: str) -> dict[str, Any] | None:
    found = find(value, ignore_missing=True)
    return found.to_dict(computed=False, original_names=True) if found is not None else None
