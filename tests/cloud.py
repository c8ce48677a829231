# SPDX-License-Identifier: Apache-2.0
"""A Neutron in this process: the real API, ML2 and service plug-in; no OVN, no message broker.

    request ─▶ Neutron's WSGI application ─▶ IsthmusPlugin ─▶ SQLite or MariaDB
    dispatch() ─▶ Dispatcher ─▶ ML2 (attachments), driver ─▶ fake:// transport

Neutron keeps its configuration in globals, so there is one such cloud in a process.
"""

from __future__ import annotations

import json
import logging
import warnings
from collections.abc import Iterator, Mapping
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

with warnings.catch_warnings():
    # Eventlet, which Neutron's dependencies still import, warns that it is deprecated.
    warnings.simplefilter("ignore")
    import sqlalchemy
    import webob
    from neutron import policy
    from neutron.api import extensions
    from neutron.common import config as neutron_config
    from neutron.db.migration.models import head as neutron_models  # noqa: F401
    from neutron.pecan_wsgi import app as neutron_app
    from neutron_lib import context as neutron_context
    from neutron_lib import rpc as neutron_rpc
    from neutron_lib.db import api as db_api
    from neutron_lib.db import model_base, standard_attr
    from neutron_lib.plugins import directory

    from isthmus.api.definitions import bgpvpn
    from isthmus.db import models
    from isthmus.db.vtn import tables as vtn_tables  # noqa: F401  to be made with the others
    from isthmus.drivers.base import VpnDriver
    from isthmus.model.errors import IsthmusError
    from isthmus.model.report import PeReport, VrfReport
    from isthmus.plugin import dispatch, reports
    from isthmus.plugin.plugin import IsthmusPlugin, load_driver

CONFIGURATION = """
[DEFAULT]
core_plugin = ml2
service_plugins = router,isthmus
transport_url = fake://
state_path = {folder}
host = controller
auth_strategy = noauth
enable_traditional_dhcp = false
notify_nova_on_port_status_changes = false
notify_nova_on_port_data_changes = false
[database]
connection = {url}
max_retries = 0
[oslo_concurrency]
lock_path = {folder}
[quotas]
default_quota = -1
quota_network = -1
quota_subnet = -1
quota_port = -1
quota_router = -1
[ml2]
mechanism_drivers = openvswitch
type_drivers = local
tenant_network_types = local
extension_drivers = port_security
[isthmus]
driver = noop
site_name = {site}
route_target_pool = {pool}
"""
RED, BLUE = "red-project", "blue-project"
VPNS = "/bgpvpn/bgpvpns"
NOTHING = object()


@dataclass(frozen=True)
class Caller:
    """Somebody with a token: of which project, with which roles."""

    project: str
    roles: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.roles[0]} of {self.project}"


@dataclass(frozen=True)
class Answer:
    """What the API answered."""

    status: int
    body: Any

    def __getitem__(self, name: str) -> Any:
        return self.body[name]

    @property
    def sentence(self) -> str:
        """What it says of an error."""
        return str(self.body["NeutronError"]["message"])


def _forgo_durability() -> None:
    """Have SQLite not wait for the disk: nothing here outlives the process."""

    def on_connect(connection: Any, record: object) -> None:
        del record
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("PRAGMA journal_mode = MEMORY")

    def on_engine(engine: Any) -> None:
        sqlalchemy.event.listen(engine, "connect", on_connect)

    db_api.get_context_manager().append_on_engine_create(on_engine)


class AtOnce(Executor):
    """Does what it is given before it returns: SQLite bears no two writers."""

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Do it and keep what came of it."""
        done: Future[Any] = Future()
        try:
            done.set_result(fn(*args, **kwargs))
        except Exception as error:
            done.set_exception(error)
        return done


class Cloud:
    """One region, without its compute hosts."""

    def __init__(
        self, folder: Path, url: str, site: str = "west", pool: str = "64500:100000-100999"
    ) -> None:
        path = folder / "neutron.conf"
        path.write_text(CONFIGURATION.format(folder=folder, url=url, site=site, pool=pool))
        neutron_config.register_common_config_options()
        neutron_config.init(["--config-file", str(path)])
        # It repeats what clients send, halves of surrogate pairs too, and pytest-xdist can't pass
        # those on with the report of a test.
        logging.getLogger("neutron.api.v2.base").setLevel(logging.ERROR)
        if url.startswith("sqlite"):
            _forgo_durability()
        engine = db_api.get_context_manager().writer.get_engine()
        model_base.BASEV2.metadata.create_all(engine)
        core = neutron_app.v2_factory(None)
        self._app = extensions.plugin_aware_extension_middleware_factory({})(core)
        policy.refresh()
        plugin = directory.get_plugin(bgpvpn.ALIAS)
        assert isinstance(plugin, IsthmusPlugin)
        self.plugin = plugin
        self.core = directory.get_plugin()

    @property
    def application(self) -> Any:
        """The WSGI application; ``neutron.context`` of a request says who asks."""
        return self._app

    def request(
        self,
        method: str,
        path: str,
        body: object = NOTHING,
        project: str | Caller | None = None,
        query: Mapping[str, str] | None = None,
        revision: int | None = None,
    ) -> Answer:
        """Ask the API, as an administrator, as a member of ``project`` or as anybody.

        ``revision``: only if the resource has that one.
        """
        if query is not None:
            path = f"{path}?{urlencode(query, errors='surrogatepass')}"
        request = webob.Request.blank(path, method=method)
        request.environ["neutron.context"] = self.context(project)
        if revision is not None:
            request.headers["If-Match"] = f"revision_number={revision}"
        if body is not NOTHING:
            request.content_type = "application/json"
            request.body = json.dumps(body).encode()
        response = request.get_response(self._app)
        content = response.json if response.body and response.content_type.endswith("json") else {}
        return Answer(response.status_int, content)

    def context(self, project: str | Caller | None = None) -> Any:
        """Return what Keystone's token would have made of a caller."""
        if isinstance(project, Caller):
            roles = list(project.roles)
            return neutron_context.Context(
                "user", project.project, is_admin="admin" in roles, roles=roles
            )
        if project is None:
            return neutron_context.Context(
                "operator", "operators", is_admin=True, roles=["admin", "member", "reader"]
            )
        return neutron_context.Context("user", project, is_admin=False, roles=["member", "reader"])

    def made(self, answer: Answer, name: str) -> dict[str, Any]:
        """Return the resource a request made."""
        assert answer.status == 201, answer
        resource: dict[str, Any] = answer[name]
        return resource

    def vpn(self, project: str = RED, **attributes: object) -> dict[str, Any]:
        """Make a VPN for a project, as its operator does."""
        body = {"bgpvpn": {"project_id": project, "route_targets": ["64500:1"], **attributes}}
        return self.made(self.request("POST", VPNS, body), "bgpvpn")

    def network(self, *prefixes: str, project: str = RED, **attributes: object) -> str:
        """Make a network with subnets; return its id."""
        body = {"network": {"name": "net", "admin_state_up": True, **attributes}}
        answer = self.request("POST", "/networks", body, project)
        network_id = str(self.made(answer, "network")["id"])
        for prefix in prefixes:
            self.made(self.subnet(network_id, prefix, project=project), "subnet")
        return network_id

    def subnet(
        self, network_id: str, prefix: str, project: str = RED, **attributes: object
    ) -> Answer:
        """Ask for a subnet."""
        version = 6 if ":" in prefix else 4
        body = {"network_id": network_id, "cidr": prefix, "ip_version": version, **attributes}
        return self.request("POST", "/subnets", {"subnet": body}, project)

    def route(self, network_id: str, project: str = RED) -> str:
        """Put a network's subnets behind a router; return the router's id."""
        router = self.made(self.request("POST", "/routers", {"router": {}}, project), "router")
        path = f"/routers/{router['id']}/add_router_interface"
        subnets = self.request("GET", f"/subnets?network_id={network_id}")["subnets"]
        for subnet in subnets:
            assert self.request("PUT", path, {"subnet_id": subnet["id"]}).status < 300
        return str(router["id"])

    def refuse(self, vpn_id: str, error: IsthmusError) -> None:
        """Do what the worker does with what can't be dispatched."""
        dispatch.record_refusal(vpn_id, error)

    @contextmanager
    def statements(self) -> Iterator[list[str]]:
        """Collect the SELECTs from our tables and Neutron's that run meanwhile."""
        seen: list[str] = []

        def before(*arguments: Any) -> None:
            if arguments[2].lstrip().upper().startswith("SELECT"):
                seen.append(arguments[2])

        engine = db_api.get_context_manager().writer.get_engine()
        sqlalchemy.event.listen(engine, "before_cursor_execute", before)
        yield seen
        sqlalchemy.event.remove(engine, "before_cursor_execute", before)

    def host(self, name: str) -> None:
        """Have a compute host on which ML2 binds ports."""
        state = {
            "agent_type": "Open vSwitch agent",
            "binary": "neutron-openvswitch-agent",
            "host": name,
            "topic": "N/A",
            "configurations": {"bridge_mappings": {}, "tunnel_types": []},
            "start_flag": True,
        }
        self.core.create_or_update_agent(neutron_context.get_admin_context(), state)

    def port(self, network_id: str, host: str, project: str = RED) -> dict[str, Any]:
        """Make a VM's port on a host."""
        body = {
            "network_id": network_id,
            "project_id": project,
            "device_owner": "compute:nova",
            "binding:host_id": host,
        }
        return self.made(self.request("POST", "/ports", {"port": body}), "port")

    def associate(self, vpn_id: str, network_id: str, project: str | None = RED) -> Answer:
        """Ask for a network association, as a member of the project."""
        body = {"network_association": {"network_id": network_id}}
        return self.request("POST", f"{VPNS}/{vpn_id}/network_associations", body, project)

    def dissociate(self, vpn_id: str, project: str | None = RED) -> None:
        """Take every network out of a VPN."""
        path = f"{VPNS}/{vpn_id}/network_associations"
        for association in self.request("GET", path, project=project)["network_associations"]:
            answer = self.request("DELETE", f"{path}/{association['id']}", project=project)
            assert answer.status == 204, answer

    def load_driver(self, name: str) -> VpnDriver:
        """Make a driver as the plug-in does."""
        return load_driver(name)

    def use_driver(self, driver: VpnDriver, mode: str = models.DISTRIBUTED) -> None:
        """Change to another driver and mode, as after a restart with another configuration."""
        self.plugin._driver = driver
        self._dispatcher = dispatch.Dispatcher(driver, AtOnce(), self.plugin._transits, mode)

    @property
    def transport(self) -> Any:
        """What messages go over, within this process."""
        return neutron_rpc.TRANSPORT

    def dispatch(self) -> None:
        """Do what the worker would: until the journal is empty."""
        while due := dispatch.read_due():
            for vpn_id in due:
                self._dispatcher.dispatch(vpn_id)

    def check_all(self) -> None:
        """Do what the worker does at its start and at each resync."""
        for vpn_id in dispatch.sweep(self.plugin._transits):
            self._dispatcher.dispatch(vpn_id)

    def reported(self) -> dict[tuple[str, str], int]:
        """Return the generation each PE reports of each VPN."""
        context = neutron_context.get_admin_context()
        with db_api.CONTEXT_READER.using(context):
            rows = context.session.query(models.PeReport).all()
            return {(row.pe, row.vpn_id): row.generation for row in rows}

    def forget_generations(self) -> None:
        """Have a database that was put back from an old copy."""
        context = neutron_context.get_admin_context()
        with db_api.CONTEXT_WRITER.using(context):
            context.session.query(models.Vpn).update({"generation": 0})

    def count_standard_attributes(self) -> int:
        """Count the rows Neutron keeps of resources."""
        context = neutron_context.get_admin_context()
        with db_api.CONTEXT_READER.using(context):
            return int(context.session.query(standard_attr.StandardAttribute).count())

    def forget_standard_attributes(self) -> None:
        """Have the rows that the release before wrote."""
        context = neutron_context.get_admin_context()
        with db_api.CONTEXT_WRITER.using(context):
            context.session.query(models.Vpn).update({"standard_attr_id": None})

    def report_in_force(self, pe: str, vpn_id: str, **figures: Any) -> None:
        """Have a PE report the newest generation of a VPN in force."""
        context = neutron_context.get_admin_context()
        with db_api.CONTEXT_READER.using(context):
            generation = context.session.get(models.Vpn, vpn_id).generation
        vrf = VrfReport(vpn_id, generation, is_in_force=True, **figures)
        self.report(PeReport(pe, IPv4Address("192.0.2.11"), (vrf,), ()))

    def status(self, vpn_id: str, project: str | None = None) -> tuple[str, str]:
        """Return status and reason of a VPN."""
        vpn = self.request("GET", f"{VPNS}/{vpn_id}", project=project)["bgpvpn"]
        return vpn["status"], vpn["status_reason"]

    def report(self, report: PeReport) -> None:
        """Have a PE tell what it does."""
        reports.record(report)

    def attachments(self, owner: str = "ovn-lb-hm:distributed") -> list[dict[str, Any]]:
        """Return the ports of ours there are."""
        filters = {"device_owner": [owner]}
        ports: list[dict[str, Any]] = self.core.get_ports(
            neutron_context.get_admin_context(), filters=filters
        )
        return ports

    def leftovers(self) -> Mapping[str, int]:
        """Count the rows of tables that are empty when nothing is wanted."""
        tables = (
            models.Vpn,
            models.RouteTarget,
            models.RouteDistinguisher,
            models.NetworkAssociation,
            models.Attachment,
            models.GatewayPort,
            models.JournalEntry,
        )
        context = neutron_context.get_admin_context()
        with db_api.CONTEXT_READER.using(context):
            counts = {t.__tablename__: context.session.query(t).count() for t in tables}
        return {name: count for name, count in counts.items() if count}

    def rows(self) -> Mapping[str, list[tuple[Any, ...]]]:
        """Return everything recorded in our tables, and what Neutron keeps for us."""
        neutrons = ("standardattributes", "tags")
        tables = model_base.BASEV2.metadata.tables
        engine = db_api.get_context_manager().writer.get_engine()
        with engine.connect() as connection:
            return {
                table.name: sorted(map(tuple, connection.execute(table.select())), key=repr)
                for table in (*self._our_tables(), *(tables[name] for name in neutrons))
            }

    def empty_ours(self) -> None:
        """Forget VPNs and all that hangs on them; Neutron's own resources stay."""
        engine = db_api.get_context_manager().writer.get_engine()
        with engine.begin() as connection:
            for table in reversed(self._our_tables()):
                connection.execute(table.delete())

    @staticmethod
    def _our_tables() -> list[Any]:
        tables = model_base.BASEV2.metadata.sorted_tables
        return [table for table in tables if table.name.startswith("isthmus_")]

    def empty(self) -> None:
        """Forget everything, between two tests."""
        engine = db_api.get_context_manager().writer.get_engine()
        with engine.begin() as connection:
            for table in reversed(model_base.BASEV2.metadata.sorted_tables):
                connection.execute(table.delete())
        self.use_driver(load_driver("noop"))
