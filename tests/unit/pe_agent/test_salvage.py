# SPDX-License-Identifier: Apache-2.0
"""What is compiled when not everything can be."""

from __future__ import annotations

from isthmus.model.errors import InvalidValue
from isthmus.pe_agent.compile.inputs import Compiled, Inputs, Numbers
from isthmus.pe_agent.salvage import Compile, compile_all_or_most
from tests.actors import intent


def inputs(*vpn_ids: str) -> Inputs:
    """Make inputs with nothing but intents."""
    intents = {vpn_id: intent(vpn_id) for vpn_id in vpn_ids}
    return Inputs(intents, frozenset(), None, {}, frozenset(), Numbers())


def compile_unless(*bad: str, together: bool = False) -> Compile:
    """Make a compiler that fails with any of ``bad``, or only when all of them are there."""

    def compile_(given: Inputs) -> Compiled:
        found = given.intents.keys() & set(bad)
        if found and (not together or len(found) == len(bad)):
            raise InvalidValue("No.", f"{sorted(found)[0]} is bad.")
        return Compiled(frozenset(), frozenset(), Numbers(), dict.fromkeys(given.intents, "in"))

    return compile_


def test_when_all_is_well_all_is_compiled() -> None:
    """At the cost of one compilation."""
    salvaged = compile_all_or_most(compile_unless(), inputs("red", "blue"))
    assert salvaged.compiled is not None
    assert salvaged.refused == {}


def test_bad_intents_are_left_out_and_named() -> None:
    """The others go on."""
    salvaged = compile_all_or_most(compile_unless("b1", "b2"), inputs("red", "b1", "b2"))
    assert salvaged.compiled is not None
    assert salvaged.compiled.problems.keys() == {"red"}
    assert salvaged.refused == {
        "b1": "This intent can't be compiled: b1 is bad.",
        "b2": "This intent can't be compiled: b2 is bad.",
    }


def test_intents_that_only_fail_together_are_all_refused() -> None:
    """It can't be told whose fault it is; what is installed stays."""
    compile_ = compile_unless("red", "blue", together=True)
    salvaged = compile_all_or_most(compile_, inputs("red", "blue", "green"))
    assert salvaged.compiled is None
    assert salvaged.refused.keys() == {"red", "blue", "green"}


def test_a_fault_of_our_own_is_survived() -> None:
    """Without any intent to blame."""

    def fail(given: Inputs) -> Compiled:
        raise RuntimeError("A mistake.")

    assert compile_all_or_most(fail, inputs()).compiled is None
