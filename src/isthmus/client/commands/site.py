# SPDX-License-Identifier: Apache-2.0
"""``openstack interconnect site …``: sites that virtual tenant networks may span."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from osc_lib import exceptions

from isthmus.client import columns, waiting
from isthmus.client.commands.base import Acts, Asking, Lists, Shows, delete_each
from isthmus.client.sdk import InterconnectSite
from isthmus.client.sdk.interconnect_site import DAY_S
from isthmus.client.waiting import Sight, say
from isthmus.model import invitation as inviting
from isthmus.model.errors import InvalidValue

_CONFIRMED = "both sites have confirmed each other"


class CreateSite(Shows):
    """Invite a site to become a peer of the one that is asked.

    The answer has the invitation, once. Carry it to the other site as you would a password, and
    accept it there.
    """

    examples = (
        "interconnect site create east -f value -c invitation > east.invitation",
        "interconnect site create north --own-identity --project 3f2a=shop --expires-in 3600",
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Add what the command takes."""
        parser.add_argument("name", metavar="<name>", help="What the site calls itself")
        _add_identity(parser)
        _add_expiry(parser)

    def take_action(self, parsed_args: argparse.Namespace) -> tuple[Any, Any]:
        """Invite it."""
        body = _identity(self, parsed_args, {})
        body |= {"name": parsed_args.name, "expires_in": parsed_args.expires_in}
        return columns.show(columns.SITE, InterconnectSite.new(**body).create(self.network))


class InviteSite(Shows):
    """Invite a site again, whose invitation has expired or that was revoked."""

    examples = ("interconnect site invite east -f value -c invitation > east.invitation",)

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Add what the command takes."""
        _add_site(parser)
        _add_expiry(parser)

    def take_action(self, parsed_args: argparse.Namespace) -> tuple[Any, Any]:
        """Invite it."""
        site = find_site(self, parsed_args.site).invite(self.network, parsed_args.expires_in)
        return columns.show(columns.SITE, site)


class AcceptSite(Shows):
    """Accept an invitation of another site's, which confirms it too."""

    examples = (
        "interconnect site accept east.invitation --wait",
        "interconnect site accept - < east.invitation",
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Add what the command takes."""
        # A secret among the arguments is read by everybody on the machine.
        parser.add_argument(
            "invitation", metavar="<file>", help="File with the invitation; -: standard input"
        )
        _add_identity(parser)
        waiting.add_options(parser, _CONFIRMED)

    def take_action(self, parsed_args: argparse.Namespace) -> tuple[Any, Any]:
        """Accept it."""
        invitation = _read_invitation(parsed_args.invitation)
        body = _identity(self, parsed_args, {})
        body |= {"name": invitation.site, "invitation": inviting.encode(invitation)}
        site = InterconnectSite.new(**body).create(self.network)
        _wait_confirmed(self, parsed_args, site)
        return columns.show(columns.SITE, site.fetch(self.network))


class ConfirmSite(Shows):
    """Confirm that the site that accepted an invitation is the one that was meant.

    Compare first the fingerprint that its "reason" shows with what the other operator reads.
    """

    examples = ("interconnect site confirm east --wait",)

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Add what the command takes."""
        _add_site(parser)
        waiting.add_options(parser, _CONFIRMED)

    def take_action(self, parsed_args: argparse.Namespace) -> tuple[Any, Any]:
        """Confirm it."""
        site = find_site(self, parsed_args.site).confirm(self.network)
        _wait_confirmed(self, parsed_args, site)
        return columns.show(columns.SITE, site)


class RevokeSite(Shows):
    """End the peering with a site at once: neither hears the other any more."""

    examples = ("interconnect site revoke east",)

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Add what the command takes."""
        _add_site(parser)

    def take_action(self, parsed_args: argparse.Namespace) -> tuple[Any, Any]:
        """Revoke it."""
        site = find_site(self, parsed_args.site).revoke(self.network)
        return columns.show(columns.SITE, site)


class RotateSite(Shows):
    """Have the certificates between a site and the one that is asked made anew, without a break."""

    examples = ("interconnect site rotate east --wait",)

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Add what the command takes."""
        _add_site(parser)
        waiting.add_options(parser, "the new certificate is in use and the old one worthless")

    def take_action(self, parsed_args: argparse.Namespace) -> tuple[Any, Any]:
        """Rotate them."""
        site = find_site(self, parsed_args.site).rotate(self.network)

        def look() -> Sight:
            site.fetch(self.network)
            if not site.asked:
                text = f"{site.name}: the certificate is good until {site.certificate_expires_at}."
                return Sight(text, is_done=True)
            return Sight(say(site.name, "the certificate is being made anew", site.reason))

        self.wait(parsed_args, look, _advice(site))
        return columns.show(columns.SITE, site)


class ListSite(Lists):
    """List the sites that virtual tenant networks may span."""

    examples = ("interconnect site list", "interconnect site list --long --state CONFIRMED")

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Add what the command takes."""
        parser.add_argument("--long", action="store_true", help="List more of each")
        parser.add_argument("--state", metavar="<state>", help="Those in this state")

    def take_action(self, parsed_args: argparse.Namespace) -> tuple[Any, Any]:
        """List them."""
        filters = {"state": parsed_args.state.upper()} if parsed_args.state else {}
        found = InterconnectSite.list(self.network, **filters)
        return columns.tabulate(columns.SITE, found, is_long=parsed_args.long)


class ShowSite(Shows):
    """Show a site, and what differs between it and the one that is asked."""

    examples = ("interconnect site show east",)

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Add what the command takes."""
        _add_site(parser)

    def take_action(self, parsed_args: argparse.Namespace) -> tuple[Any, Any]:
        """Show it."""
        return columns.show(columns.SITE, find_site(self, parsed_args.site))


class SetSite(Acts):
    """Change what is known of a site: its description, and whose its projects are here."""

    examples = (
        "interconnect site set north --project 3f2a=shop",
        "interconnect site set north --shared-identity",
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Add what the command takes."""
        _add_site(parser)
        _add_identity(parser)

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        """Change it."""
        site = find_site(self, parsed_args.site)
        _change(self, site, _identity(self, parsed_args, site.projects or {}))


class UnsetSite(Acts):
    """Take away what is known of a site."""

    examples = ("interconnect site unset north --project 3f2a",)

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Add what the command takes."""
        _add_site(parser)
        parser.add_argument("--description", action="store_true", help="Have no description")
        parser.add_argument(
            "--project",
            metavar="<their-project-id>",
            dest="projects",
            action="append",
            default=[],
            help="Project of that site that is none of this one's (repeat option for more)",
        )

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        """Take it away."""
        site = find_site(self, parsed_args.site)
        body: dict[str, Any] = {"description": ""} if parsed_args.description else {}
        if parsed_args.projects:
            known = site.projects or {}
            body["projects"] = {k: v for k, v in known.items() if k not in parsed_args.projects}
        _change(self, site, body)


class DeleteSite(Acts):
    """Forget sites that are no peers any more, and what they published."""

    examples = ("interconnect site delete north",)

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Add what the command takes."""
        parser.add_argument("sites", metavar="<site>", nargs="+", help="Site (name or id)")

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        """Forget them."""
        delete_each(
            self, parsed_args.sites, lambda name: find_site(self, name).delete(self.network)
        )


def find_site(command: Asking, name_or_id: str) -> InterconnectSite:
    """Return a site."""
    found: InterconnectSite
    found = InterconnectSite.find(command.network, name_or_id, ignore_missing=False)
    return found


def _wait_confirmed(command: Asking, arguments: argparse.Namespace, site: InterconnectSite) -> None:
    def look() -> Sight:
        site.fetch(command.network)
        is_failed = site.state not in ("PENDING", "CONFIRMED")
        text = say(site.name, site.state, site.reason)
        return Sight(text, site.state == "CONFIRMED", is_failed)

    command.wait(arguments, look, _advice(site))


def _advice(site: InterconnectSite) -> str:
    return f"How it is says: openstack interconnect site show {site.name}"


def _read_invitation(file: str) -> inviting.Invitation:
    """Read an invitation from a file.

    Raises:
        CommandError: there is none.
    """
    try:
        return inviting.decode(sys.stdin.read() if file == "-" else Path(file).read_text())
    except (OSError, UnicodeDecodeError) as error:
        raise exceptions.CommandError(f"{file}: {error}") from None
    except InvalidValue as error:
        raise exceptions.CommandError(error.for_tenant) from None


def _add_site(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("site", metavar="<site>", help="Site (name or id)")


def _add_expiry(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--expires-in",
        metavar="<seconds>",
        type=int,
        default=DAY_S,
        help=f"How long the invitation is good (default: {DAY_S})",
    )


def _add_identity(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--description", metavar="<description>", help="In your own words")
    identity = parser.add_mutually_exclusive_group()
    identity.add_argument(
        "--shared-identity",
        action="store_true",
        help="A project's id means the same at both sites: one Keystone (default)",
    )
    identity.add_argument(
        "--own-identity", action="store_true", help="The site has a Keystone of its own"
    )
    parser.add_argument(
        "--project",
        metavar="<their-project-id>=<project>",
        dest="projects",
        action="append",
        default=[],
        type=_read_pair,
        help="With --own-identity: which project of this site (name or id) stands for one of "
        "that one's (id) (repeat option for more)",
    )


def _read_pair(text: str) -> Sequence[str]:
    theirs, separator, ours = text.partition("=")
    if not (theirs and separator and ours):
        raise argparse.ArgumentTypeError(f"{text!r} is not <their-project-id>=<project>")
    return theirs, ours


def _identity(
    command: Asking, arguments: argparse.Namespace, known: dict[str, str]
) -> dict[str, Any]:
    body: dict[str, Any] = {}
    if arguments.description is not None:
        body["description"] = arguments.description
    if arguments.shared_identity or arguments.own_identity:
        body["shares_identity"] = arguments.shared_identity
    if arguments.projects:
        added = {theirs: command.find_project(ours) for theirs, ours in arguments.projects}
        body["projects"] = {**known, **added}
    return body


def _change(command: Asking, site: InterconnectSite, body: dict[str, Any]) -> None:
    """Change a site, unless somebody changed its projects since they were read."""
    changed = InterconnectSite.existing(id=site.id)
    if "projects" in body:
        body["if_match"] = f"revision_number={site.revision_number}"
    for name, value in body.items():
        setattr(changed, name, value)
    changed.commit(command.network)
