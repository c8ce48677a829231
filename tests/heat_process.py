# SPDX-License-Identifier: Apache-2.0
"""``python -m tests.heat_process FOLDER``: Heat, all of it, in a process of its own.

    HTTP ─▶ heat-api's application ─▶ fake:// ─▶ EngineService, convergence workers ─▶ SQLite

Nothing of Heat is replaced, but for its pause between two looks at a resource, a twentieth of a
second, not a whole one, and for how long the minutes are that a stack is given: ten seconds.
Before its API stands a stand-in for keystonemiddleware, which takes whoever has a token for what
the caller says, or else Keystone's (``tests.identity``). Heat and Neutron define the same options,
so that they can't share a process.

FOLDER holds ``heat.conf``; the port is printed. It ends when its input does.
"""

from __future__ import annotations

import base64
import json
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from socketserver import ThreadingMixIn
from types import SimpleNamespace
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import requests
from oslo_config import cfg
from oslo_db import options as database_options
from oslo_log import log
from oslo_service import backend
from sqlalchemy import event

# Before anything of the engine is imported.
backend.init_backend(backend.BackendType.THREADING)

from heat.api import openstack  # noqa: E402
from heat.api.middleware import fault  # noqa: E402
from heat.api.openstack import v1  # noqa: E402
from heat.common import config, context, messaging  # noqa: E402
from heat.db import api as db_api  # noqa: E402
from heat.db import models  # noqa: E402
from heat.engine import scheduler, service, stack  # noqa: E402
from heat.rpc import api as rpc_api  # noqa: E402

from isthmus.heat import clients  # noqa: E402
from tests.heat_cloudformation import TOKEN_INFO, beside  # noqa: E402

_PAUSE_S = 0.05
_A_MINUTE_S = 10


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _Quiet(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the library's name
        """Write nothing."""


def identify(application: Callable[..., Any], url: str) -> Callable[..., Any]:
    """Put before an application what keystonemiddleware would say of the caller."""

    def answer(environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        told = environ.pop(TOKEN_INFO, None)
        said = json.loads(base64.b64decode(told)) if told else tell(environ, url)
        token = said["token"]
        environ |= {
            "keystone.token_info": said,
            "HTTP_X_IDENTITY_STATUS": "Confirmed",
            "HTTP_X_USER_ID": token["user"]["id"],
            "HTTP_X_USER_NAME": token["user"]["name"],
            "HTTP_X_USER_DOMAIN_ID": "default",
            "HTTP_X_PROJECT_ID": token["project"]["id"],
            "HTTP_X_PROJECT_NAME": token["project"]["name"],
            "HTTP_X_PROJECT_DOMAIN_ID": "default",
            "HTTP_X_ROLES": ",".join(each["name"] for each in token["roles"]),
            # What Heat keeps for its workers (deferred_auth_method).
            "HTTP_X_AUTH_USER": token["user"]["name"],
            "HTTP_X_AUTH_KEY": "a-secret",
            "HTTP_X_AUTH_URL": url,
        }
        answered: Iterable[bytes] = application(environ, start)
        return answered

    return answer


def tell(environ: Mapping[str, Any], url: str) -> dict[str, Any]:
    """Ask Keystone whose token a request has."""
    token = str(environ.get("HTTP_X_AUTH_TOKEN", ""))
    headers = {"X-Auth-Token": token, "X-Subject-Token": token}
    answer: dict[str, Any] = requests.get(f"{url}/auth/tokens", headers=headers, timeout=60).json()
    return answer


def begin(
    _connection: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, _is_many: Any
) -> tuple[str, Any]:
    """Have a transaction wait for others at its beginning: later, SQLite refuses it."""
    return ("BEGIN IMMEDIATE" if statement == "BEGIN" else statement), parameters


def main(folder: Path) -> None:
    """Run it until the input ends."""
    log.register_options(cfg.CONF)
    cfg.CONF(["--config-file", str(folder / "heat.conf")], project="heat", prog="heat-engine")
    log.setup(cfg.CONF, "heat")
    database_options.set_defaults(cfg.CONF)
    for table in models.BASE.metadata.tables.values():
        # As MariaDB does, never give a number twice: the engine deletes by numbers it had before.
        table.dialect_options["sqlite"]["autoincrement"] = True
    event.listen(db_api.get_engine(), "before_cursor_execute", begin, retval=True)
    models.BASE.metadata.create_all(db_api.get_engine())
    scheduler.time = SimpleNamespace(sleep=lambda asked: time.sleep(min(asked, _PAUSE_S)))
    seconds = stack.Stack.timeout_secs
    stack.Stack.timeout_secs = lambda of: (
        seconds(of) if of.timeout_mins is None else of.timeout_mins * _A_MINUTE_S
    )
    # A region out of reach answers 503 here, or refuses; a slow machine is no such region.
    clients.TIMEOUT_S = 100.0
    messaging.setup("fake://", optional=True)
    engine = service.EngineService(socket.gethostname(), rpc_api.ENGINE_TOPIC)
    engine.start()
    application = fault.FaultWrapper(context.ContextMiddleware(v1.API({}), {}))
    url = config.get_client_option("keystone", "auth_uri")
    versioned = openstack.version_negotiation_filter(identify(application, url), {})
    both = beside(versioned, partial(identify, url=url), url)
    with make_server("127.0.0.1", 0, both, _Server, _Quiet) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        print(server.server_port, flush=True)  # noqa: T201  what the parent waits for
        sys.stdin.read()
        server.shutdown()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
