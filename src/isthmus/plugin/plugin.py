# SPDX-License-Identifier: Apache-2.0
"""The Neutron service plug-in: each call is one transaction that records intent and journal.

Made once in every process of Neutron. What each of them runs:

    API worker                 the calls below, Neutron's events
    neutron-rpc-server         Neutron's events, agents' reports
    neutron-periodic-workers   the worker that dispatches, in a process of its own
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from neutron import service
from neutron.api import extensions as neutron_extensions
from neutron_lib import rpc as neutron_rpc
from neutron_lib.api.definitions import bgpvpn
from neutron_lib.context import Context
from neutron_lib.db import api as db_api
from neutron_lib.plugins import directory
from neutron_lib.services import base
from oslo_config import cfg
from oslo_utils import uuidutils
from stevedore import driver as stevedore_driver

from isthmus.api import extensions
from isthmus.api.definitions import bgpvpn_vni, mpls_vpn
from isthmus.config.plugin import read_options
from isthmus.db import journal, vpns
from isthmus.db.records import AssociationRecord, VpnRecord
from isthmus.drivers.base import DriverSetup, VpnDriver
from isthmus.model.errors import InvalidValue
from isthmus.plugin import conditions, dispatch, reports, requests, views
from isthmus.plugin.dispatch import Dispatcher
from isthmus.plugin.errors import AssociationNotFound, VpnNotFound, refusals_answered
from isthmus.plugin.events import NeutronEvents
from isthmus.plugin.status import compile_status
from isthmus.plugin.worker import Journal, Worker, WorkerService
from isthmus.rpc import contract
from isthmus.rpc.endpoints import ReportEndpoint, start_server
from isthmus.rpc.senders import Waker

Filters = Mapping[str, Sequence[Any]] | None
Fields = Sequence[str] | None


def _transport() -> Any:
    return neutron_rpc.TRANSPORT


def load_driver(name: str) -> VpnDriver:
    """Load the driver an operator chose."""
    setup = DriverSetup(transport=_transport, record_report=reports.record)
    manager = stevedore_driver.DriverManager(
        "isthmus.vpn_drivers", name, invoke_on_load=True, invoke_args=(setup,)
    )
    driver: VpnDriver = manager.driver
    return driver


class IsthmusPlugin(base.ServicePluginBase):
    """MPLS VPN as a service: the BGPVPN API and what ``mpls-vpn`` adds to it."""

    supported_extension_aliases = [bgpvpn.ALIAS, bgpvpn_vni.ALIAS, mpls_vpn.ALIAS]  # noqa: RUF012
    path_prefix = bgpvpn.API_PREFIX
    # Read by Neutron under its mangled name: bulk creation is one transaction.
    __native_bulk_support = True

    def __init__(self) -> None:
        neutron_extensions.append_api_extensions_path(list(extensions.__path__))
        super().__init__()
        self._options = read_options(cfg.CONF)
        self._patience = conditions.patience_of(self._options)
        self._driver = load_driver(self._options.driver)
        self._waker = Waker(_transport)
        self._events = NeutronEvents(self._waker)

    def get_plugin_type(self) -> str:
        """Return the name under which Neutron's directory has this plug-in."""
        return str(bgpvpn.ALIAS)

    def get_plugin_description(self) -> str:
        """Return a sentence for ``openstack network service provider list``."""
        return "Isthmus: MPLS VPNs between OpenStack clouds"

    def get_workers(self) -> list[Any]:
        """Return the worker, as a process of neutron-periodic-workers."""
        listener = WorkerService(self._make_worker, _transport, cfg.CONF.host)
        return [service.RpcWorker([listener], worker_process_count=1)]

    def _make_worker(self) -> Worker:
        journal = Journal(dispatch.read_due, dispatch.sweep, dispatch.record_refusal)
        makers = ThreadPoolExecutor(self._options.dispatch_threads, "isthmus-attach")
        return Worker(Dispatcher(self._driver, makers), journal, self._options)

    def start_rpc_listeners(self) -> list[Any]:
        """Take agents' reports, in neutron-rpc-server."""
        endpoint = ReportEndpoint(reports.Reports(self._driver))
        return [start_server(_transport(), contract.SERVER_TOPIC, cfg.CONF.host, endpoint)]

    # VPNs

    def create_bgpvpn(self, context: Context, bgpvpn: Mapping[str, Any]) -> views.View:
        """Record a VPN."""
        return self.create_bgpvpn_bulk(context, {"bgpvpns": [bgpvpn]})[0]

    def create_bgpvpn_bulk(self, context: Context, bgpvpns: Mapping[str, Any]) -> list[views.View]:
        """Record VPNs, all or none."""
        with refusals_answered():
            wanted = [requests.read_new_vpn(item["bgpvpn"]) for item in bgpvpns["bgpvpns"]]
        with db_api.CONTEXT_WRITER.using(context):
            ids = [uuidutils.generate_uuid() for _ in wanted]
            for vpn_id, vpn in zip(ids, wanted, strict=True):
                vpns.create(context, vpn_id, vpn.columns, vpn.targets, vpn.rds or ())
            journal.append(context, ids)
            records = {record.id: record for record in vpns.read(context, vpn_ids=ids)}
            made = self._view_vpns(context, [records[vpn_id] for vpn_id in ids], None, None)
        self._waker.wake()
        return made

    def get_bgpvpns(
        self, context: Context, filters: Filters = None, fields: Fields = None
    ) -> list[views.View]:
        """Return the VPNs the caller may see."""
        ids = (filters or {}).get("id")
        with db_api.CONTEXT_READER.using(context):
            records = vpns.read(context, vpn_ids=ids, project_id=_own_project(context))
            return self._view_vpns(context, records, filters, fields)

    def get_bgpvpn(self, context: Context, id: str, fields: Fields = None) -> views.View:  # noqa: A002
        """Return a VPN."""
        with db_api.CONTEXT_READER.using(context):
            return self._view_vpns(context, [_read_vpn(context, id)], None, fields)[0]

    def update_bgpvpn(
        self,
        context: Context,
        id: str,  # noqa: A002  Neutron calls by this name
        bgpvpn: Mapping[str, Any],
    ) -> views.View:
        """Change a VPN; route targets are replaced, not added."""
        with refusals_answered():
            wanted = requests.read_vpn_change(bgpvpn["bgpvpn"])
        with db_api.CONTEXT_WRITER.using(context):
            vpns.lock(context, id)
            record = _read_vpn(context, id)
            vpns.update(context, id, wanted.columns)
            if wanted.changes_targets:
                vpns.replace_targets(context, id, wanted.targets_over(record.targets))
            if wanted.rds is not None:
                vpns.replace_rds(context, id, wanted.rds)
            if wanted.changes_intent:
                journal.append(context, [id])
            view = self._view_vpns(context, [_read_vpn(context, id)], None, None)[0]
        if wanted.changes_intent:
            self._waker.wake()
        return view

    def delete_bgpvpn(self, context: Context, id: str) -> None:  # noqa: A002
        """Remove a VPN and its associations."""
        with db_api.CONTEXT_WRITER.using(context):
            vpns.lock(context, id)
            _read_vpn(context, id)
            vpns.delete(context, id)
            journal.append(context, [id])
        self._waker.wake()

    def _view_vpns(
        self, context: Context, records: Sequence[VpnRecord], filters: Filters, fields: Fields
    ) -> list[views.View]:
        evidence = {}
        if views.wants_status(fields, filters):
            evidence = conditions.read_evidence(context, records)
        return views.select(
            (
                views.view_vpn(
                    record,
                    compile_status(evidence[record.id], self._patience) if evidence else None,
                    is_operator=context.is_admin,
                )
                for record in records
            ),
            filters,
            fields,
        )

    # Network associations

    def create_bgpvpn_network_association(
        self, context: Context, bgpvpn_id: str, network_association: Mapping[str, Any]
    ) -> views.View:
        """Put a network into a VPN."""
        bodies = {"network_associations": [network_association]}
        return self.create_bgpvpn_network_association_bulk(context, bgpvpn_id, bodies)[0]

    def create_bgpvpn_network_association_bulk(
        self, context: Context, bgpvpn_id: str, network_associations: Mapping[str, Any]
    ) -> list[views.View]:
        """Put networks into a VPN, all or none."""
        bodies = [
            item["network_association"] for item in network_associations["network_associations"]
        ]
        core = directory.get_plugin()
        networks = [core.get_network(context, body["network_id"]) for body in bodies]
        with refusals_answered(), db_api.CONTEXT_WRITER.using(context):
            vpns.lock(context, bgpvpn_id)
            made = []
            for network in networks:
                vpn = _read_vpn(context, bgpvpn_id)
                requests.check_association(context, vpn, network)
                made.append(
                    AssociationRecord(
                        uuidutils.generate_uuid(), vpn.project_id, vpn.id, network["id"]
                    )
                )
                vpns.create_association(context, made[-1])
            journal.append(context, [bgpvpn_id])
            result = self._view_associations(context, bgpvpn_id, made, None, None)
        self._waker.wake()
        return result

    def get_bgpvpn_network_associations(
        self, context: Context, bgpvpn_id: str, filters: Filters = None, fields: Fields = None
    ) -> list[views.View]:
        """Return the networks in a VPN."""
        with db_api.CONTEXT_READER.using(context):
            _read_vpn(context, bgpvpn_id)
            records = vpns.read_associations(context, vpn_id=bgpvpn_id)
            return self._view_associations(context, bgpvpn_id, records, filters, fields)

    def get_bgpvpn_network_association(
        self,
        context: Context,
        id: str,  # noqa: A002  Neutron calls by this name
        bgpvpn_id: str,
        fields: Fields = None,
    ) -> views.View:
        """Return a network association."""
        with db_api.CONTEXT_READER.using(context):
            record = _read_association(context, id, bgpvpn_id)
            return self._view_associations(context, bgpvpn_id, [record], None, fields)[0]

    def update_bgpvpn_network_association(
        self,
        context: Context,
        id: str,  # noqa: A002  Neutron calls by this name
        bgpvpn_id: str,
        network_association: Mapping[str, Any],
    ) -> views.View:
        """Return a network association: none of its attributes can be changed."""
        del network_association
        return self.get_bgpvpn_network_association(context, id, bgpvpn_id)

    def delete_bgpvpn_network_association(self, context: Context, id: str, bgpvpn_id: str) -> None:  # noqa: A002
        """Take a network out of a VPN."""
        with db_api.CONTEXT_WRITER.using(context):
            vpns.lock(context, bgpvpn_id)
            _read_association(context, id, bgpvpn_id)
            vpns.delete_association(context, id)
            journal.append(context, [bgpvpn_id])
        self._waker.wake()

    def _view_associations(
        self,
        context: Context,
        vpn_id: str,
        records: Sequence[AssociationRecord],
        filters: Filters,
        fields: Fields,
    ) -> list[views.View]:
        evidence = None
        if records and views.wants_status(fields, filters):
            vpn = _read_vpn(context, vpn_id)
            evidence = conditions.read_evidence(context, [vpn])[vpn_id]
        return views.select(
            (
                views.view_association(
                    record,
                    conditions.condition_of_network(evidence, record.network_id, self._patience)
                    if evidence
                    else None,
                    is_operator=context.is_admin,
                )
                for record in records
            ),
            filters,
            fields,
        )

    # Router associations: there are none yet

    def create_bgpvpn_router_association(
        self, context: Context, bgpvpn_id: str, router_association: Mapping[str, Any]
    ) -> views.View:
        """Refuse: networks are associated one by one until routers can be."""
        del context, bgpvpn_id, router_association
        with refusals_answered():
            raise InvalidValue(
                "Router associations are not supported yet. Associate the networks instead."
            )

    def create_bgpvpn_router_association_bulk(
        self, context: Context, bgpvpn_id: str, router_associations: Mapping[str, Any]
    ) -> views.View:
        """Refuse, as for one."""
        return self.create_bgpvpn_router_association(context, bgpvpn_id, router_associations)

    def get_bgpvpn_router_associations(
        self, context: Context, bgpvpn_id: str, filters: Filters = None, fields: Fields = None
    ) -> list[views.View]:
        """Return nothing: there can be none."""
        del filters, fields
        with db_api.CONTEXT_READER.using(context):
            _read_vpn(context, bgpvpn_id)
        return []

    def get_bgpvpn_router_association(
        self,
        context: Context,
        id: str,  # noqa: A002  Neutron calls by this name
        bgpvpn_id: str,
        fields: Fields = None,
    ) -> views.View:
        """Answer that there is none."""
        del context, fields
        raise AssociationNotFound(id=id, vpn_id=bgpvpn_id)

    def update_bgpvpn_router_association(
        self,
        context: Context,
        id: str,  # noqa: A002  Neutron calls by this name
        bgpvpn_id: str,
        router_association: Mapping[str, Any],
    ) -> views.View:
        """Answer that there is none."""
        del router_association
        return self.get_bgpvpn_router_association(context, id, bgpvpn_id)

    def delete_bgpvpn_router_association(self, context: Context, id: str, bgpvpn_id: str) -> None:  # noqa: A002
        """Answer that there is none."""
        self.get_bgpvpn_router_association(context, id, bgpvpn_id)


def _own_project(context: Context) -> str | None:
    return None if context.is_admin else str(context.project_id)


def _read_vpn(context: Context, vpn_id: str) -> VpnRecord:
    """Return a VPN the caller may see.

    Raises:
        VpnNotFound: there is none, or it is another project's.
    """
    found = vpns.read(context, vpn_ids=[vpn_id], project_id=_own_project(context))
    if not found:
        raise VpnNotFound(id=vpn_id)
    return found[0]


def _read_association(context: Context, association_id: str, vpn_id: str) -> AssociationRecord:
    """Return an association of a VPN the caller may see.

    Raises:
        VpnNotFound: no such VPN.
        AssociationNotFound: no such association of it.
    """
    _read_vpn(context, vpn_id)
    found = vpns.read_associations(context, association_id=association_id, vpn_id=vpn_id)
    if not found:
        raise AssociationNotFound(id=association_id, vpn_id=vpn_id)
    return found[0]
