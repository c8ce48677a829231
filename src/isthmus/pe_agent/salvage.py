# SPDX-License-Identifier: Apache-2.0
"""Compile what can be compiled: one VPN's bad intent never keeps the others from being served."""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Callable
from dataclasses import dataclass, field

from isthmus.model.errors import IsthmusError
from isthmus.pe_agent.compile.inputs import Compiled, Inputs

LOG = logging.getLogger(__name__)

Compile = Callable[[Inputs], Compiled]


@dataclass(frozen=True, slots=True)
class Salvaged:
    """The outcome.

    Attributes:
        compiled: of the intents that could be compiled; None if not even none of them could.
        refused: VPN id → why its intent was left out, a sentence for the operator.
    """

    compiled: Compiled | None
    refused: dict[str, str] = field(default_factory=dict)


def compile_all_or_most(compile_: Compile, inputs: Inputs) -> Salvaged:
    """Compile everything; if that fails, leave out the intents that fail alone."""
    try:
        return Salvaged(compile_(inputs))
    except Exception as error:
        LOG.exception("compile.failed vpns=%s", len(inputs.intents))
        refused = {
            vpn_id: reason
            for vpn_id in inputs.intents
            if (reason := _failure(compile_, inputs, {vpn_id})) is not None
        }
        good = inputs.intents.keys() - refused.keys()
        if refused and _failure(compile_, inputs, good) is None:
            return Salvaged(compile_(_with(inputs, good)), refused)
        everything = _sentence(error)
        return Salvaged(None, dict.fromkeys(inputs.intents, everything))


def _failure(compile_: Compile, inputs: Inputs, vpn_ids: set[str]) -> str | None:
    try:
        compile_(_with(inputs, vpn_ids))
    except Exception as error:
        return _sentence(error)
    return None


def _with(inputs: Inputs, vpn_ids: set[str]) -> Inputs:
    chosen = {vpn_id: inputs.intents[vpn_id] for vpn_id in vpn_ids}
    return dataclasses.replace(inputs, intents=chosen)


def _sentence(error: Exception) -> str:
    words = error.for_operator if isinstance(error, IsthmusError) else repr(error)
    return f"This intent can't be compiled: {words}"
