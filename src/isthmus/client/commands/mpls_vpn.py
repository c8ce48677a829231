# SPDX-License-Identifier: Apache-2.0
"""``openstack mpls vpn …``: what Isthmus adds to ``openstack bgpvpn …``."""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from typing import Any

from osc_lib.cli import identity
from osc_lib.utils import tags

from isthmus.client import columns, waiting
from isthmus.client.commands.base import (
    Acts,
    Asking,
    Lists,
    Shows,
    add_admin_state,
    add_tags,
    add_vpn,
    changes,
    commit,
    create,
    filters_of,
    remove_tags,
)
from isthmus.client.sdk import MplsVpn
from isthmus.client.sdk.mpls_vpn import EVERYBODY
from isthmus.client.waiting import Sight, see

_IN_FORCE = "every provider edge has it in force"
_LISTS = ("route_targets", "import_targets", "export_targets", "route_distinguishers")


class CreateVpn(Shows):
    """Make a VPN, with numbers of the operator's pools if wanted; that is for administrators.

    What it is to carry is then associated by `openstack bgpvpn network|router|port association
    create`, and `openstack bgpvpn delete` removes it.
    """

    examples = (
        "mpls vpn create red --project red --allocate-route-target",
        "mpls vpn create red --project red --route-target 64500:100 --local-pref 200 --tag gold",
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Add what the command takes."""
        parser.add_argument("name", metavar="<name>", help="Name of the VPN")
        for name, what in (
            ("route-target", "Route target of what it advertises and takes in"),
            ("import-target", "Route target of what it takes in beside"),
            ("export-target", "Route target of what it advertises, beside"),
            ("route-distinguisher", "Route distinguisher (default: each provider edge makes one)"),
        ):
            parser.add_argument(
                f"--{name}",
                metavar="<number>",
                dest=f"{name.replace('-', '_')}s",
                action="append",
                help=f"{what} (repeat option for more)",
            )
        for name in ("route-target", "route-distinguisher"):
            parser.add_argument(
                f"--allocate-{name}",
                action="store_true",
                help=f"Have a {name.replace('-', ' ')} of the operator's pool",
            )
        _add_changeable(parser)
        identity.add_project_owner_option_to_parser(parser)
        tags.add_tag_option_to_parser_for_create(parser, "VPN")
        waiting.add_options(parser, _IN_FORCE)

    def take_action(self, parsed_args: argparse.Namespace) -> tuple[Any, Any]:
        """Make it."""
        body = _changes(parsed_args) | {"name": parsed_args.name}
        for name in (*_LISTS, "allocate_route_target", "allocate_route_distinguisher"):
            if getattr(parsed_args, name):
                body[name] = getattr(parsed_args, name)
        vpn = create(self, parsed_args, MplsVpn, body)
        wait_for(self, parsed_args, vpn)
        return columns.show(columns.MPLS_VPN, vpn.fetch(self.network))


class ListVpn(Lists):
    """List VPNs, with what became of them and why."""

    examples = (
        "mpls vpn list",
        "mpls vpn list --long --status DEGRADED",
        "mpls vpn list --tags gold -f value -c Name",
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Add what the command takes."""
        parser.add_argument("--long", action="store_true", help="List more of each")
        parser.add_argument("--name", metavar="<name>", help="Those of this name")
        parser.add_argument("--status", metavar="<status>", help="Those in this status")
        parser.add_argument("--network", metavar="<network>", help="Those a network is in")
        identity.add_project_owner_option_to_parser(parser)
        tags.add_tag_filtering_option_to_parser(parser, "VPNs")

    def take_action(self, parsed_args: argparse.Namespace) -> tuple[Any, Any]:
        """List them."""
        asked = {
            "name": parsed_args.name,
            "status": parsed_args.status and parsed_args.status.upper(),
        }
        if parsed_args.network:
            network = self.network.find_network(parsed_args.network, ignore_missing=False)
            asked["networks"] = network.id
        filters = filters_of(self, parsed_args, asked)
        found = MplsVpn.list(self.network, **filters)
        return columns.tabulate(columns.MPLS_VPN, found, is_long=parsed_args.long)


class ShowVpn(Shows):
    """Show a VPN; to its owner also with whom it is shared."""

    examples = ("mpls vpn show red", "mpls vpn show red -f value -c status -c status_reason")

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Add what the command takes."""
        add_vpn(parser)

    def take_action(self, parsed_args: argparse.Namespace) -> tuple[Any, Any]:
        """Show it."""
        vpn = self.find_vpn(parsed_args.vpn)
        names, values = columns.show(columns.MPLS_VPN, vpn)
        shared_with = columns.written(vpn.shared_with(self.network))
        return (*names, "shared_with"), (*values, shared_with)


class SetVpn(Acts):
    """Change a VPN; route targets and distinguishers are changed by `openstack bgpvpn set`."""

    examples = (
        "mpls vpn set red --local-pref 200 --wait",
        "mpls vpn set red --disable",
        "mpls vpn set red --tag gold --description 'the shop'",
        "mpls vpn set red --share-with blue",
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Add what the command takes."""
        add_vpn(parser)
        parser.add_argument("--name", metavar="<name>", help="Another name")
        _add_changeable(parser)
        _add_sharing(parser, "that may associate its own networks, routers and ports")
        tags.add_tag_option_to_parser_for_set(parser, "VPN")
        waiting.add_options(parser, _IN_FORCE)

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        """Change it."""
        vpn, body = self.find_vpn(parsed_args.vpn), _changes(parsed_args)
        if parsed_args.name is not None:
            body["name"] = parsed_args.name
        commit(self, MplsVpn.existing(id=vpn.id), body)
        for project in _projects(self, parsed_args):
            vpn.share(self.network, project)
        add_tags(self, parsed_args, vpn)
        wait_for(self, parsed_args, vpn)


class UnsetVpn(Acts):
    """Take something away from a VPN."""

    examples = (
        "mpls vpn unset red --local-pref --tag gold",
        "mpls vpn unset red --share-with blue",
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Add what the command takes."""
        add_vpn(parser)
        parser.add_argument("--description", action="store_true", help="Have no description")
        parser.add_argument(
            "--local-pref", action="store_true", help="Have no preference of its own"
        )
        _add_sharing(parser, "it is shared with no more; it may have nothing associated any more")
        tags.add_tag_option_to_parser_for_unset(parser, "VPN")
        waiting.add_options(parser, _IN_FORCE)

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        """Take it away."""
        vpn = self.find_vpn(parsed_args.vpn)
        body: dict[str, Any] = {"description": ""} if parsed_args.description else {}
        if parsed_args.local_pref:
            body["local_pref"] = None
        commit(self, MplsVpn.existing(id=vpn.id), body)
        for project in _projects(self, parsed_args):
            vpn.unshare(self.network, project)
        remove_tags(self, parsed_args, vpn)
        wait_for(self, parsed_args, vpn)


def wait_for(command: Asking, arguments: argparse.Namespace, vpn: MplsVpn) -> None:
    """Wait until provider edges have a VPN in force as it was asked for, if that is wanted."""

    def look() -> Sight:
        vpn.fetch(command.network)
        return see(vpn.name or vpn.id, vpn)

    name = vpn.name or vpn.id
    advice = f"What is wrong where says: openstack mpls vpn association list {name}"
    command.wait(arguments, look, advice)


def _add_changeable(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--description", metavar="<description>", help="In your own words")
    parser.add_argument(
        "--local-pref",
        metavar="<number>",
        type=int,
        help="BGP LOCAL_PREF of its routes: the highest wins",
    )
    add_admin_state(parser)


def _add_sharing(parser: argparse.ArgumentParser, what: str) -> None:
    parser.add_argument(
        "--share-with",
        metavar="<project>",
        action="append",
        default=[],
        help=f"Project {what} (name or id; repeat option for more; '*': every one)",
    )


def _projects(command: Asking, arguments: argparse.Namespace) -> Iterable[str]:
    for project in arguments.share_with:
        yield project if project == EVERYBODY else command.find_project(project)


def _changes(arguments: argparse.Namespace) -> dict[str, Any]:
    return changes(arguments, "description", "local_pref")
