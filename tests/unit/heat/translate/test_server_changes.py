# SPDX-License-Identifier: Apache-2.0
"""What is between a server as a template wants it and as the compute API shows it."""

from __future__ import annotations

from isthmus.heat.translate.server import MARK
from isthmus.heat.translate.server_changes import (
    Policy,
    digest,
    is_busy,
    is_flavor,
    live,
    metadata_of,
    to_do,
)

TELL_ANEW = {"user_data": Policy.REBUILD}


def test_what_takes_longest_is_asked_for_last() -> None:
    """A port and an address are a matter of networks."""
    assert to_do({"image", "flavor", "name", "port", "fixed_ip"}, {}) == (
        *("name", "networks"),
        *("flavor", "image"),
    )
    assert to_do({"failure_policy", "flavor_update_policy"}, {}) == ()


def test_other_user_data_is_told_by_a_rebuild_if_wanted_and_once() -> None:
    """Else the server goes on with what it was told."""
    assert to_do({"user_data"}, TELL_ANEW) == ("image",)
    assert to_do({"user_data"}, TELL_ANEW, is_told_already=True) == ()
    assert to_do({"user_data"}, {"user_data": Policy.IGNORE}) == ()
    assert to_do({"user_data", "image"}, {"user_data": Policy.IGNORE}) == ("image",)
    assert digest("a") == digest("a") != digest("b")


def test_a_server_that_is_at_something_is_waited_for() -> None:
    """Not one that is merely off."""
    assert is_busy("BUILD", None)
    assert is_busy("ACTIVE", "suspending")
    assert not is_busy("ACTIVE", None)
    assert not is_busy("SHUTOFF", None)


def test_a_flavor_is_known_by_its_name_or_by_its_id() -> None:
    """As the compute API's version has it."""
    tiny = {"id": "1", "name": "tiny"}
    assert is_flavor({"original_name": "tiny"}, tiny)
    assert not is_flavor({"original_name": "big"}, tiny)
    assert is_flavor({"id": "1"}, tiny)
    assert not is_flavor({"id": "2"}, tiny)


def test_metadata_are_texts_with_the_mark() -> None:
    """What is none becomes JSON."""
    words = metadata_of({"a": "b", "n": 1, "l": ["x"]}, "m")
    assert words == {"a": "b", "n": "1", "l": '["x"]', MARK: "m"}
    assert metadata_of(None, "m") == {MARK: "m"}


def test_words_that_are_not_as_the_template_says_are_told() -> None:
    """The mark is nobody's concern; a name that the template leaves out is Heat's."""
    shown = {"name": "web", "metadata": {"a": "b", MARK: "m"}, "tags": ["y", "x"]}
    given = {"name": "web", "metadata": {"a": "b"}, "tags": ["x", "y"]}
    assert live(given, shown) == {}
    assert live(given | {"name": None}, shown) == {}
    assert live({"name": "store", "metadata": {"a": "c"}}, shown) == {
        "name": "web",
        "metadata": {"a": "b"},
        "tags": ["y", "x"],
    }
