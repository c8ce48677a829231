# SPDX-License-Identifier: Apache-2.0
"""An invitation lets in whom it was made for, once, and nobody else."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from isthmus.db.vtn.sites import Asked, State
from isthmus.interconnect.certificates import authority as certificates
from isthmus.interconnect.peering.client import PeeringClient, PeeringUnreachable
from isthmus.interconnect.peering.messages import Join
from isthmus.model import invitation as inviting
from isthmus.model.errors import InvalidValue, NotPermitted
from tests.functional.interconnect.conftest import Site, eventually
from tests.intruders.guest import Guest

pytestmark = [pytest.mark.functional, pytest.mark.timeout(240)]


def test_an_invitation_is_not_found_in_the_tables(sites: Callable[[str], Site]) -> None:
    """Neither its secret nor a private key stands anywhere in clear."""
    west, east = sites("west"), sites("east")
    text = west.ledger.invite("west", "east")
    token = inviting.decode(text).token
    east.ledger.accept(text)
    eventually(lambda: west.state_of("east") is State.PENDING)
    eventually(lambda: token not in str(vars(east.ledger)) and text not in _all(east))
    for site in (west, east):
        assert token not in _all(site)
        assert "PRIVATE KEY" not in _all(site)
    west.ledger.ask("east", Asked.CONFIRM)
    eventually(lambda: east.state_of("west") is State.CONFIRMED)
    for site in (west, east):
        assert token not in _all(site)
        assert "PRIVATE KEY" not in _all(site)


def _all(site: Site) -> str:
    rows = site.ledger.sites.values()
    return " ".join(f"{row.exchange} {row.private_key} {row.reason} {row.ca}" for row in rows)


def test_a_wrong_invitation_is_refused(sites: Callable[[str], Site]) -> None:
    """With a sentence, and nothing changes."""
    west = sites("west")
    guest = Guest(west.ledger.invite("west", "east"))
    guest.forge()
    with pytest.raises(NotPermitted, match="knows no such invitation"):
        guest.join()
    assert west.state_of("east") is State.INVITED


def test_an_expired_invitation_is_refused(sites: Callable[[str], Site]) -> None:
    """Also when the one that carries it has another idea of the time."""
    west, east = sites("west"), sites("east")
    text = west.ledger.invite("west", "east", expires_in_s=-1)
    with pytest.raises(NotPermitted, match="has expired"):
        Guest(text).join()
    east.ledger.accept(text)
    eventually(lambda: east.state_of("west") is State.REVOKED)
    assert "has expired" in east.ledger.sites["west"].reason
    assert west.state_of("east") is State.INVITED


def test_a_used_invitation_is_refused(pair: tuple[Site, Site]) -> None:
    """Once both are peers, it is worth nothing to anybody else."""
    west, _east = pair
    text = west.ledger.invite("west", "north")
    first, second = Guest(text, "north"), Guest(text, "north")
    first.join()
    first.join()
    with pytest.raises(NotPermitted, match="used already"):
        second.join()


def test_a_stolen_invitation_is_seen_and_does_not_let_the_thief_in(
    sites: Callable[[str], Site],
) -> None:
    """Who comes second is told, and so is who invited; what the thief got is not confirmed."""
    west, east = sites("west"), sites("east")
    text = west.ledger.invite("west", "east")
    thief = Guest(text)
    thief.join()
    east.ledger.accept(text)
    eventually(lambda: east.state_of("west") is State.REVOKED)
    assert "stolen" in east.ledger.sites["west"].reason
    assert any("may have been stolen" in told for _, told in west.ledger.events)
    # The fingerprint is the thief's, not what east's operator reads to west's.
    assert certificates.fingerprint(east.own.authority.certificate) not in (
        west.ledger.sites["east"].reason
    )
    west.ledger.revoke("east")
    with pytest.raises(NotPermitted, match="taken back"):
        thief.join()


def test_an_invitation_is_for_one_name(sites: Callable[[str], Site]) -> None:
    """Another site that got hold of it can't use it."""
    west = sites("west")
    text = west.ledger.invite("west", "east")
    with pytest.raises(NotPermitted, match="another name"):
        Guest(text, "north").join()


def test_an_invitation_that_was_taken_back_is_refused(sites: Callable[[str], Site]) -> None:
    """As if it had never been."""
    west = sites("west")
    guest = Guest(west.ledger.invite("west", "east"))
    west.ledger.invite("west", "east")
    with pytest.raises(NotPermitted, match="another was made since"):
        guest.join()


def test_a_site_that_answers_for_another_is_not_believed(sites: Callable[[str], Site]) -> None:
    """The invitation says whose authority it has to be."""
    west, north = sites("west"), sites("north")
    said = inviting.decode(west.ledger.invite("west", "east"))
    client = PeeringClient(f"127.0.0.1:{north.service.port}", said.ca)
    guest = Guest(inviting.encode(said))
    with pytest.raises(PeeringUnreachable, match="certificate"):
        client.join(Join(said.token, guest.introduction))


@pytest.mark.parametrize(
    "change",
    [
        {"ca": "garbage"},
        {"request": "garbage"},
        {"etcd": ("http://192.0.2.66:2379",)},
        {"etcd": ("file:///etc/passwd",)},
        {"peering_endpoint": "nowhere"},
        {"as_number": 0},
        {"etcd": ()},
    ],
)
def test_what_can_t_be_is_refused_before_the_invitation_is_used(
    sites: Callable[[str], Site], change: dict[str, object]
) -> None:
    """It stays good for who can use it."""
    west = sites("west")
    guest = Guest(west.ledger.invite("west", "east"))
    good = guest.introduction
    guest.introduction = replace(good, **change)  # type: ignore[arg-type]  # on purpose
    with pytest.raises(NotPermitted, match="refuses"):
        guest.join()
    guest.introduction = good
    guest.join()
    assert west.state_of("east") is State.PENDING


def test_a_damaged_invitation_is_refused_where_it_is_accepted(
    sites: Callable[[str], Site],
) -> None:
    """Before anybody is asked."""
    text = sites("west").ledger.invite("west", "east")
    for damaged in (text[:-20], text.replace("isthmus", "Isthmus"), "", "x" * 100):
        with pytest.raises(InvalidValue):
            inviting.decode(damaged)
