# SPDX-License-Identifier: Apache-2.0
"""What is noted of a peering, and what of it may be seen."""

from __future__ import annotations

import pytest

from isthmus.interconnect.peering.exchange import Exchange, decode, encode
from isthmus.model.errors import InvalidValue

WHOLE = Exchange("hidden", "digest", "theirs", "ours", "key", "issued", ("peer.a",), True, True)  # noqa: FBT003


def test_a_note_is_read_as_it_was_written() -> None:
    """All of it, and an empty one for a peering that has none."""
    assert decode(encode(WHOLE)) == WHOLE
    assert decode("") == Exchange()


def test_a_note_of_another_release_is_read_as_far_as_it_is_known() -> None:
    """What is not known is passed over, what is missing is as by default."""
    assert decode('{"users": ["peer.a"], "novelty": 1}') == Exchange(users=("peer.a",))


def test_a_damaged_note_is_refused_with_what_to_do() -> None:
    """Anew, then."""
    for text in ("{", "[]", "7"):
        with pytest.raises(InvalidValue, match="invite the site anew"):
            decode(text)


def test_once_both_are_peers_secrets_are_forgotten() -> None:
    """The invitation is used, and the key is with its certificate."""
    settled = WHOLE.settled
    assert (settled.invitation, settled.own_key) == ("", "")
    assert (settled.users, settled.joiner) == (WHOLE.users, WHOLE.joiner)
    assert "hidden" not in repr(WHOLE)


def test_each_certificate_has_a_user_of_its_own() -> None:
    """The newest last."""
    renewed = WHOLE.with_user("peer.b", b"pem")
    assert (renewed.users, renewed.issued) == (("peer.a", "peer.b"), "pem")
