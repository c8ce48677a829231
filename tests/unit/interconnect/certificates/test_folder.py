# SPDX-License-Identifier: Apache-2.0
"""A site's files: made once, read whenever, damaged with a sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from isthmus.interconnect.certificates.authority import check_certificate, user_of
from isthmus.interconnect.certificates.folder import Folder
from isthmus.model.errors import InvalidValue


def test_what_is_missing_is_made_and_what_is_there_stays(tmp_path: Path) -> None:
    """An operator may bring an authority of their own."""
    first = Folder(tmp_path / "first")
    first.prepare("west", ["192.0.2.1"])
    second = Folder(tmp_path / "second")
    second.path.mkdir()
    for name in ("ca.crt", "ca.key"):
        (second.path / name).write_bytes((first.path / name).read_bytes())
    made = {path.name for path in second.prepare("west", ["192.0.2.1"])}
    assert made == {"server.crt", "server.key", "own.crt", "own.key", "secret.key"}
    own = second.credentials()
    check_certificate(own.certificate, first.authority().certificate, own.key)
    assert user_of(own.certificate) == "root"
    assert second.prepare("west", ["192.0.2.1"]) == []


def test_what_is_concealed_is_revealed_with_the_same_secret_alone(tmp_path: Path) -> None:
    """Another host of the site has to have a copy."""
    one, other = Folder(tmp_path / "one"), Folder(tmp_path / "other")
    one.prepare("west", [])
    other.prepare("west", [])
    hidden = one.conceal(b"a key")
    assert "key" not in hidden
    assert one.reveal(hidden) == b"a key"
    with pytest.raises(InvalidValue, match="same on all hosts"):
        other.reveal(hidden)
    (one.path / "secret.key").write_text("short")
    with pytest.raises(InvalidValue, match="damaged"):
        one.reveal(hidden)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """With what makes it."""
    with pytest.raises(InvalidValue, match=r"ca\.crt .*isthmus-interconnect prepare"):
        Folder(tmp_path).authority()
