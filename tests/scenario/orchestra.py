# SPDX-License-Identifier: Apache-2.0
"""Stacks of the lab's Heat: made, changed and deleted, each to its end."""

from __future__ import annotations

from contextlib import suppress
from functools import partial
from typing import Any

from openstack.exceptions import NotFoundException

from lab.demo.cloud import Cloud
from lab.waiting import wait_until

#: What a test's stacks are called, and what is in them.
PREFIX = "heat-"
# A stack takes half a minute where nothing else is at work, with servers one more.
_STACK_S = 300


def create(cloud: Cloud, name: str, template: str, /, **parameters: Any) -> dict[str, Any]:
    """Make a stack; return its outputs."""
    begin(cloud, name, template, **parameters)
    return settled(cloud, name, "CREATE")


def begin(cloud: Cloud, name: str, template: str, /, **parameters: Any) -> None:
    """Ask for a stack."""
    heat = cloud.connection.orchestration
    heat.create_stack(name=name, template=template, parameters=parameters)


def state(cloud: Cloud, name: str, resource: str = "") -> str:
    """Return the state of a stack, or of a resource in it."""
    heat = cloud.connection.orchestration
    stack = heat.get_stack(name, resolve_outputs=False)
    if not resource:
        return str(stack.status)
    return next(str(each.status) for each in heat.resources(stack) if each.name == resource)


def update(cloud: Cloud, name: str, template: str, /, **parameters: Any) -> dict[str, Any]:
    """Change a stack; return its outputs."""
    heat = cloud.connection.orchestration
    stack = heat.get_stack(name, resolve_outputs=False)
    heat.update_stack(stack, template=template, parameters=parameters)
    return settled(cloud, name, "UPDATE")


def delete(cloud: Cloud, name: str) -> None:
    """Delete a stack and wait until it is gone."""
    heat = cloud.connection.orchestration
    # One that was on its way out already may be gone by now.
    with suppress(NotFoundException):
        heat.delete_stack(heat.get_stack(name, resolve_outputs=False))
    wait_until(partial(_is_gone, cloud, name), _STACK_S, f"the end of {name}", every_s=0.5)


def forget_stacks(cloud: Cloud) -> None:
    """Delete what tests left."""
    heat = cloud.connection.orchestration
    names = [stack.name for stack in heat.stacks() if stack.name.startswith(PREFIX)]
    for name in names:
        delete(cloud, name)


def has_nothing(cloud: Cloud, name: str) -> bool:
    """Whether a site's network API has nothing called as a stack is."""
    kinds = ("networks", "routers", "bgpvpn/bgpvpns", "vtn/virtual_tenant_networks")
    found = (cloud.call("GET", f"/{kind}?name={name}") for kind in kinds)
    return not any(resources for answer in found for resources in answer.values())


def settled(cloud: Cloud, name: str, action: str) -> dict[str, Any]:
    """Wait for the end of what a stack is at; return its outputs."""
    heat = cloud.connection.orchestration
    found: list[Any] = []

    def look() -> bool:
        stack = heat.get_stack(name, resolve_outputs=False)
        found[:] = [stack]
        return bool(stack.status.startswith(action) and not stack.status.endswith("IN_PROGRESS"))

    wait_until(look, _STACK_S, f"{action} of {name}", every_s=0.5)
    assert found[0].status == f"{action}_COMPLETE", found[0].status_reason
    outputs = heat.get_stack(name).outputs
    return {each["output_key"]: each["output_value"] for each in outputs}


def _is_gone(cloud: Cloud, name: str) -> bool:
    stack = cloud.connection.orchestration.find_stack(name, resolve_outputs=False)
    assert stack is None or stack.status != "DELETE_FAILED", stack.status_reason
    return stack is None
