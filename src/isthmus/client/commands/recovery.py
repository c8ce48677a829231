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

    Of the site's own name: publish everything of it anew.

    It happens by itself too; this begins it at once and shows how far it is.
    """

    examples = (
        "interconnect recover",
        "interconnect recover east --wait",
        "interconnect recover west --abandon 2f1d2f8e-3a55-4f0e-9c1e-6f7b0d8c4a11",
    )

    def add_arguments(self, parser: argparse.ArgumentParser) -> None:
        """Add what the command takes."""
        parser.add_argument(
            "site", metavar="<site>", nargs="?", help="Site (name or id; default: every one)"
        )
        parser.add_argument(
            "--abandon",
            metavar="<vtn-id>",
            action="append",
            default=[],
            help="Network of which no site has a document any more; what the site that is asked, "
            "named by its own name, made of it is removed (repeat option for more)",
        )
        waiting.add_options(parser, "all has been read, and nothing differs")

    def take_action(self, parsed_args: argparse.Namespace) -> tuple[Any, Any]:
        """Recover them."""
        if parsed_args.abandon and parsed_args.site is None:
            raise exceptions.CommandError("--abandon needs the site that is asked, by its name.")
        found = [
            site.recover(self.network, parsed_args.abandon)
            for site in self._sites(parsed_args.site)
        ]

        def look() -> Sight:
            for each in found:
                each.fetch(self.network)
            lines = [f"{each.name}: {_say_asked(each)}" for each in found if each.asked]
            lines += [f"{each.name}: {each.recovery}" for each in found if each.recovery]
            return Sight("\n".join(lines) or "Nothing differs.", is_done=not lines)

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


def _say_asked(site: InterconnectSite) -> str:
    """Say what isthmus-interconnect has still to do."""
    what = "publish everything of it" if site.state == "OWN" else "read everything of it"
    return f"isthmus-interconnect has to {what} anew. {site.reason or ''}".rstrip()
