# SPDX-License-Identifier: Apache-2.0
"""The workers of neutron-periodic-workers: one dispatches VPNs, one realises VTNs.

A VTN that was realised has a VPN to dispatch, and a VPN that was dispatched may have a VTN whose
status is another now; each wakes the other.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial

from isthmus.config.plugin import PluginOptions
from isthmus.drivers.base import VpnDriver
from isthmus.plugin import conditions, dispatch
from isthmus.plugin.dispatch import Dispatcher
from isthmus.plugin.transit import Transits
from isthmus.plugin.vtn.realise.realiser import Realiser, RealiserOptions
from isthmus.plugin.vtn.realise.watch import Watch
from isthmus.plugin.worker import Journal, Worker


class _AndThen:
    """Dispatches, then wakes another worker."""

    def __init__(self, dispatcher: Dispatcher, other: Worker) -> None:
        self._dispatcher = dispatcher
        self._other = other

    def dispatch(self, item_id: str, /) -> None:
        """Dispatch a VPN."""
        try:
            self._dispatcher.dispatch(item_id)
        finally:
            self._other.wake()


def make_workers(options: PluginOptions, driver: VpnDriver, transits: Transits) -> list[Worker]:
    """Make the workers; none is started."""
    makers = ThreadPoolExecutor(options.dispatch_threads, "isthmus-attach")
    dispatcher = Dispatcher(driver, makers, transits, options.attachment_mode)
    vpns: list[Worker] = []
    realiser = Realiser(realiser_options(options), lambda: vpns[0].wake())
    watch = Watch(options.site_name, conditions.patience_of(options))
    vtns = Worker(
        realiser,
        Journal(watch.read_due, watch.sweep, realiser.record_refusal, kind="vtn"),
        options,
    )
    sweep = partial(dispatch.sweep, transits)
    journal = Journal(dispatch.read_due, sweep, dispatch.record_refusal)
    vpns.append(Worker(_AndThen(dispatcher, vtns), journal, options))
    return [*vpns, vtns]


def realiser_options(options: PluginOptions) -> RealiserOptions:
    """Return what an operator chose for VTNs."""
    return RealiserOptions(options.site_name, conditions.patience_of(options), options.vtn_drift)
