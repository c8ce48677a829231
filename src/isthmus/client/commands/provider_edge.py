# SPDX-License-Identifier: Apache-2.0
"""``openstack mpls provider edge …``: the hosts that carry VPNs; for administrators."""

from __future__ import annotations

import argparse
from typing import Any

from osc_lib import exceptions

from isthmus.client import columns
from isthmus.client.commands.base import Asking, Lists, Shows
from isthmus.client.sdk import ProviderEdge

_BINARY = "isthmus-pe-agent"


class ListProviderEdge(Lists):
    """List provider edges, or what each does for a VPN."""

    examples = (
        "mpls provider edge list",
        "mpls provider edge list --vpn red --long",
        "mpls provider edge list --vpn red -f value -c Host -c Status",
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Add what the command takes."""
        _add_vpn(parser)
        parser.add_argument("--long", action="store_true", help="List more of each")

    def take_action(self, parsed_args: argparse.Namespace) -> tuple[Any, Any]:
        """List them."""
        if parsed_args.vpn is None:
            agents = [_Agent(each) for each in self.network.agents(binary=_BINARY)]
            return columns.tabulate(columns.AGENT, agents, is_long=parsed_args.long)
        vpn = self.find_vpn(parsed_args.vpn)
        found = ProviderEdge.list(self.network, bgpvpn_id=vpn.id)
        return columns.tabulate(columns.PROVIDER_EDGE, found, is_long=parsed_args.long)


class ShowProviderEdge(Shows):
    """Show a provider edge, or what it does for a VPN."""

    examples = ("mpls provider edge show west-1", "mpls provider edge show west-1 --vpn red")

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Add what the command takes."""
        parser.add_argument("host", metavar="<host>", help="What Neutron calls it")
        _add_vpn(parser)

    def take_action(self, parsed_args: argparse.Namespace) -> tuple[Any, Any]:
        """Show it."""
        if parsed_args.vpn is None:
            return columns.show(columns.AGENT, _find_agent(self, parsed_args.host))
        vpn = self.find_vpn(parsed_args.vpn)
        edge = ProviderEdge.existing(id=parsed_args.host, bgpvpn_id=vpn.id)
        return columns.show(columns.PROVIDER_EDGE, edge.fetch(self.network))


class _Agent:
    """An agent with what it says of itself as attributes."""

    def __init__(self, agent: Any) -> None:
        self._agent = agent

    def __getattr__(self, name: str) -> Any:
        said = self._agent.configuration or {}
        return said[name] if name in said else getattr(self._agent, name)


def _find_agent(command: Asking, host: str) -> _Agent:
    """Return the agent of a host.

    Raises:
        CommandError: it has none.
    """
    for agent in command.network.agents(binary=_BINARY, host=host):
        return _Agent(agent)
    raise exceptions.CommandError(f"No provider edge {host} has ever been heard.")


def _add_vpn(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--vpn", metavar="<vpn>", help="What is done for this VPN (name or id)")
