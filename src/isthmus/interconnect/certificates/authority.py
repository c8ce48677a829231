# SPDX-License-Identifier: Apache-2.0
"""A site's own certificate authority (RFC 5280): vouches for its servers, and for its peers.

A peer's certificate is for one peer of one site; its Common Name is the user that etcd takes the
peer for. The private key never leaves the peer: it asks by a request (PKCS #10, RFC 2986).
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from isthmus.model.errors import InvalidValue

PEER_PREFIX = "peer."
_LEEWAY = timedelta(hours=1)
_AUTHORITY_DAYS = 3650
_CURVE = ec.SECP256R1()


@dataclass(frozen=True, slots=True)
class Pair:
    """A certificate and its private key, both PEM."""

    certificate: bytes
    key: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Request:
    """A request for a certificate and the private key it is for, both PEM."""

    request: bytes
    key: bytes = field(repr=False)


class Authority:
    """Issues certificates in a site's name.

    Args:
        pair: the authority's own.
    """

    def __init__(self, pair: Pair) -> None:
        self.certificate = pair.certificate
        self._issuer = x509.load_pem_x509_certificate(pair.certificate)
        key = serialization.load_pem_private_key(pair.key, None)
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise InvalidValue("The authority's key is not of an elliptic curve.")
        self._key = key

    def issue(self, name: str, hosts: Sequence[str], days: int) -> Pair:
        """Issue a certificate for a server and client of the site's own, with its key.

        Args:
            name: Common Name.
            hosts: addresses and names at which it answers.
            days: how long it is valid.
        """
        key = ec.generate_private_key(_CURVE)
        builder = self._begun(_named(name), key.public_key(), days)
        usages = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
        builder = builder.add_extension(x509.ExtendedKeyUsage(usages), critical=False)
        if hosts:
            names = x509.SubjectAlternativeName([_general_name(host) for host in hosts])
            builder = builder.add_extension(names, critical=False)
        return Pair(_pem(builder.sign(self._key, hashes.SHA256())), _key_pem(key))

    def issue_to_peer(self, request: bytes, user: str, days: int) -> bytes:
        """Issue a client certificate for a peer's request; what the request says of names is moot.

        Raises:
            InvalidValue: it is no request, or not signed by the key it is for.
        """
        asked = _load_request(request)
        builder = self._begun(_named(user), asked.public_key(), days).add_extension(
            x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False
        )
        return _pem(builder.sign(self._key, hashes.SHA256()))

    def _begun(self, subject: x509.Name, public_key: object, days: int) -> x509.CertificateBuilder:
        if not isinstance(public_key, ec.EllipticCurvePublicKey):
            raise InvalidValue("The key of a request has to be of an elliptic curve (P-256).")
        return (
            _dated(days)
            .subject_name(subject)
            .issuer_name(self._issuer.subject)
            .public_key(public_key)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        )


def make_authority(site: str) -> Pair:
    """Make a site's authority, which signs nothing but what is its own to vouch for."""
    key = ec.generate_private_key(_CURVE)
    subject = _named(f"{site[:40]} interconnect")
    usage = x509.KeyUsage(
        digital_signature=False, content_commitment=False, key_encipherment=False,
        data_encipherment=False, key_agreement=False, key_cert_sign=True, crl_sign=True,
        encipher_only=False, decipher_only=False,
    )  # fmt: skip
    certificate = (
        _dated(_AUTHORITY_DAYS)
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .sign(key, hashes.SHA256())
    )
    return Pair(_pem(certificate), _key_pem(key))


def make_request(site: str) -> Request:
    """Make a private key and the request for a certificate for it."""
    key = ec.generate_private_key(_CURVE)
    request = x509.CertificateSigningRequestBuilder().subject_name(_named(site))
    return Request(_pem(request.sign(key, hashes.SHA256())), _key_pem(key))


def new_peer_user(site: str) -> str:
    """Return a name, never used before, for what a peer is to etcd with one certificate.

    A Common Name has 64 characters at most, a site's name nearly as many.
    """
    return f"{peer_user_prefix(site)}{secrets.token_hex(8)}"


def peer_user_prefix(site: str) -> str:
    """Return what the names of all users of one peer begin with."""
    return f"{PEER_PREFIX}{hashlib.sha256(site.encode()).hexdigest()[:16]}."


def check_certificate(pem: bytes, authority: bytes, key: bytes) -> None:
    """Check that a certificate is of an authority and for a private key.

    Raises:
        InvalidValue: it is not.
    """
    certificate, issuer = load_certificate(pem), load_certificate(authority)
    try:
        certificate.verify_directly_issued_by(issuer)
    except (InvalidSignature, ValueError, TypeError):
        raise InvalidValue("The certificate is not of that site's authority.") from None
    private = serialization.load_pem_private_key(key, None)
    if not isinstance(private, ec.EllipticCurvePrivateKey) or (
        private.public_key() != certificate.public_key()
    ):
        raise InvalidValue("The certificate is for another key.")


def check_authority(pem: bytes) -> None:
    """Check that a certificate is an authority's.

    Raises:
        InvalidValue: it is not.
    """
    certificate = load_certificate(pem)
    try:
        constraints = certificate.extensions.get_extension_for_class(x509.BasicConstraints)
    except (x509.ExtensionNotFound, ValueError):
        raise InvalidValue("The certificate is not of an authority.") from None
    if not constraints.value.ca:
        raise InvalidValue("The certificate is not of an authority.")


def load_certificate(pem: bytes) -> x509.Certificate:
    """Return a certificate.

    Raises:
        InvalidValue: it is none.
    """
    try:
        return x509.load_pem_x509_certificate(pem)
    except ValueError:
        raise InvalidValue("This is no certificate (PEM).") from None


def fingerprint(pem: bytes) -> str:
    """Return a certificate's SHA-256, as two operators compare it."""
    digest = load_certificate(pem).fingerprint(hashes.SHA256()).hex()
    return ":".join(digest[at : at + 2] for at in range(0, len(digest), 2))


def key_digest(request: bytes) -> str:
    """Return the SHA-256 of the public key that a request is for.

    Raises:
        InvalidValue: it is no request, or not signed by that key.
    """
    public_key = _load_request(request).public_key()
    octets = public_key.public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return hashlib.sha256(octets).hexdigest()


def user_of(pem: bytes) -> str:
    """Return a certificate's Common Name."""
    names = load_certificate(pem).subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(names[0].value) if names else ""


def expires_at(pem: bytes) -> datetime:
    """Return until when a certificate is valid, UTC."""
    return load_certificate(pem).not_valid_after_utc


def renew_at(pem: bytes) -> datetime:
    """Return when two thirds of a certificate's time are over, UTC."""
    certificate = load_certificate(pem)
    begin, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    return begin + (end - begin) * 2 / 3


def _load_request(pem: bytes) -> x509.CertificateSigningRequest:
    try:
        request = x509.load_pem_x509_csr(pem)
        is_signed = request.is_signature_valid
    except (ValueError, TypeError):
        raise InvalidValue("This is no request for a certificate (PEM).") from None
    if not is_signed:
        raise InvalidValue("The request for a certificate is not signed by its own key.")
    return request


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name[:64])])


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _dated(days: int) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _LEEWAY)
        .not_valid_after(now + timedelta(days=days))
    )


def _pem(signed: x509.Certificate | x509.CertificateSigningRequest) -> bytes:
    return signed.public_bytes(serialization.Encoding.PEM)


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
