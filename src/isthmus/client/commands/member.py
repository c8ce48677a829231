# SPDX-License-Identifier: Apache-2.0
"""``openstack vtn member …``: the sites of a virtual tenant network."""

from __future__ import annotations

import argparse
from typing import Any

from openstack import exceptions as refusals
from osc_lib import exceptions

from isthmus.client import columns, waiting
from isthmus.client.commands.base import Acts, Asking, Lists, Shows, add_vtn
from isthmus.client.sdk import InterconnectSite, Member, VirtualTenantNetwork
from isthmus.client.waiting import Sight, say


class AddMember(Shows):
    """Add a site to a virtual tenant network."""

    examples = (
        "vtn member add red east --wait",
        "vtn member add red north --site-project 6c1f0a52d3b94e7f8a21",
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Add what the command takes."""
        _add_vtn_and_site(parser)
        parser.add_argument(
            "--site-project",
            metavar="<project-id>",
            help="Whose it is to be there (id; default: as the sites' operators have it)",
        )
        waiting.add_options(parser, "the site has made its part")

    def take_action(self, parsed_args: argparse.Namespace) -> tuple[Any, Any]:
        """Add it."""
        vtn = self.find_vtn(parsed_args.vtn)
        body = {"site": parsed_args.site}
        if parsed_args.site_project is not None:
            body["site_project_id"] = parsed_args.site_project
        member = Member.new(virtual_tenant_network_id=vtn.id, **body).create(self.network)
        wait_for(self, parsed_args, vtn, member)
        return columns.show(columns.MEMBER, member)


class RemoveMember(Acts):
    """Remove a site from a virtual tenant network; servers on it there have to go first."""

    examples = ("vtn member remove red east --wait",)

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Add what the command takes."""
        _add_vtn_and_site(parser)
        waiting.add_options(parser, "the site has removed its part")

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        """Remove it."""
        vtn = self.find_vtn(parsed_args.vtn)
        member = _find(self, vtn, parsed_args.site)
        member.delete(self.network)

        def look() -> Sight:
            try:
                member.fetch(self.network)
            except refusals.NotFoundException:
                return Sight(f"{parsed_args.site}: gone.", is_done=True)
            return Sight(say(member.site, "being removed", member.status_reason))

        self.wait(parsed_args, look, _advice(vtn, parsed_args.site))


class ListMember(Lists):
    """List the sites of a virtual tenant network, with what each was given and made of it."""

    examples = ("vtn member list red", "vtn member list red --long -f json")

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Add what the command takes."""
        add_vtn(parser)
        parser.add_argument("--long", action="store_true", help="List more of each")

    def take_action(self, parsed_args: argparse.Namespace) -> tuple[Any, Any]:
        """List them."""
        vtn = self.find_vtn(parsed_args.vtn)
        found = Member.list(self.network, virtual_tenant_network_id=vtn.id)
        return columns.tabulate(columns.MEMBER, found, is_long=parsed_args.long)


class ShowMember(Shows):
    """Show a site of a virtual tenant network."""

    examples = ("vtn member show red east", "vtn member show red east -f value -c network_id")

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Add what the command takes."""
        _add_vtn_and_site(parser)

    def take_action(self, parsed_args: argparse.Namespace) -> tuple[Any, Any]:
        """Show it."""
        vtn = self.find_vtn(parsed_args.vtn)
        return columns.show(columns.MEMBER, _find(self, vtn, parsed_args.site))


class AcceptMember(Shows):
    """Say at a site that it becomes a member, under your project.

    That is needed where the sites share no Keystone.
    """

    examples = ("vtn member accept red --wait",)

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Add what the command takes."""
        _add_own_site(parser)
        waiting.add_options(parser, "the site has made its part")

    def take_action(self, parsed_args: argparse.Namespace) -> tuple[Any, Any]:
        """Accept it."""
        vtn = self.find_vtn(parsed_args.vtn)
        member = _find(self, vtn, parsed_args.site or _own_site(self)).accept(self.network)
        wait_for(self, parsed_args, vtn, member)
        return columns.show(columns.MEMBER, member)


class RefuseMember(Shows):
    """Say at a site that it becomes no member, or is none any more."""

    examples = ("vtn member refuse red",)

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Add what the command takes."""
        _add_own_site(parser)

    def take_action(self, parsed_args: argparse.Namespace) -> tuple[Any, Any]:
        """Refuse it."""
        vtn = self.find_vtn(parsed_args.vtn)
        member = _find(self, vtn, parsed_args.site or _own_site(self)).refuse(self.network)
        return columns.show(columns.MEMBER, member)


def wait_for(
    command: Asking, arguments: argparse.Namespace, vtn: VirtualTenantNetwork, member: Member
) -> None:
    """Wait until a member has made its part, if that is wanted."""

    def look() -> Sight:
        try:
            member.fetch(command.network)
        except refusals.NotFoundException:
            return _look_at_request(command, vtn, member.site)
        text = say(member.site, member.status, member.status_reason)
        return Sight(text, member.status == "ACTIVE", member.status == "ERROR")

    command.wait(arguments, look, _advice(vtn, member.site))


def _look_at_request(command: Asking, vtn: VirtualTenantNetwork, site: str) -> Sight:
    """Look at a network whose owner has not made the site a member: not yet, or it refused."""
    vtn.fetch(command.network)
    text = say(site, "no member yet", vtn.status_reason)
    return Sight(text, is_failed=vtn.status != "PENDING" and site not in vtn.members)


def _find(command: Asking, vtn: VirtualTenantNetwork, site: str) -> Member:
    member: Member = Member.existing(id=site, virtual_tenant_network_id=vtn.id)
    member.fetch(command.network)
    return member


def _own_site(command: Asking) -> str:
    """Return the name of the site that is asked.

    Raises:
        CommandError: it does not say.
    """
    for each in InterconnectSite.list(command.network, state="OWN"):
        return str(each.name)
    raise exceptions.CommandError("The site that is asked does not say its name: give it.")


def _advice(vtn: VirtualTenantNetwork, site: str) -> str:
    return f"How it is says: openstack vtn member show {vtn.name or vtn.id} {site}"


def _add_vtn_and_site(parser: argparse.ArgumentParser) -> None:
    add_vtn(parser)
    parser.add_argument("site", metavar="<site>", help="Name of the site")


def _add_own_site(parser: argparse.ArgumentParser) -> None:
    add_vtn(parser)
    parser.add_argument(
        "site", metavar="<site>", nargs="?", help="Name of the site (default: the one asked)"
    )
