# SPDX-License-Identifier: Apache-2.0
"""Sites become peers by invitation; every other way in is shut."""

from __future__ import annotations

import json
import socket
import ssl
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from isthmus.db.vtn.sites import Asked, State
from isthmus.interconnect.certificates import authority as certificates
from isthmus.interconnect.certificates.authority import make_request, user_of
from isthmus.interconnect.peering.client import PeeringClient, PeeringUnreachable
from isthmus.interconnect.peering.exchange import Exchange
from isthmus.interconnect.peering.messages import Introduction, Join
from isthmus.interconnect.store.access import EtcdAccess
from isthmus.interconnect.store.etcd import EtcdStore
from isthmus.interconnect.store.etcd_client import Credentials, EtcdClient
from isthmus.model import invitation as inviting
from isthmus.model.errors import InvalidValue, NotPermitted, StoreRefused, StoreUnreachable
from tests.functional.interconnect.conftest import Site, eventually, join

pytestmark = [pytest.mark.functional, pytest.mark.timeout(240)]


def reads(store: EtcdStore) -> bool:
    """Tell whether a peer is let in."""
    try:
        store.read("/isthmus/")
    except (StoreRefused, StoreUnreachable):
        return False
    return True


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
    east_there = east.at(west)
    eventually(lambda: reads(east_there))
    attempts: list[Callable[[], object]] = [
        lambda: east_there.read("/isthmus-local/"),
        lambda: east_there.read("/"),
        lambda: east_there.read("/isthmus"),
        lambda: east_there.write({"/isthmus/v1/vtn/x": b"forged"}),
        lambda: east_there.write({"/elsewhere": b"forged"}),
        lambda: east_there.write({}, ["/isthmus/v1/vtn/x"]),
        lambda: east_there.campaign("/isthmus/leader", "east", 60),
        lambda: list(east_there.watch("/", west.own_store.read("/x").position)),
    ]
    for attempt in attempts:
        with pytest.raises(StoreRefused):
            attempt()
    client = EtcdClient([west.etcd.endpoint], east.credentials_of("west"))
    with pytest.raises(StoreRefused):
        EtcdAccess(client).admit("peer.mine")
    with pytest.raises(StoreRefused):
        EtcdAccess(client).secure()
    client.close()
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


class _Guest:
    """Somebody with an invitation, or what it takes for one."""

    def __init__(self, host: Site, text: str, name: str = "east") -> None:
        self._said = inviting.decode(text)
        own = certificates.make_authority(name)
        self.introduction = Introduction(
            name,
            64501,
            own.certificate.decode(),
            ("https://192.0.2.66:2379",),
            "192.0.2.66:2382",
            make_request(name).request.decode(),
        )
        self.client = PeeringClient(f"127.0.0.1:{host.service.port}", self._said.ca)
        self.token = self._said.token

    def join(self) -> object:
        return self.client.join(Join(self.token, self.introduction))


def test_a_wrong_invitation_is_refused(sites: Callable[[str], Site]) -> None:
    """With a sentence, and nothing changes."""
    west = sites("west")
    guest = _Guest(west, west.ledger.invite("west", "east"))
    guest.token = guest.token[:-1] + ("0" if guest.token[-1] != "0" else "1")
    with pytest.raises(NotPermitted, match="knows no such invitation"):
        guest.join()
    assert west.state_of("east") is State.INVITED


def test_an_expired_invitation_is_refused(sites: Callable[[str], Site]) -> None:
    """Also when the one that carries it has another idea of the time."""
    west, east = sites("west"), sites("east")
    text = west.ledger.invite("west", "east", expires_in_s=-1)
    with pytest.raises(NotPermitted, match="has expired"):
        _Guest(west, text).join()
    east.ledger.accept(text)
    eventually(lambda: east.state_of("west") is State.REVOKED)
    assert "has expired" in east.ledger.sites["west"].reason
    assert west.state_of("east") is State.INVITED


def test_a_used_invitation_is_refused(pair: tuple[Site, Site]) -> None:
    """Once both are peers, it is worth nothing to anybody else."""
    west, _east = pair
    text = west.ledger.invite("west", "north")
    first, second = _Guest(west, text, "north"), _Guest(west, text, "north")
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
    thief = _Guest(west, text)
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
        _Guest(west, text, "north").join()


def test_an_invitation_that_was_taken_back_is_refused(sites: Callable[[str], Site]) -> None:
    """As if it had never been."""
    west = sites("west")
    guest = _Guest(west, west.ledger.invite("west", "east"))
    west.ledger.invite("west", "east")
    with pytest.raises(NotPermitted, match="another was made since"):
        guest.join()


def test_a_site_that_answers_for_another_is_not_believed(sites: Callable[[str], Site]) -> None:
    """The invitation says whose authority it has to be."""
    west, north = sites("west"), sites("north")
    said = inviting.decode(west.ledger.invite("west", "east"))
    client = PeeringClient(f"127.0.0.1:{north.service.port}", said.ca)
    guest = _Guest(west, inviting.encode(said))
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
    guest = _Guest(west, west.ledger.invite("west", "east"))
    good = guest.introduction
    guest.introduction = replace(good, **change)  # type: ignore[arg-type]  # on purpose
    with pytest.raises(NotPermitted, match="refuses"):
        guest.join()
    guest.introduction = good
    guest.join()
    assert west.state_of("east") is State.PENDING


def test_certificates_are_renewed_without_a_break(pair: tuple[Site, Site]) -> None:
    """There is no moment at which neither is good; the former one is worthless in the end."""
    west, east = pair
    former = east.credentials_of("west")
    store = east.at(west, former)
    eventually(lambda: reads(store))
    east.ledger.ask("west", Asked.ROTATE)
    refused = 0
    deadline = time.monotonic() + 60
    while reads(store):
        present = east.at(west)
        refused += not reads(present)
        assert time.monotonic() < deadline, "The former certificate is still good."
    assert refused == 0
    assert user_of(east.credentials_of("west").certificate) != user_of(former.certificate)
    assert reads(east.at(west))
    eventually(lambda: east.ledger.sites["west"].asked is Asked.NOTHING)
    assert east.ledger.sites["west"].done_at is not None


def test_an_old_certificate_is_renewed_by_itself(pair: tuple[Site, Site]) -> None:
    """When two thirds of its time are over."""
    west, east = pair
    row = east.ledger.sites["west"]
    request = make_request("east")
    key = east.folder.conceal(request.key)
    aged = _aged(west, request.request, user_of(row.certificate.encode()))
    east.ledger.sites["west"] = replace(row, certificate=aged, private_key=key)
    eventually(lambda: east.ledger.sites["west"].certificate != aged)
    eventually(lambda: reads(east.at(west)))


def _aged(issuer: Site, request: bytes, user: str) -> str:
    """Issue a certificate of ninety days that has one left."""
    now = datetime.now(UTC)
    signer = issuer.own.authority
    certificate = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, user)]))
        .issuer_name(x509.load_pem_x509_certificate(signer.certificate).subject)
        .public_key(x509.load_pem_x509_csr(request).public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=89))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
        .sign(signer._key, hashes.SHA256())
    )
    return certificate.public_bytes(Encoding.PEM).decode()


def _introduction_of(site: Site, request: bytes) -> Introduction:
    return site.own.introduce(Exchange(own_request=request.decode()))


def test_new_endpoints_are_told_with_a_new_certificate(pair: tuple[Site, Site]) -> None:
    """In both directions; another authority is not."""
    west, east = pair
    credentials = east.credentials_of("west")
    eventually(lambda: reads(east.at(west)))
    said = _introduction_of(east, make_request("east").request)
    client = PeeringClient(f"127.0.0.1:{west.service.port}", credentials.ca.decode())
    moved = replace(said, etcd=("https://192.0.2.77:2379",), as_number=64502)
    assert client.renew(credentials, moved).etcd == (west.etcd.endpoint,)
    record = west.ledger.sites["east"]
    assert (record.endpoints, record.as_number) == ("https://192.0.2.77:2379", 64502)
    other = replace(said, ca=certificates.make_authority("east").certificate.decode())
    with pytest.raises(NotPermitted, match="invited anew"):
        client.renew(credentials, other)


def test_a_revoked_peer_is_let_in_no_more(pair: tuple[Site, Site]) -> None:
    """Neither into etcd, nor with a new certificate by its present one."""
    west, east = pair
    credentials = east.credentials_of("west")
    store = east.at(west)
    eventually(lambda: reads(store))
    west.ledger.revoke("east")
    eventually(lambda: not reads(store))
    assert not reads(east.at(west))
    client = PeeringClient(f"127.0.0.1:{west.service.port}", credentials.ca.decode())
    with pytest.raises(NotPermitted, match="no peer of this site"):
        client.renew(credentials, _introduction_of(east, make_request("east").request))


def test_a_revoked_peer_may_be_invited_again_and_its_former_certificate_stays_worthless(
    pair: tuple[Site, Site],
) -> None:
    """Names of users are never used twice."""
    west, east = pair
    former = east.credentials_of("west")
    eventually(lambda: reads(east.at(west, former)))
    west.ledger.revoke("east")
    eventually(lambda: not reads(east.at(west, former)))
    del east.ledger.sites["west"]
    join(west, east)
    eventually(lambda: reads(east.at(west)))
    assert not reads(east.at(west, former))


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


def test_another_authority_s_certificate_opens_nothing(pair: tuple[Site, Site]) -> None:
    """Even one that names a user that is there."""
    west, east = pair
    user = user_of(east.credentials_of("west").certificate)
    request = make_request("east")
    forged = east.own.authority.issue_to_peer(request.request, user, 1)
    credentials = Credentials(west.own.authority.certificate, forged, request.key)
    with pytest.raises(StoreUnreachable):
        east.at(west, credentials).read("/isthmus/")
    client = PeeringClient(f"127.0.0.1:{west.service.port}", credentials.ca.decode())
    with pytest.raises(PeeringUnreachable):
        client.renew(credentials, _introduction_of(east, request.request))


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


@pytest.fixture
def raw(sites: Callable[[str], Site]) -> Callable[[bytes], bytes]:
    """Send octets to a peering service, over TLS."""
    west = sites("west")

    def send(octets: bytes) -> bytes:
        context = ssl.create_default_context(cadata=west.own.authority.certificate.decode())
        address = ("127.0.0.1", west.service.port)
        with (
            socket.create_connection(address, timeout=20) as plain,
            context.wrap_socket(plain, server_hostname="127.0.0.1") as secured,
        ):
            secured.sendall(octets)
            answer = b""
            while part := secured.recv(65536):
                answer += part
        return answer

    return send


@pytest.mark.parametrize(
    ("request_line", "body", "status"),
    [
        (b"POST /isthmus/v1/join HTTP/1.1", b"garbage", b"400"),
        (b"POST /isthmus/v1/join HTTP/1.1", b"[]", b"400"),
        (b"POST /isthmus/v1/join HTTP/1.1", json.dumps({"token": 1}).encode(), b"400"),
        (b"POST /isthmus/v1/join HTTP/1.1", b"[" * 60000, b"400"),
        (b"POST /isthmus/v1/join HTTP/1.1", b"x" * 100_000, b"400"),
        (b"POST /isthmus/v1/renew HTTP/1.1", b'{"request": "x"}', b"400"),
        (b"POST /isthmus/v1/settle HTTP/1.1", b"{}", b"403"),
        (b"POST /elsewhere HTTP/1.1", b"{}", b"400"),
        (b"GET / HTTP/1.1", b"", b"501"),
    ],
)
def test_garbage_is_refused_and_the_service_goes_on(
    raw: Callable[[bytes], bytes], request_line: bytes, body: bytes, status: bytes
) -> None:
    """Never a trace of how it is made."""
    head = request_line + b"\r\nContent-Length: " + str(len(body)).encode() + b"\r\n\r\n"
    try:
        answer = raw(head + body)
    except (ConnectionError, ssl.SSLError):
        # It did not read all of what is too long; that ends some connections.
        assert len(body) > 65536
        return
    assert status in answer.split(b"\r\n")[0]
    assert b"Traceback" not in answer


def test_who_speaks_no_tls_or_nothing_at_all_keeps_nobody_waiting(
    sites: Callable[[str], Site],
) -> None:
    """Connections are taken in threads of their own."""
    west = sites("west")
    address = ("127.0.0.1", west.service.port)
    silent = [socket.create_connection(address) for _ in range(5)]
    silent[0].sendall(b"GET / HTTP/1.0\r\n\r\n")
    guest = _Guest(west, west.ledger.invite("west", "east"))
    guest.join()
    for one in silent:
        one.close()


def test_a_damaged_invitation_is_refused_where_it_is_accepted(
    sites: Callable[[str], Site],
) -> None:
    """Before anybody is asked."""
    text = sites("west").ledger.invite("west", "east")
    for damaged in (text[:-20], text.replace("isthmus", "Isthmus"), "", "x" * 100):
        with pytest.raises(InvalidValue):
            inviting.decode(damaged)
