# SPDX-License-Identifier: Apache-2.0
"""``isthmus-import-bgpvpn``: take over the VPNs of networking-bgpvpn, in the same database.

Exit code 0 if everything of theirs is here; 1 if something is not, which the report names with its
reason; 2 if nothing could be read or written, and nothing was.
"""

from __future__ import annotations

import json
import sys
import warnings
from collections.abc import Sequence

from oslo_config import cfg

INCOMPLETE, NOT_DONE = 1, 2
_OPTIONS = [
    cfg.BoolOpt("dry-run", default=False, help="Report what would be done, and undo it."),
    cfg.BoolOpt(
        "overwrite",
        default=False,
        help="Make what is here already as it is there, instead of leaving it alone.",
    ),
    cfg.BoolOpt("json", default=False, help="Print the report as one JSON object."),
]


def main(argv: Sequence[str] | None = None) -> int:
    """Move in, in one transaction; print the report and return the exit code."""
    # Libraries of Neutron complain to whoever imports them.
    warnings.simplefilter("ignore")
    conf = cfg.CONF
    conf.register_cli_opts(_OPTIONS)
    try:
        conf(
            sys.argv[1:] if argv is None else list(argv),
            project="neutron",
            prog="isthmus-import-bgpvpn",
            usage="%(prog)s [--config-file PATH] [--dry-run] [--overwrite] [--json]",
        )
    except cfg.Error as error:
        return _refuse(str(error))
    # Imported late: a mistake on the command line is told of within a moment.
    from isthmus.moving_in import report, run, source

    try:
        found = run.move_in(is_rehearsal=conf.dry_run, is_overwriting=conf.overwrite)
    except (source.NotTheirs, run.NotReady) as error:
        return _refuse(str(error))
    if conf.json:
        told = json.dumps(report.to_json(found, is_rehearsal=conf.dry_run)) + "\n"
    else:
        told = report.render(found, is_rehearsal=conf.dry_run)
    sys.stdout.write(told)
    return 0 if found.is_complete else INCOMPLETE


def _refuse(sentence: str) -> int:
    sys.stderr.write(f"isthmus-import-bgpvpn: {sentence}\n")
    return NOT_DONE
