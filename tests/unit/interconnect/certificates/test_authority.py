# SPDX-License-Identifier: Apache-2.0
"""What a site's authority vouches for, and for how long."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509

from isthmus.interconnect.certificates.authority import (
    Authority,
    check_authority,
    check_certificate,
    expires_at,
    fingerprint,
    key_digest,
    load_certificate,
    make_authority,
    make_request,
    new_peer_user,
    peer_user_prefix,
    renew_at,
    user_of,
)
from isthmus.model.errors import InvalidValue

WEST = make_authority("west")


def test_a_peer_s_certificate_is_for_the_key_that_asked_and_for_clients_alone() -> None:
    """What the request calls itself is moot."""
    request = make_request("root")
    pem = Authority(WEST).issue_to_peer(request.request, "peer.x", 30)
    check_certificate(pem, WEST.certificate, request.key)
    assert user_of(pem) == "peer.x"
    certificate = load_certificate(pem)
    usage = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert [each.dotted_string for each in usage] == ["1.3.6.1.5.5.7.3.2"]
    constraints = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
    assert not constraints.ca
    with pytest.raises(InvalidValue, match="not of an authority"):
        check_authority(pem)


def test_a_certificate_of_another_authority_or_key_is_refused() -> None:
    """Each with its own sentence."""
    request = make_request("east")
    pem = Authority(WEST).issue_to_peer(request.request, "peer.x", 30)
    with pytest.raises(InvalidValue, match="not of that site's authority"):
        check_certificate(pem, make_authority("west").certificate, request.key)
    with pytest.raises(InvalidValue, match="another key"):
        check_certificate(pem, WEST.certificate, make_request("east").key)


def test_a_certificate_is_renewed_when_a_third_of_its_time_is_left() -> None:
    """So that a site that is away for weeks finds it good."""
    request = make_request("east")
    pem = Authority(WEST).issue_to_peer(request.request, "peer.x", 90)
    now = datetime.now(UTC)
    assert timedelta(days=89) < expires_at(pem) - now < timedelta(days=91)
    assert timedelta(days=59) < renew_at(pem) - now < timedelta(days=61)


def test_a_server_s_certificate_is_for_all_its_hosts() -> None:
    """Addresses of both families, and names."""
    pair = Authority(WEST).issue("west-etcd", ["192.0.2.1", "2001:db8::1", "west.example"], 30)
    names = load_certificate(pair.certificate).extensions.get_extension_for_class(
        x509.SubjectAlternativeName
    )
    addresses = names.value.get_values_for_type(x509.IPAddress)
    assert [str(each) for each in addresses] == ["192.0.2.1", "2001:db8::1"]
    assert names.value.get_values_for_type(x509.DNSName) == ["west.example"]
    check_certificate(pair.certificate, WEST.certificate, pair.key)


def test_names_of_users_are_never_used_twice_and_fit() -> None:
    """A Common Name has 64 characters, whatever a site is called."""
    site = "x" * 63
    names = {new_peer_user(site) for _ in range(50)}
    assert len(names) == 50
    assert all(name.startswith(peer_user_prefix(site)) and len(name) <= 64 for name in names)
    assert peer_user_prefix("east") != peer_user_prefix("east2")


def test_a_fingerprint_is_one_that_other_tools_show() -> None:
    """SHA-256 of the certificate, in pairs."""
    told = fingerprint(WEST.certificate)
    assert len(told.split(":")) == 32
    assert told == fingerprint(WEST.certificate)


def test_a_key_is_known_again_by_its_digest() -> None:
    """Whatever the request says beside."""
    one, other = make_request("east"), make_request("east")
    assert key_digest(one.request) == key_digest(one.request) != key_digest(other.request)


@pytest.mark.parametrize(
    "garbage",
    [b"", b"x", WEST.key, WEST.certificate[:100]],
    ids=["nothing", "a letter", "a key", "a part"],
)
def test_garbage_is_refused(garbage: bytes) -> None:
    """In a sentence."""
    with pytest.raises(InvalidValue):
        load_certificate(garbage)
    with pytest.raises(InvalidValue):
        key_digest(garbage)
    with pytest.raises(InvalidValue):
        Authority(WEST).issue_to_peer(garbage, "peer.x", 1)


def test_a_private_key_is_not_shown() -> None:
    """Values that hold one may be logged."""
    assert "PRIVATE" not in repr(WEST)
    assert "PRIVATE" not in repr(make_request("east"))
