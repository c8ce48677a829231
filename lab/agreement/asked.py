# SPDX-License-Identifier: Apache-2.0
"""Print, as JSON, what a region's database asks of each PE and what it says PEs have reported.

It runs on the control machine, with Neutron's configuration::

    python -m lab.agreement.asked --config-file …
"""

from __future__ import annotations

import json
import sys
import warnings
from collections.abc import Mapping
from types import SimpleNamespace
from typing import Any, cast

with warnings.catch_warnings():
    # Neutron's imports warn of eventlet.
    warnings.simplefilter("ignore")
    import sqlalchemy as sa
    from neutron.common import config
    from neutron.db.migration.models import head as neutron_models  # noqa: F401
    from neutron_lib import context as neutron_context
    from neutron_lib.db import api as db_api

    from isthmus.db import journal, models, provider_edges
    from isthmus.db.intent import read_intent
    from isthmus.drivers.pe_rpc.split import split
    from isthmus.model.intent import VrfIntent
    from isthmus.pe_agent.look import parts
    from isthmus.pe_agent.look.view import View


def read() -> dict[str, Any]:
    """Read it in one transaction."""
    context = neutron_context.get_admin_context()
    with db_api.CONTEXT_READER.using(context):
        pes = [edge.name for edge in provider_edges.read(context)]
        vpn_ids = sorted(context.session.execute(sa.select(models.Vpn.id)).scalars())
        of_pe: dict[str, dict[str, VrfIntent]] = {pe: {} for pe in pes}
        for vpn_id in vpn_ids:
            intent = read_intent(context, vpn_id)
            if intent is not None:
                for pe, part in split(intent, pes).items():
                    of_pe[pe][vpn_id] = part
        reports = provider_edges.read_reports(context, vpn_ids)
        changed = journal.read_changed_vpns(context)
    return {
        "journal": sorted(changed),
        "asked": {pe: _tables(intents) for pe, intents in of_pe.items()},
        "reported": [[r.pe, r.vpn_id, r.generation, r.is_in_force] for r in reports],
    }


def _tables(intents: Mapping[str, VrfIntent]) -> dict[str, Any]:
    """Return what ``isthmus-pe-agent look intent`` would show of them."""
    view = cast("View", SimpleNamespace(intents=intents, ports=None))
    return dict(parts.intent(view, None))


if __name__ == "__main__":
    config.register_common_config_options()
    config.init(sys.argv[1:])
    json.dump(read(), sys.stdout)
