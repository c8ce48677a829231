# SPDX-License-Identifier: Apache-2.0
"""Heat's CloudFormation API as it stands before the engine, for ``tests.heat_process``.

    boto3 ─▶ the version ─▶ ``isthmus.heat.signed_queries`` ─▶ who it is ─▶ Heat's API

Of Keystone, which looks at signatures, this stands in for what it does with them: it makes them
anew, with the class that Keystone itself makes them with. Who signs is called as his access key.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable
from types import SimpleNamespace
from typing import Any

import requests
from heat.api import cfn
from heat.api.cfn import v1
from heat.common import context
from keystoneauth1 import exceptions
from keystoneclient.contrib.ec2.utils import Ec2Signer

from isthmus.heat.signed_queries import SignedQueries
from tests.signed import KNOWN, SECRET

#: Where who identifies the caller wants to be told of the token.
TOKEN_INFO = "HTTP_X_TOKEN_INFO"
#: Where it is.
PATH = "/cloudformation"
Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


class _Keystone:
    """Gives a token for a signature."""

    session = SimpleNamespace(auth=None)

    def __init__(self, url: str) -> None:
        self._url = url

    def get_endpoint(self) -> str:
        """Where it is."""
        return self._url

    def post(self, _url: str, data: str, headers: Any) -> Any:
        """Return the token, which is what is told of it."""
        del headers
        asked = json.loads(data)["ec2Credentials"]
        if asked["access"] not in KNOWN:
            raise exceptions.NotFound("EC2 access key not found.")
        if Ec2Signer(SECRET).generate(asked) != asked["signature"]:
            raise exceptions.Unauthorized("Invalid EC2 signature.")
        by_name = {"identity": {"password": {"user": {"name": asked["access"]}}}}
        answer = requests.post(f"{self._url}/auth/tokens", json={"auth": by_name}, timeout=60)
        told = answer.json()
        told["token"]["methods"] = ["ec2credential"]
        token = base64.b64encode(json.dumps(told).encode()).decode()
        return SimpleNamespace(json=lambda: told, headers={"X-Subject-Token": token})


class _Signed(SignedQueries):
    """With that Keystone."""

    def __init__(self, application: Application, url: str) -> None:
        self._url = url
        super().__init__(application, {"multi_cloud": ""})

    def _create_keystone_adapters(self) -> dict[str | None, _Keystone]:
        return {None: _Keystone(self._url)}


def beside(
    application: Application, identify: Callable[[Application], Application], url: str
) -> Application:
    """Return an application with the CloudFormation API beside it, at `PATH`.

    Args:
        application: what answers everything else.
        identify: puts before an application what says who the caller is.
        url: Keystone's.
    """
    identified = identify(context.ContextMiddleware(v1.API({}), {}))

    def tell(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        token = environ["HTTP_X_AUTH_TOKEN"]
        who = json.loads(base64.b64decode(token))["token"]["user"]["id"]
        return identified(environ | {TOKEN_INFO: token, "HTTP_X_AUTH_TOKEN": who}, start)

    signed: Application = cfn.version_negotiation_filter(_Signed(tell, url), {})

    def choose(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        if not path.startswith(PATH):
            return application(environ, start)
        environ |= {"SCRIPT_NAME": PATH, "PATH_INFO": path.removeprefix(PATH)}
        return signed(environ, start)

    return choose
