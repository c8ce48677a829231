# SPDX-License-Identifier: Apache-2.0
"""Answers where a packet goes: computes the path and holds it against the switch."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_address
from typing import Any

from isthmus.model.errors import EdgeError, InvalidValue
from isthmus.model.provider_edge import ProviderEdge
from isthmus.pe_agent.look.parts import describe_agent
from isthmus.pe_agent.look.view import View
from isthmus.pe_agent.openflow.writer import PacketTracer
from isthmus.pe_agent.trace.check import checked
from isthmus.pe_agent.trace.path import Question, Trace, as_json, trace

_MOST_OCTETS = 65535


class Tracing:
    """Traces in one PE. Safe for threads.

    Args:
        pe: its configuration.
        switch: tells what it would do.
    """

    def __init__(self, pe: ProviderEdge, switch: PacketTracer) -> None:
        self._pe = pe
        self._switch = switch

    def answer(self, view: View, asked: Any) -> dict[str, Any]:
        """Trace what is asked.

        Raises:
            InvalidValue: the question can't be understood, or names nobody of this PE.
        """
        question = read_question(asked)
        if view.done is None or view.compiled is None:
            raise InvalidValue(" ".join(("Nothing has been compiled yet.", *view.waits_for)))
        # The numbers given out last, not those that were known before.
        inputs = replace(view.done.inputs, numbers=view.compiled.numbers)
        path = trace(self._pe, inputs, view.compiled, question)
        unread: list[str] = []
        try:
            path = self._check(path)
        except EdgeError as error:
            unread.append(error.for_operator)
        return {"agent": describe_agent(view), "unread": unread, **as_json(path)}

    def _check(self, path: Trace) -> Trace:
        if path.failed is not None:
            return path
        return checked(
            path, [self._switch.trace(each[0].packet.outermost()) for each in path.checks]
        )


def read_question(asked: Any) -> Question:
    """Read a question as it comes over the socket.

    Raises:
        InvalidValue: something is missing or is not what it should be.
    """
    if not isinstance(asked, dict):
        raise InvalidValue("What is to be traced is a JSON object.")
    try:
        destination = ip_address(str(asked["to"]))
        octets = int(asked.get("octets", 64))
        label = int(asked.get("label") or 0)
    except KeyError:
        raise InvalidValue("Say to which address.") from None
    except (TypeError, ValueError) as error:
        raise InvalidValue(f"That can't be traced: {error}.") from None
    source = str(asked.get("from") or "")
    if bool(source) == bool(label):
        raise InvalidValue("Say either from which port, MAC or address, or with which label.")
    if not 0 < octets <= _MOST_OCTETS:
        raise InvalidValue(f"A packet of {octets} octets there is not.")
    return Question(destination, source, label, octets)
