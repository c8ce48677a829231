# SPDX-License-Identifier: Apache-2.0
"""``openstack interconnect event …``: what happened."""

from __future__ import annotations

import argparse
from itertools import islice
from typing import Any

from isthmus.client import columns
from isthmus.client.commands.base import Lists
from isthmus.client.sdk import InterconnectEvent

_MOST = 50


class ListEvent(Lists):
    """List what happened to sites and virtual tenant networks, the newest first."""

    examples = (
        "interconnect event list",
        "interconnect event list --site east --limit 10",
        "interconnect event list --vtn red -f json",
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Add what the command takes."""
        parser.add_argument("--site", metavar="<site>", help="What concerns a site (name)")
        parser.add_argument(
            "--vtn", metavar="<vtn>", help="What concerns a virtual tenant network (name or id)"
        )
        parser.add_argument(
            "--limit",
            metavar="<number>",
            type=int,
            default=_MOST,
            help=f"How many at most (default: {_MOST})",
        )

    def take_action(self, parsed_args: argparse.Namespace) -> tuple[Any, Any]:
        """List them."""
        limit = max(0, parsed_args.limit)
        filters: dict[str, Any] = {"site": parsed_args.site} if parsed_args.site else {}
        if parsed_args.vtn:
            filters["virtual_tenant_network_id"] = self.find_vtn(parsed_args.vtn).id
        found = InterconnectEvent.list(self.network, limit=limit or None, **filters)
        return columns.tabulate(columns.EVENT, islice(found, limit))
