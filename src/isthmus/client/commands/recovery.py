# SPDX-License-Identifier: Apache-2.0
"""``openstack interconnect recover``: after a failure, see what differs until nothing does."""

from __future__ import annotations

import argparse
from typing import Any

from osc_lib import exceptions

from isthmus.client import columns, waiting
from isthmus.client.commands.base import Lists
from isthmus.client.commands.site import find_site
from isthmus.client.sdk import InterconnectSite
from isthmus.client.waiting import Sight

# States in which there is something to recover.
_JOINED = ("CONFIRMED", "OWN")


class Recover(Lists):
    """Read everything of a site, or of all, anew, and say what differs until nothing does.

    It happens by itself too; this begins it at once and shows how far it is.
    """

    examples = ("interconnect recover", "interconnect recover east --wait")

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Add what the command takes."""
        parser.add_argument(
            "site", metavar="<site>", nargs="?", help="Site (name or id; default: every one)"
        )
        waiting.add_options(parser, "nothing differs")

    def take_action(self, parsed_args: argparse.Namespace) -> tuple[Any, Any]:
        """Recover them."""
        found = [site.recover(self.network) for site in self._sites(parsed_args.site)]

        def look() -> Sight:
            differing = [each.name for each in found if each.fetch(self.network).recovery]
            if not differing:
                return Sight("Nothing differs.", is_done=True)
            lines = [f"{each.name}: {each.recovery}" for each in found if each.recovery]
            return Sight("\n".join(lines))

        self.wait(parsed_args, look, "How they are says: openstack interconnect site list --long")
        return columns.tabulate(columns.RECOVERY, found)

    def _sites(self, wanted: str | None) -> list[InterconnectSite]:
        """Return the sites to recover.

        Raises:
            CommandError: there is none.
        """
        if wanted is not None:
            return [find_site(self, wanted)]
        found = InterconnectSite.list(self.network)
        sites = [each for each in found if each.state in _JOINED]
        if not sites:
            raise exceptions.CommandError("No site is joined with the one that is asked.")
        return sites
