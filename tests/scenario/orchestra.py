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
# A stack takes half a minute where nothing else is at work, with servers one more; many beside each
# other on a machine that does much else, ten.
_STACK_S, _BEGUN_S = 600, 60
FAILED = "DELETE_FAILED"


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


def update(
    cloud: Cloud, name: str, template: str, /, *, timeout_mins: int = 60, **parameters: Any
) -> dict[str, Any]:
    """Change a stack; return its outputs.

    Args:
        cloud: whose it is.
        name: of the stack.
        template: with the change.
        timeout_mins: how long this, and whatever is asked for later, may take.
        parameters: of the template.
    """
    heat = cloud.connection.orchestration
    stack = heat.get_stack(name, resolve_outputs=False)
    heat.update_stack(stack, template=template, parameters=parameters, timeout_mins=timeout_mins)
    return settled(cloud, name, "UPDATE")


def delete(cloud: Cloud, name: str) -> None:
    """Delete a stack and wait until it is gone."""
    begin_to_delete(cloud, name)
    wait_for_end(cloud, name)


def begin_to_delete(cloud: Cloud, name: str) -> None:
    """Ask for a stack's deletion, if there is one."""
    heat = cloud.connection.orchestration
    # One that was on its way out already may be gone by now.
    with suppress(NotFoundException):
        stack = heat.get_stack(name, resolve_outputs=False)
        heat.delete_stack(stack)
        if stack.status == FAILED:
            # Of the former attempt, for a moment.
            begun = partial(lambda: state(cloud, name) != FAILED)
            wait_until(begun, _BEGUN_S, f"another attempt to delete {name}")


def wait_for_end(cloud: Cloud, name: str) -> None:
    """Return once there is no such stack any more."""
    wait_until(partial(_is_gone, cloud, name), _STACK_S, f"the end of {name}", every_s=0.5)


def abandon(cloud: Cloud, name: str) -> None:
    """Have Heat forget a stack, whatever there is of it."""
    heat = cloud.connection.orchestration
    stack = heat.get_stack(name, resolve_outputs=False)
    answer = heat.delete(f"/stacks/{name}/{stack.id}/abandon")
    assert answer.ok, answer.text


def forget_stacks(cloud: Cloud) -> None:
    """Delete what tests left."""
    heat = cloud.connection.orchestration
    names = [stack.name for stack in heat.stacks() if stack.name.startswith(PREFIX)]
    for step in begin_to_delete, wait_for_end:
        for name in names:
            step(cloud, name)


def has_nothing(cloud: Cloud, name: str) -> bool:
    """Whether a site's network API has nothing called as a stack is."""
    kinds = ("networks", "routers", "bgpvpn/bgpvpns", "vtn/virtual_tenant_networks")
    found = (cloud.call("GET", f"/{kind}?name={name}") for kind in kinds)
    return not any(resources for answer in found for resources in answer.values())


def settled(cloud: Cloud, name: str, action: str) -> dict[str, Any]:
    """Wait for the end of what a stack is at; return its outputs."""
    failed = ended(cloud, name, action)
    assert not failed, failed
    outputs = cloud.connection.orchestration.get_stack(name).outputs
    return {each["output_key"]: each["output_value"] for each in outputs}


def ended(cloud: Cloud, name: str, action: str) -> str:
    """Wait for the end of what a stack is at; return why it failed, if it did."""
    heat = cloud.connection.orchestration
    found: list[Any] = []

    def look() -> bool:
        stack = heat.get_stack(name, resolve_outputs=False)
        found[:] = [stack]
        return bool(stack.status.startswith(action) and not stack.status.endswith("IN_PROGRESS"))

    wait_until(look, _STACK_S, f"{action} of {name}", every_s=0.5)
    is_well = found[0].status == f"{action}_COMPLETE"
    return "" if is_well else f"{name} is {found[0].status}: {found[0].status_reason}"


def _is_gone(cloud: Cloud, name: str) -> bool:
    stack = cloud.connection.orchestration.find_stack(name, resolve_outputs=False)
    # One that is asked for again is cancelled first.
    is_well = stack is None or stack.status != FAILED or "cancelled" in stack.status_reason
    assert is_well, stack.status_reason
    return stack is None
