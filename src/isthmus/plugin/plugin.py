# SPDX-License-Identifier: Apache-2.0
"""The Neutron service plug-in: what it is made of, and what runs in which process.

Made once in every process of Neutron. What each of them runs:

    API worker                 calls (vpn_calls.py, association_calls.py), Neutron's events
    neutron-rpc-server         Neutron's events, agents' reports
    neutron-periodic-workers   the workers (workers.py), in a process of their own
"""

from __future__ import annotations

from typing import Any

from neutron import service
from neutron.api import extensions as neutron_extensions
from neutron_lib import rpc as neutron_rpc
from neutron_lib.api.definitions import bgpvpn
from neutron_lib.services import base
from oslo_config import cfg
from stevedore import driver as stevedore_driver

from isthmus.api import extensions
from isthmus.api.definitions import (
    bgpvpn_routes_control,
    bgpvpn_vni,
    interconnect_site,
    mpls_vpn,
    rbac_bgpvpn,
    standard_attributes,
    virtual_tenant_network,
)
from isthmus.config.plugin import read_options
from isthmus.db.records import Kind
from isthmus.drivers.base import DriverSetup, VpnDriver
from isthmus.plugin import conditions, quotas, reports, vtn
from isthmus.plugin.association_calls import AssociationCalls
from isthmus.plugin.events import NeutronEvents
from isthmus.plugin.guards import NeutronGuards
from isthmus.plugin.provider_edges import ProviderEdgeCalls
from isthmus.plugin.sharing import SharingGuards
from isthmus.plugin.transit import Transits
from isthmus.plugin.vpn_calls import VpnCalls
from isthmus.plugin.vtn.realise.neutron_events import RealisationEvents
from isthmus.plugin.worker import Worker, WorkerService
from isthmus.plugin.workers import make_workers
from isthmus.rpc import contract
from isthmus.rpc.endpoints import ReportEndpoint, start_server
from isthmus.rpc.senders import Waker


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


class IsthmusPlugin(VpnCalls, ProviderEdgeCalls, base.ServicePluginBase):
    """MPLS VPN as a service: the BGPVPN API and what ``mpls-vpn`` adds to it."""

    supported_extension_aliases = [  # noqa: RUF012
        bgpvpn.ALIAS,
        bgpvpn_routes_control.ALIAS,
        bgpvpn_vni.ALIAS,
        mpls_vpn.ALIAS,
        rbac_bgpvpn.ALIAS,
        *standard_attributes.ALIASES,
        virtual_tenant_network.ALIAS,
        interconnect_site.ALIAS,
    ]
    path_prefix = bgpvpn.API_PREFIX
    # Read by Neutron under its mangled name: bulk creation is one transaction.
    __native_bulk_support = True
    # And lists are sorted and cut by the database.
    __native_sorting_support = True
    __native_pagination_support = True

    def __init__(self) -> None:
        neutron_extensions.append_api_extensions_path(list(extensions.__path__))
        super().__init__()
        self._options = read_options(cfg.CONF)
        quotas.register()
        self._sharing = SharingGuards()
        self._patience = conditions.patience_of(self._options)
        self._driver = load_driver(self._options.driver)
        self._waker = Waker(_transport)
        self._transits = Transits(self._options.transit)
        self._events = NeutronEvents(self._waker)
        self._realisation_events = RealisationEvents(self._waker, self._options.site_name)
        self._guards = NeutronGuards()
        for kind in Kind:
            calls = AssociationCalls(kind, self._waker, self._patience, self._transits)
            for name, method in calls.methods().items():
                setattr(self, name, method)
        for name, method in vtn.calls(self._options, self._waker).items():
            setattr(self, name, method)

    def get_plugin_type(self) -> str:
        """Return the name under which Neutron's directory has this plug-in."""
        return str(bgpvpn.ALIAS)

    def get_plugin_description(self) -> str:
        """Return a sentence for ``openstack network service provider list``."""
        return "Isthmus: MPLS VPNs between OpenStack clouds"

    def get_workers(self) -> list[Any]:
        """Return the workers, as a process of neutron-periodic-workers."""
        listener = WorkerService(self._make_workers, _transport, cfg.CONF.host)
        return [service.RpcWorker([listener], worker_process_count=1)]

    def _make_workers(self) -> list[Worker]:
        return make_workers(self._options, self._driver, self._transits)

    def start_rpc_listeners(self) -> list[Any]:
        """Take agents' reports, in neutron-rpc-server."""
        endpoint = ReportEndpoint(reports.Reports(self._driver))
        return [start_server(_transport(), contract.SERVER_TOPIC, cfg.CONF.host, endpoint)]
