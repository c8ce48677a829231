# SPDX-License-Identifier: Apache-2.0
"""What the CloudFormation API answers where Keystone does not take a signature."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
import webob
from keystoneauth1 import exceptions as keystone

from isthmus.heat.signed_queries import SignedQueries, filter_factory

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")
SIGNED = "/v1/?Action=ListStacks&AWSAccessKeyId=key&Signature=none"


class Keystone:
    """Answers every signature with the same refusal."""

    session = SimpleNamespace(auth=None)

    def __init__(self, refusal: Exception) -> None:
        self._refusal = refusal

    def get_endpoint(self) -> str:
        """Where it is."""
        return "http://192.0.2.1:5000"

    def post(self, *_asked: Any, **_said: Any) -> None:
        """Refuse."""
        raise self._refusal


def asked(monkeypatch: pytest.MonkeyPatch, refusal: Exception, query: str = SIGNED) -> Any:
    """Return what is answered to a query that Keystone refuses."""
    monkeypatch.setattr(
        SignedQueries, "_create_keystone_adapters", lambda _self: {None: Keystone(refusal)}
    )
    behind = filter_factory({"multi_cloud": ""})(webob.Response("let through"))
    return webob.Request.blank(query).get_response(behind)


@pytest.mark.parametrize(
    ("refusal", "status", "code"),
    [
        (keystone.NotFound("EC2 access key not found."), 403, "InvalidClientTokenId"),
        (keystone.Unauthorized("The request requires authentication."), 403, "AccessDenied"),
        (keystone.Forbidden("Not authorized to validate."), 500, "InternalFailure"),
        (keystone.InternalServerError("oops"), 503, "ServiceUnavailable"),
        (keystone.ConnectFailure("nobody there"), 503, "ServiceUnavailable"),
    ],
)
def test_whatever_keystone_says_to_a_signature_the_answer_is_of_the_apis_form(
    monkeypatch: pytest.MonkeyPatch, refusal: Exception, status: int, code: str
) -> None:
    """The caller's fault is a 4xx, none of his a 5xx; nothing is let through."""
    answer = asked(monkeypatch, refusal)
    assert answer.status_code == status
    assert f"<Code>{code}</Code>" in answer.text
    assert "let through" not in answer.text


def test_a_query_without_a_signature_is_refused_without_asking(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """As Heat does itself."""
    answer = asked(monkeypatch, AssertionError("asked"), "/v1/?Action=ListStacks")
    assert answer.status_code == 400
    assert "<Code>IncompleteSignature</Code>" in answer.text


def test_a_signature_that_is_not_taken_is_told_why(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keystone itself does not say which of the reasons it was."""
    text = asked(monkeypatch, keystone.Unauthorized("no")).text
    assert "older than Keystone allows" in text
