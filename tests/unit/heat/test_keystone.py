# SPDX-License-Identifier: Apache-2.0
"""Which trusts are asked for, and ended, for whom: Heat's own class is beneath, Keystone is not."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from heat.common.context import RequestContext
from heat.engine.clients.os.keystone.heat_keystoneclient import KsClientWrapper

from isthmus.heat.keystone import KeystoneClient

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


class Context:
    """Of a request, as far as it matters."""

    keystone_session = None
    keystone_v3_endpoint = "http://192.0.2.1:5000/v3"
    trust_id = None
    user_id = "user"

    def __init__(self, method: str) -> None:
        self.auth_token_info = {"token": {"methods": [method]}}

    def to_dict(self) -> dict[str, Any]:
        """What is told of it."""
        return {"user_id": self.user_id, "auth_token": "token", "tenant_id": "red"}


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What Heat's own class is asked."""
    asked: list[Any] = []
    monkeypatch.setattr(KsClientWrapper, "create_trust_context", lambda _self: asked.append("made"))
    monkeypatch.setattr(
        KsClientWrapper, "regenerate_trust_context", lambda _self: asked.append("made anew")
    )
    monkeypatch.setattr(KsClientWrapper, "delete_trust", lambda _self, trust: asked.append(trust))
    return asked


def test_who_signed_makes_no_trust_and_the_stack_keeps_what_the_query_brought(
    asked: list[Any],
) -> None:
    """Neither at first, nor where another's stack is changed."""
    signed = Context("ec2credential")
    assert KeystoneClient(signed).create_trust_context() is signed
    assert KeystoneClient(signed).regenerate_trust_context() is signed
    assert asked == []


def test_for_who_has_a_token_of_his_own_trusts_are_heats(asked: list[Any]) -> None:
    """Made, made anew and ended."""
    context = Context("password")
    client = KeystoneClient(context)
    client.create_trust_context()
    client.regenerate_trust_context()
    client.delete_trust("a trust")
    assert asked == ["made", "made anew", "a trust"]


def test_for_who_signed_a_trust_is_ended_by_itself(
    asked: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a context that has the trust, its trustor, and nothing of the signature's token."""
    contexts: list[dict[str, Any]] = []

    def remember(said: dict[str, Any]) -> Any:
        contexts.append(said)
        ended = SimpleNamespace(delete_trust=asked.append)
        return SimpleNamespace(clients=SimpleNamespace(client=lambda _name: ended))

    monkeypatch.setattr(RequestContext, "from_dict", remember)
    context = Context("ec2credential")
    KeystoneClient(context).delete_trust("a trust")
    assert asked == ["a trust"]
    (said,) = contexts
    assert (said["trust_id"], said["trustor_user_id"]) == ("a trust", "user")
    assert (said["auth_token"], said["auth_token_info"]) == (None, None)
