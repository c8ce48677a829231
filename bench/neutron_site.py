# SPDX-License-Identifier: Apache-2.0
"""A Neutron in a process of its own, asked over standard input, that tells what each answer cost.

    {"method", "path", "body", "project"}  ─▶  {"status", "body", "ms", "statements"}

One JSON object a line. The whole API of Neutron runs: WSGI, extension middleware, policy, plug-in,
database; what is left out is Keystone's token and the socket. The plug-in is the caller's choice,
by its name among Neutron's entry points, and this module knows none of them.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import time
import warnings
from pathlib import Path
from typing import Any

warnings.simplefilter("ignore")

import sqlalchemy  # noqa: E402
import webob  # noqa: E402
from neutron import policy  # noqa: E402
from neutron.api import extensions  # noqa: E402
from neutron.common import config as neutron_config  # noqa: E402
from neutron.db.migration.models import head as neutron_models  # noqa: E402, F401
from neutron.pecan_wsgi import app as neutron_app  # noqa: E402
from neutron_lib import context as neutron_context  # noqa: E402
from neutron_lib.db import api as db_api  # noqa: E402

CONFIGURATION = """
[DEFAULT]
core_plugin = ml2
service_plugins = router,{plugin}
transport_url = fake://
state_path = {folder}
host = controller
auth_strategy = noauth
enable_traditional_dhcp = false
notify_nova_on_port_status_changes = false
notify_nova_on_port_data_changes = false
[database]
connection = {url}
[oslo_concurrency]
lock_path = {folder}
[quotas]
quota_network = -1
quota_subnet = -1
quota_port = -1
[ml2]
mechanism_drivers = openvswitch
type_drivers = local
tenant_network_types = local
extension_drivers = port_security
[isthmus]
driver = noop
[service_providers]
service_provider = BGPVPN:Dummy:networking_bgpvpn.neutron.services.service_drivers.driver_api.{driver}:default
"""  # noqa: E501  an option is one line


class NeutronSite:
    """The API and a count of what it asks of the database."""

    def __init__(self, folder: Path, url: str, plugin: str, driver: str) -> None:
        path = folder / "neutron.conf"
        text = CONFIGURATION.format(folder=folder, url=url, plugin=plugin, driver=driver)
        path.write_text(text)
        neutron_config.register_common_config_options()
        neutron_config.init(["--config-file", str(path)])
        logging.disable(logging.WARNING)
        core = neutron_app.v2_factory(None)
        self._app = extensions.plugin_aware_extension_middleware_factory({})(core)
        policy.refresh()
        self._statements = 0
        engine = db_api.get_context_manager().writer.get_engine()
        sqlalchemy.event.listen(engine, "before_cursor_execute", self._count)

    def _count(self, *arguments: Any) -> None:
        del arguments
        self._statements += 1

    def answer(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Do one request; time and statements are those of the API alone."""
        request = webob.Request.blank(f"/{asked['path']}", method=asked["method"])
        request.environ["neutron.context"] = _context(asked.get("project"))
        if "body" in asked:
            request.content_type = "application/json"
            request.body = json.dumps(asked["body"]).encode()
        self._statements = 0
        begin = time.perf_counter()
        response = request.get_response(self._app)
        content = response.body
        taken = time.perf_counter() - begin
        return {
            "status": response.status_int,
            "body": json.loads(content) if content else {},
            "ms": taken * 1000,
            "statements": self._statements,
        }


def _context(project: str | None) -> Any:
    if project is None:
        return neutron_context.Context(
            "operator", "operators", is_admin=True, roles=["admin", "member", "reader"]
        )
    return neutron_context.Context("user", project, is_admin=False, roles=["member", "reader"])


def main(folder: str, url: str, plugin: str, driver: str = "BGPVPNDriver") -> None:
    """Answer until standard input ends.

    Args:
        folder: for the configuration.
        url: of the database.
        plugin: among Neutron's entry points.
        driver: networking-bgpvpn's class of it, where that is the plug-in.
    """
    # What libraries print goes elsewhere: standard output is the protocol.
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    site = NeutronSite(Path(folder), url, plugin, driver)
    print(json.dumps({"ready": plugin}), file=out, flush=True)
    for line in sys.stdin:
        print(json.dumps(site.answer(json.loads(line))), file=out, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
