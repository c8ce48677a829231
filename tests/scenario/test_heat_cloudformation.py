# SPDX-License-Identifier: Apache-2.0
"""The same stack in CloudFormation's form, by signed queries; and queries signed wrongly."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import botocore.auth
import pytest
from botocore.compat import get_current_datetime

from lab import places, topology
from lab.demo.cloud import ADMIN, Cloud
from lab.waiting import wait_until
from tests.scenario import orchestra, shop, signed
from tests.scenario.signed import Signed
from tests.walks import pages
from tests.walks.walk import walk

pytestmark = pytest.mark.timeout(900)
# Longer ago than Keystone takes a signature ([credential] auth_ttl: 15 minutes).
LONG_AGO = timedelta(minutes=20)


@dataclass(frozen=True)
class BySignedQuery:
    """Stacks of templates whose parameters and outputs are in CloudFormation's spelling."""

    signed: Signed

    def create(self, name: str, template: str, /, **parameters: Any) -> dict[str, Any]:
        """Make one."""
        return _ours(self.signed.create(name, template, **_theirs(parameters)))

    def update(self, name: str, template: str, /, **parameters: Any) -> dict[str, Any]:
        """Change one; all it is made of is told by the API."""
        outputs = self.signed.update(name, template, **_theirs(parameters))
        told = self.signed.resources(name)
        ends = {each["ResourceStatus"].rpartition("_")[2] for each in told.values()}
        assert ends == {"COMPLETE"}
        assert told["Web"]["PhysicalResourceId"] == outputs["Web"]
        assert told["Web"]["ResourceType"] == "OS::Isthmus::InterconnectedServer"
        return _ours(outputs)

    def delete(self, name: str) -> None:
        """Delete one."""
        self.signed.delete(name)


def _theirs(words: dict[str, Any]) -> dict[str, Any]:
    return {"".join(word.title() for word in key.split("_")): words[key] for key in words}


def _ours(words: dict[str, str]) -> dict[str, Any]:
    return {
        "".join(f"_{each.lower()}" if each.isupper() else each for each in key)[1:]: value
        for key, value in words.items()
    }


@pytest.fixture
def clouds() -> Iterator[list[Cloud]]:
    """Red's cloud at each site; what earlier runs left is gone, and so is the test's."""
    clouds = [Cloud(site.name, "red") for site in topology.load().sites]
    orchestra.forget_stacks(clouds[0])
    yield clouds
    orchestra.forget_stacks(clouds[0])


@pytest.fixture
def query(clouds: list[Cloud]) -> Iterator[Signed]:
    """Signs with an EC2 credential of red's, at the first site."""
    with signed.credential(clouds[0]) as query:
        yield query


def test_a_shop_is_made_changed_and_deleted_by_signed_queries(
    clouds: list[Cloud], query: Signed
) -> None:
    """As it is by a token, outputs included."""
    template = (shop.EXAMPLES / "two-region-shop.cfn.yaml").read_text(encoding="utf-8")
    shop.live(BySignedQuery(query), template, clouds)


def test_the_page_on_signed_queries_is_true(
    clouds: list[Cloud], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By a token a stack gets the trust that a signature can't give; it is gone with the stack."""
    identity = Cloud(clouds[0].site, ADMIN).connection.identity
    before = {each.id for each in identity.trusts()}
    # Both its interpreters are at home in one folder.
    monkeypatch.chdir(tmp_path)
    tools = f"{places.VENV / 'bin'}:{os.environ['PATH']}"
    environment = {"OS_CLIENT_CONFIG_FILE": str(places.CLOUDS_YAML), "NO_PROXY": "*", "PATH": tools}
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert walk(pages.SIGNED, environment, tmp_path, _nothing_happens, timeout_s=300)
    wait_until(
        lambda: {each.id for each in identity.trusts()} <= before, shop.GONE_S, "the trust's end"
    )


def _nothing_happens(site: str, state: str) -> None:
    """Of no site the page says that it is gone."""


def test_a_query_signed_wrongly_is_refused_with_a_sentence(
    query: Signed, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By another secret, by nobody's key, long ago; the same is taken where it is right."""
    assert query.refused_with() is None
    assert replace(query, secret="0" * 32).refused_with() == (403, "AccessDenied")
    assert replace(query, access="0" * 32).refused_with() == (403, "InvalidClientTokenId")
    monkeypatch.setattr(
        botocore.auth, "get_current_datetime", lambda: get_current_datetime() - LONG_AGO
    )
    assert query.refused_with() == (403, "AccessDenied")
