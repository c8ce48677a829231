# SPDX-License-Identifier: Apache-2.0
"""What no VPN needs any more: removed once, by one worker, and in nobody's way if it can't be."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.contract.associations import RED, associate, dissociate
from tests.contract.routers import joined, router, transit_networks

if TYPE_CHECKING:
    from tests.cloud import Cloud


@pytest.fixture
def associated(cloud: Cloud) -> tuple[str, str]:
    """A VPN and a router in it, dispatched."""
    cloud.host("pe-1")
    router_id = router(cloud, cloud.network("10.1.0.0/24"))
    vpn_id = joined(cloud, router_id)
    cloud.dispatch()
    return vpn_id, router_id


class Stubborn:
    """The L3 plug-in, which takes no interface away."""

    def __init__(self, l3: Any) -> None:
        self._l3 = l3
        self.asked = 0

    def remove_router_interface(self, *_: Any) -> None:
        """Refuse."""
        self.asked += 1
        raise RuntimeError("the switch does not answer")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._l3, name)


@pytest.fixture
def stubborn(monkeypatch: pytest.MonkeyPatch, cloud: Cloud) -> Stubborn:
    """Neutron as it is while OVN does not answer."""
    from isthmus.plugin import transit

    del cloud
    stubborn = Stubborn(transit._l3())
    monkeypatch.setattr(transit, "_l3", lambda: stubborn)
    monkeypatch.setattr(transit, "_PATIENCE_S", 0.0)
    return stubborn


def test_what_cant_be_removed_keeps_no_vpn_waiting(
    cloud: Cloud, associated: tuple[str, str], stubborn: Stubborn
) -> None:
    """A leftover is tried again with the next change; every VPN gets where it is to."""
    vpn_id, _ = associated
    dissociate(cloud, vpn_id, "router")
    cloud.dispatch()
    assert stubborn.asked
    assert cloud.status(vpn_id)[0] == "ACTIVE"
    other = cloud.vpn(route_targets=["64500:2"])["id"]
    assert cloud.associate(other, cloud.network("10.2.0.0/24")).status == 201
    cloud.dispatch()
    assert cloud.status(other)[0] == "ACTIVE"
    assert len(transit_networks(cloud)) == 1


def test_what_another_worker_removes_is_left_to_it(
    cloud: Cloud, associated: tuple[str, str], stubborn: Stubborn
) -> None:
    """Until its claim runs out."""
    from isthmus.db import transits
    from isthmus.plugin import transactions

    vpn_id, router_id = associated
    dissociate(cloud, vpn_id, "router")
    cloud.dispatch()
    before = stubborn.asked
    assert transactions.write(transits.claim_removal, router_id) is not None
    assert transactions.write(transits.claim_removal, router_id) is None
    cloud.plugin._transits.remove_unused()
    assert stubborn.asked == before


def test_a_router_associated_while_its_transit_network_goes_gets_another(
    cloud: Cloud, associated: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its VPN waits for the removal, and is looked at again."""
    from isthmus.db import transits
    from isthmus.model.errors import InOtherHands
    from isthmus.plugin import transactions, transit

    vpn_id, router_id = associated
    (old,) = transit_networks(cloud)
    monkeypatch.setattr(transit, "_PATIENCE_S", 0.0)
    dissociate(cloud, vpn_id, "router")
    going = transactions.write(transits.claim_removal, router_id)
    assert going is not None
    associate(cloud, vpn_id, "router", router_id)
    with pytest.raises(InOtherHands):
        cloud.dispatch()
    cloud.plugin._transits._remove(going)
    cloud.dispatch()
    (new,) = transit_networks(cloud)
    assert new["id"] != old["id"]
    # Somebody whose claim ran out before he was done does the new one no harm.
    cloud.plugin._transits._remove(going)
    assert cloud.plugin._transits.remove_unused() == []
    cloud.dispatch()
    assert cloud.status(vpn_id)[0] == "ACTIVE"
    assert transit_networks(cloud) == [new]


def test_one_that_no_row_knows_of_goes_with_its_interface(
    cloud: Cloud, associated: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The router can be deleted afterwards."""
    from isthmus.db import transits
    from isthmus.plugin import transactions, transit

    vpn_id, router_id = associated
    (orphan,) = transit_networks(cloud)
    monkeypatch.setattr(transit, "_PATIENCE_S", 0.0)
    dissociate(cloud, vpn_id, "router")
    transactions.write(transits.forget, router_id, orphan["id"])
    assert len(transit_networks(cloud)) == 1
    cloud.check_all()
    cloud.check_all()
    assert transit_networks(cloud) == []
    assert cloud.request("GET", f"/routers/{router_id}")["router"]["routes"] == []


def test_a_port_made_for_a_network_that_is_taken_out_meanwhile_goes_again(cloud: Cloud) -> None:
    """Whoever deletes the network takes its attachment away, which is still being made."""
    from isthmus.db import neutron_facts
    from isthmus.plugin import attach, transactions

    network_id = cloud.network("10.2.0.0/24")
    (network,) = transactions.read(neutron_facts.read_networks, [network_id]).values()
    make = attach.ensure(network, None)
    assert make is not None
    port_id = claimed(network_id)
    attach.remove(network_id, port_id)
    make()
    assert cloud.attachments() == []
    assert cloud.request("DELETE", f"/networks/{network_id}", project=RED).status == 204


def test_a_port_that_comes_between_its_removal_and_its_rows_goes_too(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The worker that made it still saw the row."""
    from isthmus.db import neutron_facts
    from isthmus.plugin import attach, transactions

    network_id = cloud.network("10.1.0.0/24")
    (network,) = transactions.read(neutron_facts.read_networks, [network_id]).values()
    make = attach.ensure(network, None)
    assert make is not None
    forget = attach._forget

    def made_meanwhile(*row: str) -> None:
        make()
        forget(*row)

    monkeypatch.setattr(attach, "_forget", made_meanwhile)
    attach.remove(network_id, claimed(network_id))
    assert cloud.attachments() == []


def claimed(network_id: str) -> str:
    """The id the port of a network's attachment has, or is to have."""
    from isthmus.db import attachments
    from isthmus.plugin import transactions

    return str(transactions.read(attachments.read, [network_id])[network_id].port_id)
