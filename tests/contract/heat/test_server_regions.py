# SPDX-License-Identifier: Apache-2.0
"""``OS::Isthmus::InterconnectedServer`` through a real Heat, where its region does not answer.

Neutron is real; the compute and image APIs of both regions are fakes that fail on purpose.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from tests.contract.heat.servers import SERVER, SILENCE, eventually

if TYPE_CHECKING:
    from tests.fakes.compute import Compute
    from tests.stacks import Heat
    from tests.vtn_site import Peer, Region

# Heat takes a loaded machine a while to start.
pytestmark = pytest.mark.timeout(600)


def test_a_region_where_nobody_listens_is_named_and_what_was_made_stays(
    west: Region, peer: Peer, heat: Heat
) -> None:
    """And a stack without a server is deleted though nobody answers."""
    stack = heat.create("silent", SERVER, site="west", policy="fail")
    assert stack.state == "CREATE_FAILED"
    assert "The region of the site west does not answer" in stack.reason
    assert len(west.networks()) == 1
    heat.delete("silent")
    assert not west.networks()


def test_a_stack_that_waits_for_a_region_may_be_deleted_meanwhile(
    heat: Heat, there: Compute
) -> None:
    """Of what was never made nothing has to be waited for."""
    there.is_out = True
    heat.begin("patient", SERVER)
    eventually(heat, lambda: heat.resources("patient")["shop"]["resource_status"].endswith("E"))
    assert heat.show("patient", is_whole=False).state == "CREATE_IN_PROGRESS"
    heat.delete("patient")


def test_a_stack_waits_for_a_region_that_does_not_answer(heat: Heat, there: Compute) -> None:
    """And goes on by itself when it does."""
    there.is_out = True
    heat.refused("waits", SERVER, _expected=201)
    eventually(
        heat, lambda: heat.resources("waits")["shop"]["resource_status"] == "CREATE_COMPLETE"
    )
    assert heat.show("waits", is_whole=False).state == "CREATE_IN_PROGRESS"
    there.is_out = False
    stack = heat.wait("waits")
    assert stack.state == "CREATE_COMPLETE", stack.reason
    assert len(there.servers) == 1
    heat.delete("waits")


def test_a_stack_fails_if_wanted_names_the_region_and_is_finished_by_the_next_attempt(
    heat: Heat, there: Compute
) -> None:
    """What was made meanwhile stays."""
    there.is_out = True
    stack = heat.create("fails", SERVER, policy="fail")
    assert stack.state == "CREATE_FAILED"
    assert "The region of the site east does not answer" in stack.reason
    there.is_out = False
    again = heat.update("fails", SERVER, policy="fail")
    assert again.state == "UPDATE_COMPLETE", again.reason
    assert len(there.servers) == 1
    heat.delete("fails")
    assert not there.servers


def test_what_others_need_of_a_server_is_read_again_or_fails_with_the_region_named(
    heat: Heat, there: Compute
) -> None:
    """As the policy says; the next update reads it."""
    wanted = (
        "  told: {type: OS::Heat::Value, properties: {value: {get_attr: [base, first_address]}}}"
    )
    needed = SERVER.replace("outputs:", f"{wanted}\noutputs:")
    there.loses_views = 2
    stack = heat.create("read", needed)
    assert stack.state == "CREATE_COMPLETE", stack.reason
    assert there.loses_views == 0
    heat.delete("read")
    there.loses_views = 1
    stack = heat.create("read", needed, policy="fail")
    assert stack.state == "CREATE_FAILED"
    assert SILENCE in stack.reason
    again = heat.update("read", needed, policy="fail")
    assert again.state == "UPDATE_COMPLETE", again.reason
    heat.delete("read")


def test_a_server_whose_creation_was_not_answered_is_found_again(
    heat: Heat, there: Compute
) -> None:
    """There is one, not two; and with the stack it goes."""
    there.loses_answers = 1
    stack = heat.create("lost", SERVER)
    assert stack.state == "CREATE_COMPLETE", stack.reason
    assert list(there.servers) == [stack.outputs["id"]]
    heat.delete("lost")
    there.loses_answers = 1
    assert heat.create("lost", SERVER, policy="fail").state == "CREATE_FAILED"
    assert len(there.servers) == 1
    heat.delete("lost")
    assert not there.servers


def test_a_server_that_is_made_long_after_it_was_asked_for_is_no_second_one(
    heat: Heat, there: Compute
) -> None:
    """The region goes on with a request whose answer nobody got."""
    there.late_s = 3
    stack = heat.create("late", SERVER)
    assert stack.state == "CREATE_COMPLETE", stack.reason
    time.sleep(3)
    assert list(there.servers) == [stack.outputs["id"]]
    heat.delete("late")
    assert not there.servers


def test_a_stack_deleted_while_its_server_is_being_made_leaves_none(
    heat: Heat, there: Compute
) -> None:
    """Whoever deletes waits for the creation, and knows then what it made."""
    there.slow_s = 3
    heat.refused("hasty", SERVER, _expected=201)
    eventually(heat, lambda: bool(there.servers))
    heat.delete("hasty")
    assert not there.servers


def test_a_deletion_with_the_region_gone_waits_or_fails_and_is_finished_by_the_next(
    heat: Heat, there: Compute
) -> None:
    """By policy, and the reason names the region."""
    heat.create("stays", SERVER, policy="fail")
    there.is_out = True
    stack = heat.fail_to_delete("stays")
    assert stack.state == "DELETE_FAILED"
    assert "The region of the site east does not answer" in stack.reason
    there.is_out = False
    heat.delete("stays")
    assert not there.servers


def test_a_deletion_that_waits_names_the_region_and_again_when_its_time_is_over(
    heat: Heat, there: Compute
) -> None:
    """The resource's reason and an event meanwhile, the stack's reason at last."""
    heat.create("over", SERVER)
    heat.update("over", SERVER, minutes=3)
    there.is_out = True
    heat.begin_to_delete("over")

    def reason(name: str) -> str:
        return str(heat.resources("over")[name]["resource_status_reason"])

    eventually(heat, lambda: SILENCE in reason("base"))
    assert SILENCE in heat.events("over")
    stack = heat.wait("over", "DELETE")
    assert stack.state == "DELETE_FAILED"
    assert SILENCE in stack.reason
    eventually(heat, lambda: f"Timed out. {SILENCE}" in reason("base"))
    there.is_out = False
    heat.delete("over")
    assert not there.servers


@pytest.mark.parametrize(("action", "status"), [("suspend", "SUSPENDED"), ("resume", "ACTIVE")])
def test_a_server_is_suspended_and_resumed_when_its_region_answers_again(
    heat: Heat, there: Compute, action: str, status: str
) -> None:
    """The first request is lost; nobody has to ask twice."""
    heat.create(action, SERVER)
    if action == "resume":
        heat.act(action, "suspend")
    there.is_out = True
    heat.begin_to_act(action, action)
    eventually(heat, lambda: SILENCE in heat.resources(action)["base"]["resource_status_reason"])
    there.is_out = False
    assert heat.wait(action, action.upper()).state == f"{action.upper()}_COMPLETE"
    assert there.called("base")["status"] == status
    heat.delete(action)
