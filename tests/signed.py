# SPDX-License-Identifier: Apache-2.0
"""A CloudFormation API of Heat's, as boto3 speaks to it: by queries signed with a credential."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import boto3
from botocore.client import Config
from botocore.exceptions import ClientError

from lab.waiting import wait_until

#: The access keys, and the secret of each, that the tests' own Keystone knows.
KNOWN = ("red-project", "blue-project", "operator")
SECRET = "0123456789abcdef0123456789abcdef"
# A stack with servers takes half a minute where nothing else is at work.
_STACK_S = 300


@dataclass(frozen=True)
class Signed:
    """Stacks of one project in one region, asked for by signed queries.

    Attributes:
        url: of the CloudFormation API.
        region: what is signed for.
        access: the access key.
        secret: its secret.
    """

    url: str
    region: str
    access: str
    secret: str

    @property
    def client(self) -> Any:
        """boto3's."""
        return boto3.client(
            "cloudformation",
            endpoint_url=self.url,
            region_name=self.region,
            aws_access_key_id=self.access,
            aws_secret_access_key=self.secret,
            config=Config(retries={"total_max_attempts": 1}, proxies={}, read_timeout=120),
        )

    def create(self, name: str, template: str, /, **parameters: Any) -> dict[str, str]:
        """Make a stack; return its outputs."""
        self.client.create_stack(
            StackName=name, TemplateBody=template, Parameters=_pairs(parameters)
        )
        return self._settled(name, "CREATE")

    def update(self, name: str, template: str, /, **parameters: Any) -> dict[str, str]:
        """Change a stack; return its outputs."""
        self.client.update_stack(
            StackName=name, TemplateBody=template, Parameters=_pairs(parameters)
        )
        return self._settled(name, "UPDATE")

    def delete(self, name: str) -> None:
        """Delete a stack and wait until it is gone."""
        stack_id = self._stack(name)["StackId"]
        self.client.delete_stack(StackName=name)

        def is_gone() -> bool:
            # Of one that is gone its id tells, no more its name.
            stack = self._stack(stack_id)
            assert stack["StackStatus"] != "DELETE_FAILED", stack["StackStatusReason"]
            return bool(stack["StackStatus"] == "DELETE_COMPLETE")

        wait_until(is_gone, _STACK_S, f"the end of {name}", every_s=0.5)

    def resources(self, name: str) -> dict[str, dict[str, Any]]:
        """Return a stack's resources by name."""
        listed = self.client.describe_stack_resources(StackName=name)["StackResources"]
        return {each["LogicalResourceId"]: each for each in listed}

    def refused_with(self) -> tuple[int, str] | None:
        """Ask for the list of stacks; return the HTTP status and code of the refusal, if any."""
        try:
            self.client.list_stacks()
        except ClientError as error:
            answer = error.response
            return answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Code"]
        return None

    def _stack(self, name: str) -> dict[str, Any]:
        (stack,) = self.client.describe_stacks(StackName=name)["Stacks"]
        return dict(stack)

    def _settled(self, name: str, action: str) -> dict[str, str]:
        found: list[dict[str, Any]] = []

        def look() -> bool:
            found[:] = [self._stack(name)]
            status = found[0]["StackStatus"]
            return bool(status.startswith(action) and not status.endswith("IN_PROGRESS"))

        wait_until(look, _STACK_S, f"{action} of {name}", every_s=0.5)
        stack = found[0]
        assert stack["StackStatus"] == f"{action}_COMPLETE", stack["StackStatusReason"]
        return {each["OutputKey"]: each["OutputValue"] for each in stack["Outputs"]}


def _pairs(parameters: Mapping[str, Any]) -> list[dict[str, str]]:
    return [{"ParameterKey": k, "ParameterValue": str(v)} for k, v in parameters.items()]
