# SPDX-License-Identifier: Apache-2.0
"""``openstack mpls vpn association …``: networks, routers and ports in a VPN, all alike."""

from __future__ import annotations

import argparse
from typing import Any

from osc_lib import exceptions

from isthmus.client import columns, waiting
from isthmus.client.commands.base import (
    Acts,
    Asking,
    Lists,
    Shows,
    add_admin_state,
    add_vpn,
    changes,
    commit,
)
from isthmus.client.sdk import MplsVpn, NetworkAssociation, PortAssociation, RouterAssociation
from isthmus.client.waiting import Sight, see

_KINDS = (NetworkAssociation, RouterAssociation, PortAssociation)
# Says of a network that it is as the region's option has it.
_AS_CONFIGURED = "default"


class ListAssociation(Lists):
    """List what is in a VPN, networks, routers and ports, each with its status and the reason."""

    examples = ("mpls vpn association list red", "mpls vpn association list red --long -f json")

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Add what the command takes."""
        add_vpn(parser)
        parser.add_argument("--long", action="store_true", help="List more of each")

    def take_action(self, parsed_args: argparse.Namespace) -> tuple[Any, Any]:
        """List them."""
        found = _list(self, self.find_vpn(parsed_args.vpn))
        return columns.tabulate(columns.ASSOCIATION, found, is_long=parsed_args.long)


class ShowAssociation(Shows):
    """Show how a network, a router or a port is in a VPN."""

    examples = (
        "mpls vpn association show red net-red",
        "mpls vpn association show red net-red -f value -c status_reason",
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Add what the command takes."""
        _add_vpn_and_association(parser)

    def take_action(self, parsed_args: argparse.Namespace) -> tuple[Any, Any]:
        """Show it."""
        return columns.show(columns.ASSOCIATION, _find(self, parsed_args))


class SetAssociation(Acts):
    """Change how a network, a router or a port is in a VPN.

    What is advertised of it is changed by `openstack bgpvpn router|port association set`.
    """

    examples = (
        "mpls vpn association set red net-red --disable",
        "mpls vpn association set red net-red --attachment-mode gateway --wait",
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Add what the command takes."""
        _add_vpn_and_association(parser)
        parser.add_argument("--description", metavar="<description>", help="In your own words")
        add_admin_state(parser)
        parser.add_argument(
            "--attachment-mode",
            choices=("distributed", "gateway", _AS_CONFIGURED),
            help="Who serves a network: each host's own provider edge, gateways, or as the "
            "operator configured; for administrators",
        )
        waiting.add_options(parser, "every provider edge has it in force")

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        """Change it.

        Raises:
            CommandError: a router or port has no mode.
        """
        found = _find(self, parsed_args)
        body = changes(parsed_args, "description")
        mode = parsed_args.attachment_mode
        if mode is not None:
            if not isinstance(found, NetworkAssociation):
                raise exceptions.CommandError(f"A {found.kind} has no attachment mode.")
            body["attachment_mode"] = None if mode == _AS_CONFIGURED else mode
        commit(self, type(found).existing(id=found.id, bgpvpn_id=found.bgpvpn_id), body)

        def look() -> Sight:
            found.fetch(self.network)
            return see(parsed_args.association, found)

        self.wait(parsed_args, look, f"How all are: {_LIST} {parsed_args.vpn}")


_LIST = "openstack mpls vpn association list"


def _list(command: Asking, vpn: MplsVpn) -> list[Any]:
    """Return what is in a VPN; of another project's, what the caller may see."""
    return [each for kind in _KINDS for each in kind.list(command.network, bgpvpn_id=vpn.id)]


def _find(command: Asking, arguments: argparse.Namespace) -> Any:
    """Return an association by its id, or by the id or name of what it associates.

    Raises:
        CommandError: there is none, or more than one.
    """
    wanted, vpn = arguments.association, command.find_vpn(arguments.vpn)
    every = _list(command, vpn)
    found = [each for each in every if wanted in (each.id, each.associated_id)]
    found = found or [each for each in every if _name(command, each) == wanted]
    if len(found) == 1:
        return found[0]
    if found:
        kinds = ", ".join(f"{each.kind} {each.associated_id}" for each in found)
        raise exceptions.CommandError(f"More than one is called {wanted}: {kinds}.")
    raise exceptions.CommandError(
        f"Nothing called {wanted} is in {vpn.name or vpn.id}. What is: {_LIST} {arguments.vpn}"
    )


def _name(command: Asking, association: Any) -> str:
    """Return the name of what is associated; empty where the caller may not see it."""
    find = getattr(command.network, f"find_{association.kind}")
    found = find(association.associated_id, ignore_missing=True)
    return "" if found is None else str(found.name)


def _add_vpn_and_association(parser: argparse.ArgumentParser) -> None:
    add_vpn(parser)
    parser.add_argument(
        "association",
        metavar="<association>",
        help="Network, router or port (name or id), or the association's id",
    )
