# SPDX-License-Identifier: Apache-2.0
"""``openstack vtn …``: networks that span sites."""

from __future__ import annotations

import argparse
from typing import Any

from openstack import exceptions as refusals
from osc_lib import exceptions
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
    add_vtn,
    changes,
    commit,
    create,
    delete_each,
    filters_of,
    remove_tags,
)
from isthmus.client.sdk import VirtualTenantNetwork
from isthmus.client.waiting import Sight, say, see

_ALL_DONE = "every member has made its part"


class CreateVtn(Shows):
    """Make a network that spans sites, owned by the site that is asked.

    Every member makes its own part: a network with subnets cut from the prefixes.
    """

    examples = (
        "vtn create red --ip-prefix 10.0.0.0/16 --member west --member east --wait",
        "vtn create red --ip-prefix 10.0.0.0/16 --ip-prefix 2001:db8::/48",
        "vtn create red --ip-prefix 10.0.0.0/16 -f value -c id",
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Add what the command takes."""
        parser.add_argument("name", metavar="<name>", help="Name of the network")
        parser.add_argument(
            "--ip-prefix",
            metavar="<cidr>",
            dest="prefixes",
            action="append",
            required=True,
            help="IPv4 or IPv6 prefix that members are given parts of (repeat option for more)",
        )
        parser.add_argument(
            "--member",
            metavar="<site>",
            dest="members",
            action="append",
            help="Site that is a member (repeat option for more; default: the site that is asked)",
        )
        parser.add_argument(
            "--type",
            metavar="<type>",
            help="l3, each member has a subnet of its own (default); subnet and l2 are not "
            "supported yet",
        )
        _add_changeable(parser)
        identity.add_project_owner_option_to_parser(parser)
        tags.add_tag_option_to_parser_for_create(parser, "network")
        waiting.add_options(parser, _ALL_DONE)

    def take_action(self, parsed_args: argparse.Namespace) -> tuple[Any, Any]:
        """Make it."""
        body = _changes(parsed_args)
        body |= {"name": parsed_args.name, "prefixes": parsed_args.prefixes}
        if parsed_args.members:
            body["members"] = parsed_args.members
        if parsed_args.type:
            body["type"] = parsed_args.type
        vtn = create(self, parsed_args, VirtualTenantNetwork, body)
        wait_for(self, parsed_args, vtn)
        return columns.show(columns.VTN, vtn.fetch(self.network))


class ListVtn(Lists):
    """List the networks that span sites."""

    examples = (
        "vtn list",
        "vtn list --long --status PENDING",
        "vtn list --member east -f value -c Name",
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Add what the command takes."""
        parser.add_argument("--long", action="store_true", help="List more of each")
        parser.add_argument("--name", metavar="<name>", help="Those of this name")
        parser.add_argument("--member", metavar="<site>", help="Those a site is a member of")
        parser.add_argument("--owner-site", metavar="<site>", help="Those a site owns")
        parser.add_argument("--status", metavar="<status>", help="Those in this status")
        identity.add_project_owner_option_to_parser(parser)
        tags.add_tag_filtering_option_to_parser(parser, "networks")

    def take_action(self, parsed_args: argparse.Namespace) -> tuple[Any, Any]:
        """List them."""
        asked = {
            "name": parsed_args.name,
            "members": parsed_args.member,
            "owner_site": parsed_args.owner_site,
            "status": parsed_args.status and parsed_args.status.upper(),
        }
        filters = filters_of(self, parsed_args, asked)
        found = VirtualTenantNetwork.list(self.network, **filters)
        return columns.tabulate(columns.VTN, found, is_long=parsed_args.long)


class ShowVtn(Shows):
    """Show a network that spans sites."""

    examples = ("vtn show red", "vtn show red -f value -c status -c status_reason")

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Add what the command takes."""
        add_vtn(parser)

    def take_action(self, parsed_args: argparse.Namespace) -> tuple[Any, Any]:
        """Show it."""
        return columns.show(columns.VTN, self.find_vtn(parsed_args.vtn))


class SetVtn(Acts):
    """Change a network that spans sites.

    At a site that does not own it this is a request to the one that does; it is PENDING until that
    has answered.
    """

    examples = (
        "vtn set red --name crimson --description 'the shop'",
        "vtn set red --ip-prefix 10.1.0.0/16 --wait",
        "vtn set red --disable",
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Add what the command takes."""
        add_vtn(parser)
        parser.add_argument("--name", metavar="<name>", help="Another name")
        parser.add_argument(
            "--ip-prefix",
            metavar="<cidr>",
            dest="prefixes",
            action="append",
            help="Prefix to add (repeat option for more)",
        )
        parser.add_argument(
            "--no-ip-prefix",
            action="store_true",
            help="Forget the prefixes there are; with --ip-prefix: have those instead",
        )
        _add_changeable(parser)
        tags.add_tag_option_to_parser_for_set(parser, "network")
        waiting.add_options(parser, _ALL_DONE)

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        """Change it."""
        vtn, body = self.find_vtn(parsed_args.vtn), _changes(parsed_args)
        if parsed_args.name is not None:
            body["name"] = parsed_args.name
        if parsed_args.prefixes or parsed_args.no_ip_prefix:
            kept = [] if parsed_args.no_ip_prefix else vtn.prefixes
            body["prefixes"] = list(dict.fromkeys([*kept, *(parsed_args.prefixes or ())]))
        _change(self, vtn, body)
        add_tags(self, parsed_args, vtn)
        wait_for(self, parsed_args, vtn)


class UnsetVtn(Acts):
    """Take something away from a network that spans sites."""

    examples = ("vtn unset red --ip-prefix 10.1.0.0/16", "vtn unset red --tag shop --description")

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Add what the command takes."""
        add_vtn(parser)
        parser.add_argument(
            "--ip-prefix",
            metavar="<cidr>",
            dest="prefixes",
            action="append",
            help="Prefix to remove (repeat option for more)",
        )
        parser.add_argument("--description", action="store_true", help="Have no description")
        tags.add_tag_option_to_parser_for_unset(parser, "network")
        waiting.add_options(parser, _ALL_DONE)

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        """Take it away.

        Raises:
            CommandError: it does not have that prefix.
        """
        vtn = self.find_vtn(parsed_args.vtn)
        body: dict[str, Any] = {"description": ""} if parsed_args.description else {}
        if parsed_args.prefixes:
            unknown = [each for each in parsed_args.prefixes if each not in vtn.prefixes]
            if unknown:
                has = ", ".join(vtn.prefixes)
                raise exceptions.CommandError(
                    f"{vtn.name} does not have {', '.join(unknown)}, but {has}."
                )
            body["prefixes"] = [each for each in vtn.prefixes if each not in parsed_args.prefixes]
        _change(self, vtn, body)
        remove_tags(self, parsed_args, vtn)
        wait_for(self, parsed_args, vtn)


class DeleteVtn(Acts):
    """Delete networks that span sites, at all of these; servers on them have to go first."""

    examples = ("vtn delete red", "vtn delete red blue --wait")

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Add what the command takes."""
        parser.add_argument(
            "vtns", metavar="<vtn>", nargs="+", help="Virtual tenant network (name or id)"
        )
        waiting.add_options(parser, "they are gone: every site has removed its part")

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        """Delete them."""
        found: list[VirtualTenantNetwork] = []

        def delete(name: str) -> None:
            vtn = self.find_vtn(name)
            vtn.delete(self.network)
            found.append(vtn)

        try:
            delete_each(self, parsed_args.vtns, delete)
        finally:
            for vtn in found:
                _wait_gone(self, parsed_args, vtn)


class TakeOverVtn(Shows):
    """Make the site that is asked the owner of a network, because the former owner is gone.

    The former owner follows when it returns. New members are given nothing until every site that
    may have given a prefix away has been heard, but for those that --vouch-gone names.
    """

    examples = ("vtn take over red", "vtn take over red --vouch-gone west --wait")

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Add what the command takes."""
        add_vtn(parser)
        parser.add_argument(
            "--vouch-gone",
            metavar="<site>",
            action="append",
            default=[],
            help="Site that will never be heard again, and gave away nothing unheard of (repeat "
            "option for more)",
        )
        waiting.add_options(parser, _ALL_DONE)

    def take_action(self, parsed_args: argparse.Namespace) -> tuple[Any, Any]:
        """Take it over."""
        vtn = self.find_vtn(parsed_args.vtn)
        vtn.take_over(self.network, parsed_args.vouch_gone)
        wait_for(self, parsed_args, vtn)
        return columns.show(columns.VTN, vtn.fetch(self.network))


def wait_for(command: Asking, arguments: argparse.Namespace, vtn: VirtualTenantNetwork) -> None:
    """Wait until a network is what it was asked to be, if that is wanted."""

    def look() -> Sight:
        vtn.fetch(command.network)
        return see(vtn.name or vtn.id, vtn)

    command.wait(arguments, look, _advice(vtn))


def _wait_gone(command: Asking, arguments: argparse.Namespace, vtn: VirtualTenantNetwork) -> None:
    name = vtn.name or vtn.id

    def look() -> Sight:
        try:
            vtn.fetch(command.network)
        except refusals.NotFoundException:
            return Sight(f"{name}: gone.", is_done=True)
        text = say(name, vtn.status, vtn.status_reason)
        # Where the owner is another site, it may refuse.
        return Sight(text, is_failed=vtn.status != VirtualTenantNetwork.BEING_DELETED)

    command.wait(arguments, look, _advice(vtn))


def _advice(vtn: VirtualTenantNetwork) -> str:
    return f"What each site does says: openstack vtn member list {vtn.name or vtn.id}"


def _add_changeable(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--description", metavar="<description>", help="In your own words")
    add_admin_state(parser)
    parser.add_argument("--class-of-service", metavar="<class>", help="Not supported yet")
    parser.add_argument("--rate-kbps", metavar="<rate>", type=int, help="Not supported yet")


def _changes(arguments: argparse.Namespace) -> dict[str, Any]:
    return changes(arguments, "description", "class_of_service", "rate_kbps")


def _change(command: Asking, vtn: VirtualTenantNetwork, body: dict[str, Any]) -> None:
    """Change a network, unless somebody changed the prefixes since they were read."""
    if "prefixes" in body:
        body = {**body, "if_match": f"revision_number={vtn.revision_number}"}
    commit(command, VirtualTenantNetwork.existing(id=vtn.id), body)
