# SPDX-License-Identifier: Apache-2.0
"""Stacks, made by a real Heat on a region's real Neutron.

    test ─HTTP─▶ Heat (tests.heat_process) ─openstacksdk, HTTP─▶ Neutron (tests.served)

The cloud's work is done after each request of Heat's, in the thread that answers it.
"""

from __future__ import annotations

import base64
import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests

from tests.identity import token_of
from tests.served import Served

RED = "red-project"
# On a machine that does much else.
_PATIENCE_S = 200
CHECKOUT = Path(__file__).parents[1]
CONFIGURATION = """
[DEFAULT]
auth_encryption_key = 0123456789abcdef0123456789abcdef
deferred_auth_method = password
plugin_dirs = {checkout}/src/isthmus/heat/plugins
environment_dir = {folder}/environment.d
template_dir = {folder}/templates
region_name_for_services = west
num_engine_workers = 1
enable_stack_abandon = true
action_retry_limit = 1
log_file = {folder}/heat.log
[database]
connection = sqlite:///{folder}/heat.sqlite?timeout=200
sqlite_synchronous = false
[clients_keystone]
auth_uri = {url}/v3
[oslo_policy]
policy_file = {checkout}/etc/isthmus/heat-policy.yaml
[oslo_concurrency]
lock_path = {folder}
"""


@dataclass(frozen=True)
class Stack:
    """A stack as Heat shows it."""

    name: str
    shown: Mapping[str, Any]

    @property
    def state(self) -> str:
        """Action and status."""
        return str(self.shown["stack_status"])

    @property
    def reason(self) -> str:
        """Why it is so."""
        return str(self.shown["stack_status_reason"])

    @property
    def outputs(self) -> dict[str, Any]:
        """Its outputs, by name."""
        return {e["output_key"]: e["output_value"] for e in self.shown.get("outputs", ())}


class Heat:
    """Heat's API, as a caller with a token uses it.

    Attributes:
        url: where.
        served: the Neutron it acts on.
        files: what templates may get, by name.
    """

    def __init__(self, url: str, served: Served, who: str, **files: str) -> None:
        self.url, self.served, self._who = url, served, who
        self.files: Mapping[str, str] = files

    @property
    def cloudformation(self) -> str:
        """The URL of its CloudFormation API."""
        return f"{self.url.removesuffix('/v1')}/cloudformation/v1"

    def by(self, who: str, **files: str) -> Heat:
        """Return the same, used by another project's member, or by the operator."""
        return Heat(self.url, self.served, who, **files)

    def ask(self, method: str, path: str, body: Any = None) -> requests.Response:
        """Ask the API."""
        said = json.dumps(token_of(self._who, self.served.url, self.served.elsewhere)).encode()
        headers = {"X-Auth-Token": self._who, "X-Token-Info": base64.b64encode(said).decode()}
        url = f"{self.url}/{token_of(self._who, '')['token']['project']['id']}{path}"
        return requests.request(
            method, url, json=body, headers=headers, timeout=60, allow_redirects=True
        )

    def create(self, name: str, template: str, **parameters: Any) -> Stack:
        """Make a stack and wait for the end."""
        self.begin(name, template, **parameters)
        return self.wait(name)

    def begin(self, name: str, template: str, **parameters: Any) -> None:
        """Ask for a stack."""
        self.refused(name, template, **parameters, _expected=201)

    def refused(self, name: str, template: str, _expected: int = 400, **parameters: Any) -> str:
        """Ask for a stack that is refused; return the sentence."""
        body = {"stack_name": name, "template": template, "parameters": parameters}
        body["files"] = dict(self.files)
        answer = self.ask("POST", "/stacks", body)
        assert answer.status_code == _expected, answer.text
        return str(answer.json().get("error", {}).get("message", ""))

    def update(
        self,
        name: str,
        template: str,
        *,
        converge: bool = False,
        minutes: int | None = None,
        **parameters: Any,
    ) -> Stack:
        """Change a stack, or with ``converge`` what is not as it says, and wait for the end.

        With ``minutes``, of ten seconds each, this and all that follows may last as long.
        """
        self.begin_to_update(name, template, converge=converge, minutes=minutes, **parameters)
        return self.wait(name, "UPDATE")

    def begin_to_update(
        self,
        name: str,
        template: str,
        *,
        converge: bool = False,
        minutes: int | None = None,
        **parameters: Any,
    ) -> None:
        """Ask for a change; as ``update``."""
        body = {"template": template, "parameters": parameters, "converge": converge}
        body["files"] = dict(self.files)
        if minutes is not None:
            body["timeout_mins"] = minutes
        self._accepted(self.ask("PUT", self.path(name), body))

    def act(self, name: str, action: str) -> Stack:
        """Suspend, resume or check a stack and wait for the end."""
        self.begin_to_act(name, action)
        return self.wait(name, action.upper())

    def begin_to_act(self, name: str, action: str) -> None:
        """Ask for a stack to be suspended, resumed or checked."""
        self._accepted(self.ask("POST", f"{self.path(name)}/actions", {action: None}))

    def signal(self, name: str, resource: str) -> None:
        """Signal a resource of a stack."""
        path = f"{self.path(name)}/resources/{resource}/signal"
        self._accepted(self.ask("POST", path, {}))

    def begin_to_delete(self, name: str) -> None:
        """Ask for a stack's deletion."""
        self._accepted(self.ask("DELETE", self.path(name)))

    def delete(self, name: str) -> None:
        """Delete a stack and wait until it is gone."""
        self.begin_to_delete(name)
        assert self.wait_for(lambda: self.is_gone(name)), self.resources(name)

    def is_gone(self, name: str) -> bool:
        """Whether there is no such stack any more; a failed deletion is an error."""
        answer = self.ask("GET", f"/stacks/{name}?resolve_outputs=False")
        stack = answer.json().get("stack", {})
        assert stack.get("stack_status") != "DELETE_FAILED", stack["stack_status_reason"]
        return answer.status_code == 404

    def fail_to_delete(self, name: str) -> Stack:
        """Ask for a stack's deletion and wait until that fails."""
        self.begin_to_delete(name)
        return self.wait(name, "DELETE")

    def wait_for(self, is_so: Callable[[], bool]) -> bool:
        """Wait for something; False if it never comes."""
        end = time.monotonic() + _PATIENCE_S
        while time.monotonic() < end:
            if is_so():
                return True
            time.sleep(0.1)
        return False

    def show(self, name: str, *, is_whole: bool = True) -> Stack:
        """Return a stack; its outputs, too, unless it is being changed."""
        answer = self.ask("GET", f"/stacks/{name}?resolve_outputs={is_whole}")
        assert answer.status_code == 200, answer.text
        return Stack(name, answer.json()["stack"])

    def wait(self, name: str, action: str = "") -> Stack:
        """Wait for the end of what is going on."""

        def is_at_its_end() -> bool:
            state = self.show(name, is_whole=False).state
            return state.startswith(action) and not state.endswith("_IN_PROGRESS")

        assert self.wait_for(is_at_its_end), self.resources(name)
        return self.show(name)

    def resources(self, name: str) -> dict[str, dict[str, Any]]:
        """Return a stack's resources, by name."""
        listed = self.ask("GET", f"{self.path(name)}/resources").json()["resources"]
        return {each["resource_name"]: each for each in listed}

    def events(self, name: str) -> list[str]:
        """Return why a stack's resources came to be as they were, the last first."""
        listed = self.ask("GET", f"{self.path(name)}/events?sort_dir=desc").json()["events"]
        return [each["resource_status_reason"] for each in listed]

    def resource(self, stack: str, name: str) -> dict[str, Any]:
        """Return one with its attributes."""
        answer = self.ask("GET", f"{self.path(stack)}/resources/{name}")
        found: dict[str, Any] = answer.json()["resource"]
        return found

    def schema(self, kind: str) -> dict[str, Any]:
        """Return what Heat tells of a type of resource."""
        answer = self.ask("GET", f"/resource_types/{kind}")
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def path(self, name: str) -> str:
        """Return where a stack is, in the API."""
        return f"/stacks/{name}/{self.show(name, is_whole=False).shown['id']}"

    def _accepted(self, answer: requests.Response) -> None:
        assert answer.status_code in (200, 202, 204), answer.text


@contextmanager
def heat_on(served: Served, folder: Path, who: str = RED) -> Iterator[Heat]:
    """Run Heat on a region that is served, while the context lasts."""
    configuration = CONFIGURATION.format(folder=folder, url=served.url, checkout=CHECKOUT)
    (folder / "heat.conf").write_text(configuration)
    errors = folder / "heat.err"
    with (
        errors.open("w") as out,
        subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", "tests.heat_process", folder],
            cwd=CHECKOUT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=out,
            text=True,
        ) as process,
    ):
        assert process.stdout is not None
        port = process.stdout.readline().strip()
        try:
            assert port, errors.read_text()[-3000:]
            yield Heat(f"http://127.0.0.1:{port}/v1", served, who)
        finally:
            process.kill()
