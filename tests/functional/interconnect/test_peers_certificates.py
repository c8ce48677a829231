# SPDX-License-Identifier: Apache-2.0
"""A peer's certificate is renewed while it is a peer, and worthless afterwards."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from isthmus.db.vtn.sites import Asked
from isthmus.interconnect.certificates import authority as certificates
from isthmus.interconnect.certificates.authority import make_request, user_of
from isthmus.interconnect.peering.client import PeeringClient, PeeringUnreachable
from isthmus.interconnect.peering.exchange import Exchange
from isthmus.interconnect.peering.messages import Introduction
from isthmus.interconnect.store.etcd_client import Credentials
from isthmus.model.errors import NotPermitted, StoreUnreachable
from tests.functional.interconnect.conftest import Site, eventually, join, reads

pytestmark = [pytest.mark.functional, pytest.mark.timeout(240)]


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
