# SPDX-License-Identifier: Apache-2.0
"""Many clients and two workers at once, on a real database."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from isthmus.config.plugin import PluginOptions

if TYPE_CHECKING:
    from isthmus.plugin.worker import Worker
    from tests.cloud import Cloud

OPTIONS = PluginOptions(
    attachment_mode="distributed",
    driver="noop",
    poll_interval_s=0.2,
    resync_interval_s=3600,
    dispatch_threads=4,
    retry_interval_s=0.2,
    max_retry_interval_s=2,
    pe_down_time_s=75,
    report_time_s=30,
)
RED = "red-project"
CLIENTS, VPNS, NETWORKS = 8, 5, 10


@pytest.fixture
def workers(cloud: Cloud) -> Iterator[list[Worker]]:
    """Two workers, as of two controllers."""
    from isthmus.plugin.dispatch import Dispatcher, read_due, record_refusal, sweep
    from isthmus.plugin.worker import Journal, Worker

    makers = ThreadPoolExecutor(4)
    journal = Journal(read_due, partial(sweep, cloud.plugin._transits), record_refusal)
    running = [
        Worker(
            Dispatcher(cloud.load_driver("noop"), makers, cloud.plugin._transits), journal, OPTIONS
        )
        for _ in range(2)
    ]
    for worker in running:
        worker.start()
    yield running
    for worker in running:
        worker.stop()
    makers.shutdown()


def eventually(holds: Callable[[], object], seconds: float = 60) -> None:
    """Wait until something holds."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.1)


@pytest.mark.usefixtures("workers")
def test_fifty_associations_by_eight_clients_leave_nothing(cloud: Cloud) -> None:
    """No 5xx, one attachment per network, and none in the end."""
    vpns = [cloud.vpn(route_targets=[f"64500:{n}"])["id"] for n in range(VPNS)]
    networks = [cloud.network(f"10.{n}.0.0/24") for n in range(NETWORKS)]
    cloud.host("pe-1")
    pairs = [(vpn_id, network_id) for vpn_id in vpns for network_id in networks]
    random.Random(7).shuffle(pairs)  # noqa: S311  the same disorder each time

    def make(pair: tuple[str, str]) -> str:
        answer = cloud.associate(*pair)
        assert answer.status == 201, answer
        path = f"/bgpvpn/bgpvpns/{pair[0]}/network_associations/"
        return path + str(answer["network_association"]["id"])

    with ThreadPoolExecutor(CLIENTS) as clients:
        made = list(clients.map(make, pairs))
        eventually(lambda: all(cloud.status(vpn_id)[0] == "ACTIVE" for vpn_id in vpns))
        assert len(cloud.attachments()) == NETWORKS
        answers = list(clients.map(lambda path: cloud.request("DELETE", path, project=RED), made))
    assert {answer.status for answer in answers} == {204}
    eventually(lambda: not cloud.attachments())
    for vpn_id in vpns:
        assert cloud.request("DELETE", f"/bgpvpn/bgpvpns/{vpn_id}").status == 204
    eventually(lambda: not cloud.leftovers())
    for network_id in networks:
        assert cloud.request("DELETE", f"/networks/{network_id}", project=RED).status == 204


@pytest.mark.usefixtures("workers")
def test_coming_and_going_at_once_ends_as_it_was_last_wanted(cloud: Cloud) -> None:
    """Clients that undo each other's work: the state decides, not the history."""
    vpn_id, network_id = cloud.vpn()["id"], cloud.network("10.1.0.0/24")
    other_id = cloud.vpn(route_targets=["64500:2"])["id"]

    def toggle(number: int) -> None:
        chosen = (vpn_id, other_id)[number % 2]
        made = cloud.associate(chosen, network_id)
        assert made.status in {201, 409}, made
        if made.status == 201 and number % 3:
            path = f"/bgpvpn/bgpvpns/{chosen}/network_associations/"
            path += made["network_association"]["id"]
            assert cloud.request("DELETE", path, project=RED).status == 204

    with ThreadPoolExecutor(CLIENTS) as clients:
        list(clients.map(toggle, range(24)))
    wanted = any(
        cloud.request("GET", f"/bgpvpn/bgpvpns/{v}")["bgpvpn"]["networks"]
        for v in (vpn_id, other_id)
    )
    eventually(lambda: "isthmus_journal" not in cloud.leftovers())
    assert len(cloud.attachments()) == (1 if wanted else 0)
    for chosen in (vpn_id, other_id):
        cloud.request("DELETE", f"/bgpvpn/bgpvpns/{chosen}")
    eventually(lambda: not cloud.leftovers())
    assert cloud.attachments() == []


class After(Executor):
    """Does what it is given once an event has happened."""

    def __init__(self, event: threading.Event) -> None:
        self._event = event
        self._threads = ThreadPoolExecutor(1)

    def submit(self, fn: Any, /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Do it later."""

        def later() -> Any:
            assert self._event.wait(10)
            return fn(*args, **kwargs)

        return self._threads.submit(later)


def test_pes_are_told_of_an_attachment_while_its_port_is_made(cloud: Cloud) -> None:
    """With the id and the MAC the port then has."""
    from isthmus.plugin.dispatch import Dispatcher
    from tests.fakes.driver import FlakyDriver

    vpn_id, network_id = cloud.vpn()["id"], cloud.network("10.1.0.0/24")
    cloud.associate(vpn_id, network_id)
    told = threading.Event()
    driver = FlakyDriver(cloud.load_driver("noop"))
    driver.before_apply = told.set
    Dispatcher(driver, After(told), cloud.plugin._transits).dispatch(vpn_id)
    (intent,) = driver.applied
    (attachment,) = intent.attachments
    (port,) = cloud.attachments()
    assert (attachment.port_id, attachment.mac) == (port["id"], port["mac_address"])


def test_an_attachment_that_can_not_be_made_is_taken_back(cloud: Cloud) -> None:
    """PEs told too early are told again."""
    from isthmus.model.errors import IntentConflict
    from isthmus.plugin.dispatch import Dispatcher
    from tests.fakes.driver import FlakyDriver

    vpn_id, network_id = cloud.vpn()["id"], cloud.network("10.1.0.0/24")
    cloud.associate(vpn_id, network_id)
    body = {"network_id": network_id, "fixed_ips": [{"ip_address": "10.1.0.1"}]}
    cloud.made(cloud.request("POST", "/ports", {"port": body}, RED), "port")
    told = threading.Event()
    driver = FlakyDriver(cloud.load_driver("noop"))
    driver.before_apply = told.set
    with pytest.raises(IntentConflict):
        Dispatcher(driver, After(told), cloud.plugin._transits).dispatch(vpn_id)
    assert [len(intent.attachments) for intent in driver.applied] == [1, 0]
    assert cloud.status(vpn_id)[0] == "PENDING"


def test_two_networks_that_overlap_never_get_in_together(cloud: Cloud) -> None:
    """Whoever asks at the same moment: the VPN's row is locked while it is decided."""
    vpn_id = cloud.vpn()["id"]
    networks = [cloud.network("10.1.0.0/24") for _ in range(CLIENTS)]
    with ThreadPoolExecutor(CLIENTS) as clients:
        answers = list(clients.map(lambda n: cloud.associate(vpn_id, n), networks))
    assert sorted(answer.status for answer in answers) == [201] + [409] * (CLIENTS - 1)


def test_the_same_association_at_once_is_made_once(cloud: Cloud) -> None:
    """The others are told that it is there."""
    vpn_id, network_id = cloud.vpn()["id"], cloud.network("10.1.0.0/24")
    with ThreadPoolExecutor(CLIENTS) as clients:
        answers = list(clients.map(lambda _: cloud.associate(vpn_id, network_id), range(CLIENTS)))
    assert sorted(answer.status for answer in answers) == [201] + [409] * (CLIENTS - 1)


def test_text_of_any_plane_is_kept_or_refused(cloud: Cloud) -> None:
    """Never an error of the database."""
    body = {"project_id": RED, "name": "東京"}
    made = cloud.request("POST", "/bgpvpn/bgpvpns", {"bgpvpn": body})
    assert made.status == 201
    assert made["bgpvpn"]["name"] == "東京"
    # Neutron's own tables hold quotas by project.
    body["project_id"] = "🚂"
    assert cloud.request("POST", "/bgpvpn/bgpvpns", {"bgpvpn": body}).status == 400
