# SPDX-License-Identifier: Apache-2.0
"""What is made from the code is what the code would make."""

from docs.generate import words
from docs.generate.collections import read_collections
from docs.generate.files import stale
from docs.generate.who import Rules


def test_the_reference_and_the_samples_are_current() -> None:
    """``make generate`` makes them so."""
    assert sorted(stale()) == []


def test_every_attribute_of_the_api_is_explained() -> None:
    """In ``docs/generate/words.py``."""
    collections = read_collections()
    names = {name for each in collections for name in each.attributes}
    assert names - words.ATTRIBUTES.keys() == set()
    assert {each.name for each in collections} - words.COLLECTIONS.keys() == set()


def test_the_default_roles_are_told_apart() -> None:
    """By asking the rules, not by reading their text."""
    rules = Rules({"mine": "role:manager and project_id:%(project_id)s", "no": "!"})
    assert rules.least_role("get_bgpvpn") == "reader"
    assert rules.least_role("update_bgpvpn") == "member"
    assert rules.least_role("create_bgpvpn") == "admin"
    assert rules.least_role("mine") == "manager"
    assert rules.least_role("no") == "nobody"
