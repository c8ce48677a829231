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

    def post(self, *_asked: Any, **_said: Any) -> Any:
        """Refuse."""
        raise self._refusal


class Taken(Keystone):
    """Takes every signature."""

    def __init__(self) -> None:
        super().__init__(AssertionError())

    def post(self, *_asked: Any, **_said: Any) -> Any:
        """Give a token."""
        said = {"token": {"project": {"name": "red", "id": "red-project"}}}
        return SimpleNamespace(json=lambda: said, headers={"X-Subject-Token": "token"})


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


def test_of_what_a_stack_has_not_nothing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """No "None" where a number or a time is expected; a text may be that word."""
    said = "<TimeoutInMinutes>None</TimeoutInMinutes><LastUpdatedTime>None</LastUpdatedTime>"
    kept = "<OutputValue>None</OutputValue><CreationTime>2026-01-01T00:00:00Z</CreationTime>"
    monkeypatch.setattr(SignedQueries, "_create_keystone_adapters", lambda _self: {None: Taken()})
    behind = filter_factory({"multi_cloud": ""})(webob.Response(said + kept))
    assert webob.Request.blank(SIGNED).get_response(behind).text == kept


def test_a_path_without_its_last_slash_is_one_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """As clients leave it out, and Heat has no such path."""
    monkeypatch.setattr(SignedQueries, "_create_keystone_adapters", lambda _self: {None: Taken()})

    def where(environ: dict[str, Any], start: Any) -> Any:
        return webob.Response(environ["PATH_INFO"])(environ, start)

    query = webob.Request.blank(SIGNED.replace("/v1/", "/v1"))
    query.path_info_pop()
    assert query.get_response(filter_factory({"multi_cloud": ""})(where)).text == "/"
