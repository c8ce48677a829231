# SPDX-License-Identifier: Apache-2.0
"""A region in a process of its own: ``python -m tests.walks.region <site> <peer> <folder>``.

Neutron's real API, plug-in and realisation, served on loopback. In place of etcd sites have files:
what a site publishes is in ``<site>.documents``, and its peer reads it unless ``<site>.gone`` is
there. One compute host, ``<site>-1``, is a PE that puts in force what it is told; ``<site>-2`` has
no PE. ``<site>.url`` says where it is, ``elsewhere`` what else is in the catalog, and
``<site>.empty`` has it forget everything, until it hears its peer.
"""

from __future__ import annotations

import json
import os
import sys
import time
import traceback
import warnings
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

from oslo_service.backend import BackendType, init_backend

init_backend(BackendType.THREADING)

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from neutron_lib import context as neutron_context
    from neutron_lib.db import api as db_api
    from oslo_utils import timeutils

    from isthmus.db import membership, models
    from isthmus.db.vtn import sites
    from isthmus.model.report import NeighborReport, PeReport, VrfReport
    from isthmus.model.vtn import documents as model
    from isthmus.model.vtn import encoding
    from isthmus.model.vtn.status import Liveness
    from isthmus.plugin import transactions
    from isthmus.plugin.reports import Reports
    from tests.cloud import Cloud
    from tests.served import serve
    from tests.vtn_site import Peer, Region
    from tests.walks.projects import PROJECTS

_ADDRESSES = {"west": "192.0.2.11", "east": "192.0.2.21"}
_POOLS = {"west": "64500:100000-100999", "east": "64500:200000-200999"}
_REFLECTOR = IPv4Address("192.0.2.101")
_NOBODY = "00000000-0000-4000-8000-00000000000"


class _Site:
    """A region with its peer and its PE."""

    def __init__(self, cloud: Cloud, name: str, peer: str, folder: Path) -> None:
        self._cloud, self._name, self._peer = cloud, name, Peer(peer)
        self._folder = folder
        self._region = Region(cloud, name)
        # Its messages reach nobody: this PE reads what it is to do, and reports.
        self._driver = cloud.load_driver("pe_rpc")
        self._heard = self._said = ""
        self._is_due = self._is_empty = False

    def wake(self) -> None:
        """Remember that something was asked for."""
        self._is_due = True

    def be(self) -> bool:
        """Do what workers, PE and interconnect would; tell whether the region is there."""
        is_asked_to = self._file("empty").exists()
        if is_asked_to and not self._is_empty:
            self._empty()
        if self._file("gone").exists():
            return False
        told = self._listen()
        if told or self._is_due:
            self._is_due = False
            self._region.work()
            self._serve_vpns()
            if self._region.published():
                # Networks over sites follow the VPNs in them.
                self._region.work()
            self._publish()
            self._answer()
        if is_asked_to and self._heard not in {"", "gone"}:
            self._is_empty = False
            self._file("empty").unlink()
        return True

    def _file(self, kind: str, site: str = "") -> Path:
        return self._folder / f"{site or self._name}.{kind}"

    def _empty(self) -> None:
        self._cloud.empty()
        self._cloud.use_driver(self._driver)
        self._region = Region(self._cloud, self._name)
        for number, (name, state) in enumerate(
            ((self._name, sites.State.OWN), (self._peer.name, sites.State.CONFIRMED))
        ):
            liveness = Liveness.UP if state is sites.State.OWN else Liveness.DOWN
            record = sites.SiteRecord(name, f"{_NOBODY}{number}", state, liveness=liveness)
            transactions.write(sites.create, record)
        for number in (1, 2):
            self._cloud.host(f"{self._name}-{number}")
        self._heard = self._said = ""
        self._is_due = self._is_empty = True
        self._peer = Peer(self._peer.name)

    def _listen(self) -> bool:
        """Hear what the peer says now; tell whether it is news."""
        file = self._file("documents", self._peer.name)
        is_gone = self._file("gone", self._peer.name).exists()
        heard = "gone" if is_gone or not file.exists() else file.read_text()
        if heard == self._heard:
            return False
        self._heard = heard
        now = timeutils.utcnow()
        if heard == "gone":
            self._note(liveness=Liveness.UNREACHABLE, liveness_since=now)
            return True
        bodies = [encoding.decode(*each) for each in json.loads(heard)]
        self._peer.store = {(model.kind_of(each), model.name_of(each)): each for each in bodies}
        self._note(liveness=Liveness.UP, liveness_since=now, heard_at=now)
        self._region.hear(self._peer)
        return True

    def _note(self, **columns: Any) -> None:
        transactions.write(lambda context: sites.update(context, self._peer.name, **columns))

    def _publish(self) -> None:
        said = json.dumps(
            [
                (str(model.kind_of(each)), model.name_of(each), encoding.encode(each))
                for each in (one.document for one in self._region.published())
            ]
        )
        if said != self._said:
            self._said = said
            draft = self._file("draft")
            draft.write_text(said)
            draft.rename(self._file("documents"))

    def _answer(self) -> None:
        """Say that the peer was read anew, if an operator asked for it: it always is."""
        peer = transactions.read(sites.read_one, self._peer.name)
        if peer is not None and peer.asked is sites.Asked.RECOVER:
            self._note(**sites.columns_of_done())

    def _serve_vpns(self) -> None:
        """Have the PE report what it was told in force."""
        context, host = neutron_context.get_admin_context(), f"{self._name}-1"
        with db_api.CONTEXT_READER.using(context):
            vrfs = tuple(
                VrfReport(
                    vpn_id,
                    context.session.get(models.Vpn, vpn_id).generation,
                    is_in_force=True,
                    labels=(1000 + number,),
                    routes_sent=1,
                )
                for number, vpn_id in enumerate(sorted(membership.read_vpns_on_host(context, host)))
            )
        neighbors = (NeighborReport(_REFLECTOR, is_established=True),)
        address = IPv4Address(_ADDRESSES[self._name])
        Reports(self._driver).answer(PeReport(host, address, vrfs, neighbors))


def main(name: str, peer: str, folder: Path) -> None:
    """Serve until the folder has a file ``end``."""
    own = folder / name
    own.mkdir()
    cloud = Cloud(own, f"sqlite:///{own}/neutron.sqlite", name, _POOLS[name])
    site = _Site(cloud, name, peer, folder)
    elsewhere = folder / "elsewhere"
    with serve(cloud) as served:
        served.always, served.identity.projects = site.wake, PROJECTS

        def be() -> None:
            if elsewhere.exists():
                places = json.loads(elsewhere.read_text())
                served.elsewhere = {(kind, region): url for kind, region, url in places}
            try:
                served.is_out = not site.be()
            except Exception:
                # Who asks then is told at once that nobody is there.
                traceback.print_exc()
                os._exit(1)

        served.idly = be
        (folder / f"{name}.url").write_text(served.url)
        while not (folder / "end").exists():
            time.sleep(0.1)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main(sys.argv[1], sys.argv[2], Path(sys.argv[3]))
