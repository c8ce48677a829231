# SPDX-License-Identifier: Apache-2.0
"""The files of one site's interconnect: the same on every host that runs its daemon.

ca.crt ca.key           the site's authority
server.crt server.key   of the site's etcd, and of its peering service
own.crt own.key         by which the daemon is etcd's root
secret.key              encrypts, in the database, the keys of what peers issued to this site
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken

from isthmus.interconnect.certificates.authority import Authority, Pair, make_authority
from isthmus.interconnect.store.etcd_client import Credentials
from isthmus.model.errors import InvalidValue

# As which the daemon may do everything in the own etcd: also make users for its peers.
ROOT = "root"
_OWN_DAYS = 3650


class Folder:
    """Reads those files.

    Args:
        path: where they are.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def prepare(self, site: str, hosts: Sequence[str]) -> list[Path]:
        """Make what is missing; return what was made. What is there stays as it is.

        Args:
            site: the site's name.
            hosts: addresses and names under which its etcd and its peering service are reached.
        """
        self.path.mkdir(parents=True, exist_ok=True, mode=0o700)
        made = self._ensure("ca", lambda: make_authority(site))
        authority = self.authority()
        made += self._ensure(
            "server", lambda: authority.issue(f"{site[:50]}-etcd", hosts, _OWN_DAYS)
        )
        made += self._ensure("own", lambda: authority.issue(ROOT, (), _OWN_DAYS))
        secret = self.path / "secret.key"
        if not secret.exists():
            _write(secret, Fernet.generate_key(), 0o600)
            made.append(secret)
        return made

    def authority(self) -> Authority:
        """Return the site's authority."""
        return Authority(Pair(self._read("ca.crt"), self._read("ca.key")))

    def credentials(self) -> Credentials:
        """Return by what the daemon is root in its own etcd."""
        return Credentials(self._read("ca.crt"), self._read("own.crt"), self._read("own.key"))

    def conceal(self, plain: bytes) -> str:
        """Encrypt something for the database."""
        return self._fernet().encrypt(plain).decode()

    def reveal(self, concealed: str) -> bytes:
        """Decrypt what ``conceal`` made.

        Raises:
            InvalidValue: it was encrypted with another secret.
        """
        try:
            return self._fernet().decrypt(concealed.encode())
        except InvalidToken:
            raise InvalidValue(
                f"{self.path / 'secret.key'} is not what this was encrypted with; it has to be the "
                f"same on all hosts of a site."
            ) from None

    def _fernet(self) -> Fernet:
        try:
            return Fernet(self._read("secret.key"))
        except ValueError:
            raise InvalidValue(f"{self.path / 'secret.key'} is damaged.") from None

    def _read(self, name: str) -> bytes:
        try:
            return (self.path / name).read_bytes()
        except OSError as error:
            raise InvalidValue(
                f"{self.path / name} can't be read ({error.strerror}); 'isthmus-interconnect "
                f"prepare' makes it."
            ) from None

    def _ensure(self, name: str, make: Callable[[], Pair]) -> list[Path]:
        certificate, key = self.path / f"{name}.crt", self.path / f"{name}.key"
        if certificate.exists() and key.exists():
            return []
        pair = make()
        _write(key, pair.key, 0o600)
        _write(certificate, pair.certificate, 0o644)
        return [certificate, key]


def _write(path: Path, content: bytes, mode: int) -> None:
    """Write a file that nobody sees half-written, nor with another mode."""
    draft = path.with_name(f".{path.name}.new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
        file.write(content)
    draft.replace(path)
