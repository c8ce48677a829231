# SPDX-License-Identifier: Apache-2.0
"""What all commands have: examples in their help, the session, refusals in the API's sentence."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from keystoneauth1.exceptions import ConnectFailure
from openstack import exceptions as refusals
from osc_lib import exceptions
from osc_lib.cli import identity
from osc_lib.command import command
from osc_lib.utils import tags

from isthmus.client.sdk import MplsVpn, VirtualTenantNetwork
from isthmus.client.waiting import Sight, wait

# HTTP statuses from here on say nothing about what was asked (RFC 9110 §15.6).
_SERVERS_FAULT = 500


class _Help(argparse.RawDescriptionHelpFormatter):
    """Leaves descriptions and examples in their lines."""


class Asking(command.Command):
    """A command that asks Neutron.

    Attributes:
        examples: what may be typed after ``openstack``, a line each.
    """

    examples: tuple[str, ...] = ()

    def get_parser(self, prog_name: str) -> argparse.ArgumentParser:
        """Return the parser of its arguments."""
        parser: argparse.ArgumentParser = super().get_parser(prog_name)
        parser.formatter_class = _Help
        self.add_arguments(parser)
        return parser

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Add what the command takes."""

    def get_epilog(self) -> str:
        """Return the examples."""
        return "\n".join(["Examples:", *(f"  openstack {each}" for each in self.examples)])

    def run(self, parsed_args: argparse.Namespace) -> int:
        """Do it; where Neutron refuses, its sentence is what the user reads."""
        try:
            return int(super().run(parsed_args) or 0)
        except refusals.HttpException as error:
            raise exceptions.CommandError(_sentence(error)) from error

    @property
    def network(self) -> Any:
        """The session."""
        return self.app.client_manager.sdk_connection.network

    def tell(self, text: str) -> None:
        """Write a line that is no part of the output."""
        self.app.stderr.write(f"{text}\n")
        self.app.stderr.flush()

    def wait(self, arguments: argparse.Namespace, look: Callable[[], Sight], advice: str) -> None:
        """Wait for it, if that is asked for; that Neutron is restarted meanwhile is no end."""

        def look_or_miss() -> Sight:
            try:
                return look()
            except ConnectFailure:
                return Sight("Neutron does not answer.")
            except refusals.HttpException as error:
                if (error.status_code or 0) < _SERVERS_FAULT:
                    raise
                return Sight(f"Neutron does not answer ({error.status_code}).")

        if arguments.wait:
            wait(look_or_miss, arguments.timeout, self.tell, advice)

    def find_vpn(self, name_or_id: str) -> MplsVpn:
        """Return a VPN."""
        found: MplsVpn = MplsVpn.find(self.network, name_or_id, ignore_missing=False)
        return found

    def find_vtn(self, name_or_id: str) -> VirtualTenantNetwork:
        """Return a virtual tenant network."""
        found: VirtualTenantNetwork
        found = VirtualTenantNetwork.find(self.network, name_or_id, ignore_missing=False)
        return found

    def find_project(self, name_or_id: str, domain: str | None = None) -> str:
        """Return a project's id."""
        connection = self.app.client_manager.sdk_connection
        return str(identity.find_project(connection, name_or_id, domain).id)


class Acts(Asking):
    """A command that prints nothing."""


class Shows(Asking, command.ShowOne):
    """A command that shows one thing."""


class Lists(Asking, command.Lister):
    """A command that lists things."""


def add_vtn(parser: argparse.ArgumentParser) -> None:
    """Have a command take a virtual tenant network."""
    parser.add_argument("vtn", metavar="<vtn>", help="Virtual tenant network (name or id)")


def add_vpn(parser: argparse.ArgumentParser) -> None:
    """Have a command take a VPN."""
    parser.add_argument("vpn", metavar="<vpn>", help="VPN (name or id)")


def add_admin_state(parser: argparse.ArgumentParser) -> None:
    """Have a command take whether something carries packets."""
    state = parser.add_mutually_exclusive_group()
    state.add_argument("--enable", action="store_true", help="Have it carry packets (default)")
    state.add_argument("--disable", action="store_true", help="Keep it, and carry nothing of it")


def changes(arguments: argparse.Namespace, *names: str) -> dict[str, Any]:
    """Return what is given of some options, and of `add_admin_state`'s, by attribute."""
    given = {name: getattr(arguments, name) for name in names}
    body = {name: value for name, value in given.items() if value is not None}
    if arguments.enable or arguments.disable:
        body["is_admin_state_up"] = arguments.enable
    return body


def create(
    command: Asking, arguments: argparse.Namespace, kind: Any, body: Mapping[str, Any]
) -> Any:
    """Make a resource of a kind, of the project and with the tags that the arguments name."""
    owner = {}
    if arguments.project:
        owner["project_id"] = command.find_project(arguments.project, arguments.project_domain)
    made = kind.new(**body, **owner).create(command.network)
    if arguments.tags:
        made.set_tags(command.network, list(dict.fromkeys(arguments.tags)))
    return made


def filters_of(
    command: Asking, arguments: argparse.Namespace, asked: Mapping[str, str | None]
) -> dict[str, Any]:
    """Return the filters of a list: those that are given, the project's and the tags'."""
    filters = {name: value for name, value in asked.items() if value is not None}
    if arguments.project:
        project = command.find_project(arguments.project, arguments.project_domain)
        filters["project_id"] = project
    tags.get_tag_filtering_args(arguments, filters)
    return filters


def commit(command: Asking, resource: Any, body: Mapping[str, Any]) -> None:
    """Change some of a resource's attributes, if any; nothing else of it is sent."""
    if not body:
        return
    for name, value in body.items():
        setattr(resource, name, value)
    resource.commit(command.network)


def add_tags(command: Asking, arguments: argparse.Namespace, resource: Any) -> None:
    """Do what ``--tag`` and ``--no-tag`` of a ``set`` say."""
    if arguments.tags or arguments.no_tag:
        kept = [] if arguments.no_tag else resource.tags
        resource.set_tags(command.network, list(dict.fromkeys([*kept, *(arguments.tags or ())])))


def remove_tags(command: Asking, arguments: argparse.Namespace, resource: Any) -> None:
    """Do what ``--tag`` and ``--all-tag`` of an ``unset`` say."""
    if arguments.tags or arguments.all_tag:
        gone = set(resource.tags) if arguments.all_tag else set(arguments.tags)
        resource.set_tags(command.network, [each for each in resource.tags if each not in gone])


def delete_each(command: Asking, names: Iterable[str], delete: Callable[[str], None]) -> None:
    """Delete things; one that can't be keeps no other from being deleted.

    Raises:
        CommandError: some are still there.
    """
    wanted, failed = list(names), 0
    for name in wanted:
        try:
            delete(name)
        except (refusals.SDKException, exceptions.CommandError) as error:
            failed += 1
            command.tell(f"{name}: {_sentence(error)}")
    if failed:
        raise exceptions.CommandError(f"{failed} of {len(wanted)} could not be deleted.")


def _sentence(error: Exception) -> str:
    details = getattr(error, "details", None)
    return str(details or error)
