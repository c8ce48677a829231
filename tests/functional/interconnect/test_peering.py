# SPDX-License-Identifier: Apache-2.0
"""Sites become peers by invitation, and a peer reads what is shared and no more."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from isthmus.db.vtn.sites import Asked, State
from isthmus.interconnect.certificates import authority as certificates
from isthmus.interconnect.certificates.authority import make_request
from isthmus.interconnect.store.etcd import EtcdStore
from isthmus.interconnect.store.etcd_client import Credentials, EtcdClient
from isthmus.model.errors import StoreRefused, StoreUnreachable
from tests.functional.interconnect.conftest import Site, eventually, join, reads
from tests.intruders.trespass import trespass

pytestmark = [pytest.mark.functional, pytest.mark.timeout(240)]


def test_two_sites_become_peers_and_each_reads_the_other(pair: tuple[Site, Site]) -> None:
    """Each with a certificate of the other's, whose key it made itself."""
    for one, other in (pair, pair[::-1]):
        other.own_store.write({"/isthmus/v1/vtn/x": b"said"})
        store = one.at(other)
        eventually(lambda store=store: reads(store))  # type: ignore[misc]  # bound early
        assert store.read("/isthmus/").entries["/isthmus/v1/vtn/x"] == b"said"
        record = one.ledger.sites[other.name]
        assert (record.endpoints, record.as_number) == (other.etcd.endpoint, 64500)
        assert record.ca == other.own.authority.certificate.decode()
        assert record.certificate_expires_at is not None


def test_a_peer_reads_what_is_shared_and_nothing_else_and_writes_nothing(
    pair: tuple[Site, Site],
) -> None:
    """Neither elsewhere, nor under the shared prefix, nor as a leader, nor as an administrator."""
    west, east = pair
    west.own_store.write({"/isthmus/v1/vtn/x": b"said", "/isthmus-local/secret": b"own"})
    eventually(lambda: reads(east.at(west)))
    credentials = east.credentials_of("west")
    told = trespass(west.etcd.endpoint, credentials, "/isthmus/v1/vtn/x")
    assert {what: said for what, said in told.items() if "permission denied" not in said} == {}
    assert west.own_store.read("/isthmus/v1/vtn/").entries == {"/isthmus/v1/vtn/x": b"said"}


def test_many_sites_are_peers_of_each_other(sites: Callable[[str], Site]) -> None:
    """Not pairs only."""
    three = [sites(name) for name in ("west", "east", "north")]
    for at, one in enumerate(three):
        for other in three[at + 1 :]:
            join(one, other)
    for one in three:
        for other in three:
            if one is not other:
                store = one.at(other)
                eventually(lambda store=store: reads(store))  # type: ignore[misc]  # bound early


def test_nothing_is_issued_before_an_operator_has_confirmed(
    sites: Callable[[str], Site],
) -> None:
    """Until then each only knows by what the other is known."""
    west, east = sites("west"), sites("east")
    east.ledger.accept(west.ledger.invite("west", "east"))
    eventually(lambda: "has not confirmed" in east.ledger.sites["west"].reason)
    time.sleep(0.5)
    for site, other in ((west, "east"), (east, "west")):
        assert site.state_of(other) is State.PENDING
        assert not site.ledger.sites[other].certificate
    fingerprint = certificates.fingerprint(east.own.authority.certificate)
    assert fingerprint in west.ledger.sites["east"].reason
    assert fingerprint in east.ledger.sites["west"].reason


def test_an_etcd_that_was_made_anew_is_secured_and_lets_its_peers_in(
    pair: tuple[Site, Site],
) -> None:
    """What it lost of users and roles is in the database."""
    west, east = pair
    eventually(lambda: reads(east.at(west)))
    west.etcd.lose_everything()
    eventually(lambda: _is_secured(west) and reads(east.at(west)))
    with pytest.raises(StoreRefused):
        east.at(west).write({"/isthmus/x": b"forged"})


def _is_secured(site: Site) -> bool:
    request = make_request("nobody")
    issued = site.own.authority.issue_to_peer(request.request, "nobody", 1)
    credentials = Credentials(site.own.authority.certificate, issued, request.key)
    client = EtcdClient([site.etcd.endpoint], credentials)
    try:
        EtcdStore(client).read("/isthmus/")
    except StoreRefused:
        return True
    except StoreUnreachable:
        return False
    finally:
        client.close()
    return False


def test_a_site_that_is_away_is_asked_again(sites: Callable[[str], Site]) -> None:
    """An invitation may be accepted while the other can't be reached."""
    west, east = sites("west"), sites("east")
    west.ledger.is_away = True
    text = west.ledger.invite("west", "east")
    east.ledger.accept(text)
    eventually(lambda: "can't answer now" in east.ledger.sites["west"].reason)
    west.ledger.is_away = False
    eventually(lambda: west.state_of("east") is State.PENDING)
    west.ledger.ask("east", Asked.CONFIRM)
    eventually(lambda: east.state_of("west") is State.CONFIRMED)
