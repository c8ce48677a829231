# SPDX-License-Identifier: Apache-2.0
"""X.509 certificates of the lab: one authority per site, and who it vouches for."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_VALID = timedelta(days=365)
_LEEWAY = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Pair:
    """A certificate and its private key, as PEM files."""

    certificate: Path
    key: Path

    def is_there(self) -> bool:
        """Whether both were made already."""
        return self.certificate.exists() and self.key.exists()


def pair(folder: Path, name: str) -> Pair:
    """Where a certificate of that name and its key are kept."""
    return Pair(folder / f"{name}.crt", folder / f"{name}.key")


def ensure_authority(authority: Pair, name: str) -> None:
    """Make a certificate authority unless it is there."""
    if authority.is_there():
        return
    key = ec.generate_private_key(ec.SECP256R1())
    subject = _named(name)
    builder = (
        _begun(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    )
    _write(authority, key, builder.sign(key, hashes.SHA256()))


def ensure_issued(
    authority: Pair, issued: Pair, common_name: str, addresses: tuple[IPv4Address, ...] = ()
) -> None:
    """Have an authority issue a certificate for servers and clients alike, unless it is there.

    Args:
        authority: the issuer.
        issued: where it goes.
        common_name: whom etcd takes a client for.
        addresses: at which a server answers.
    """
    if issued.is_there():
        return
    issuer = x509.load_pem_x509_certificate(authority.certificate.read_bytes())
    issuer_key = load_pem_private_key(authority.key.read_bytes(), None)
    assert isinstance(issuer_key, ec.EllipticCurvePrivateKey)  # noqa: S101  # made above
    key = ec.generate_private_key(ec.SECP256R1())
    usages = [ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH]
    builder = (
        _begun(_named(common_name))
        .issuer_name(issuer.subject)
        .public_key(key.public_key())
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage(usages), critical=False)
    )
    if addresses:
        names = x509.SubjectAlternativeName([x509.IPAddress(each) for each in addresses])
        builder = builder.add_extension(names, critical=False)
    _write(issued, key, builder.sign(issuer_key, hashes.SHA256()))


def _named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def _begun(subject: x509.Name) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _LEEWAY)
        .not_valid_after(now + _VALID)
    )


def _write(files: Pair, key: ec.EllipticCurvePrivateKey, certificate: x509.Certificate) -> None:
    files.key.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    files.key.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    files.key.chmod(0o600)
    files.certificate.write_bytes(certificate.public_bytes(Encoding.PEM))
