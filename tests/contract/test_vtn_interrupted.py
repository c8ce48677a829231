# SPDX-License-Identifier: Apache-2.0
"""A worker that dies at any step is continued: nothing twice, nothing forgotten."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from isthmus.model.report import Status
from isthmus.model.vtn.documents import Operation

if TYPE_CHECKING:
    from tests.cloud import Cloud
    from tests.vtn_site import Region

VPNS = "/bgpvpn/bgpvpns"

# More than there are steps.
MANY = 60


class Killed(BaseException):
    """The process is gone."""


class Fate:
    """Lets so many steps be done, and kills before or after the next; the dead do nothing."""

    def __init__(self, steps: int, *, is_done: bool) -> None:
        self._left = steps
        self._is_done = is_done
        self.has_struck = False

    def over(self, work: Callable[..., Any]) -> Callable[..., Any]:
        """Return a step that may be the last."""

        def step(*arguments: Any, **options: Any) -> Any:
            if self.has_struck:
                raise Killed
            self._left -= 1
            if self._left >= 0:
                return work(*arguments, **options)
            self.has_struck = True
            if self._is_done:
                work(*arguments, **options)
            raise Killed

        return step


@pytest.fixture
def doomed(monkeypatch: pytest.MonkeyPatch) -> Callable[[Fate], pytest.MonkeyPatch]:
    """Have a fate hang over everything the worker writes."""
    from neutron_lib.plugins import directory
    from neutron_lib.plugins import utils as plugin_utils

    from isthmus.db import claims
    from isthmus.plugin import transactions

    # Another worker need not wait for the dead one's claim.
    monkeypatch.setattr(claims, "CLAIM_TIME", claims.CLAIM_TIME * 0)

    def doom(fate: Fate) -> pytest.MonkeyPatch:
        patch = pytest.MonkeyPatch()
        patch.setattr(transactions, "write", fate.over(transactions.write))
        for name in ("create_network", "create_subnet"):
            patch.setattr(plugin_utils, name, fate.over(getattr(plugin_utils, name)))
        core = directory.get_plugin()
        patch.setattr(core, "delete_network", fate.over(core.delete_network))
        return patch

    return doom


def live_until(
    region: Region, vtn_id: str, fate: Fate, doomed: Callable[[Fate], pytest.MonkeyPatch]
) -> None:
    """Have the worker at it until its fate strikes, or it is done."""
    region.start()
    patch = doomed(fate)
    try:
        region.realise(vtn_id)
    except Killed:
        pass
    finally:
        patch.undo()


def test_what_another_worker_is_at_is_left_to_it(west: Region) -> None:
    """Until it is done, or its claim runs out."""
    from isthmus.db.vtn import realisations
    from isthmus.model.errors import InOtherHands
    from isthmus.plugin import transactions

    vtn_id = west.create()
    wanted = west.view(vtn_id).wanted
    assert wanted is not None
    claimed = transactions.write(realisations.claim, vtn_id, wanted.prefixes)
    assert claimed is not None
    with pytest.raises(InOtherHands):
        west.realise(vtn_id)
    assert west.networks() == []
    transactions.write(realisations.release, vtn_id)
    west.realise(vtn_id)
    (network,) = west.networks()
    assert network["id"] == claimed.network_id


@pytest.mark.parametrize("moment", ["before a step", "after a step"])
def test_making_goes_on_where_it_ended(
    cloud: Cloud, west: Region, doomed: Callable[[Fate], pytest.MonkeyPatch], moment: str
) -> None:
    """One network, its subnets, one VPN, one association; and nobody's network beside them."""
    for steps in range(MANY):
        vtn_id = west.create()
        fate = Fate(steps, is_done=moment == "after a step")
        live_until(west, vtn_id, fate, doomed)
        west.start()
        west.check_all()
        (network,) = west.networks()
        assert len(network["subnets"]) == 2
        (vpn,) = cloud.request("GET", VPNS)["bgpvpns"]
        assert vpn["networks"] == [network["id"]]
        said = west.said(vtn_id)
        assert (said.status, said.drift) == (Status.ACTIVE, ()), steps
        west.change(vtn_id, Operation.DELETE)
        west.work()
        assert west.networks() == []
        if not fate.has_struck:
            assert steps > 6
            return
    raise AssertionError("never done")


@pytest.mark.parametrize("moment", ["before a step", "after a step"])
def test_removal_goes_on_where_it_ended(
    cloud: Cloud, west: Region, doomed: Callable[[Fate], pytest.MonkeyPatch], moment: str
) -> None:
    """Nothing is left, not even a row."""
    for steps in range(MANY):
        vtn_id = west.create()
        west.work()
        west.change(vtn_id, Operation.DELETE)
        fate = Fate(steps, is_done=moment == "after a step")
        live_until(west, vtn_id, fate, doomed)
        west.start()
        west.check_all()
        assert west.networks() == []
        assert cloud.request("GET", VPNS)["bgpvpns"] == []
        assert west.record(vtn_id) is None
        if not fate.has_struck:
            assert steps > 2
            return
    raise AssertionError("never done")
