# SPDX-License-Identifier: Apache-2.0
"""What the agent remembers over restarts, as one JSON file: the last intent, the numbers given.

With it the agent restarts and forwards without Neutron and without a message queue.

Intents in a file of an agent from before a change of the contract may lack what that agent could
not read: an agent from before IPv6 wrote no ``labels_ipv6``, one from before ports with VPNs of
their own no ``port_circuits``. They are forwarded by, but as one generation older than they are: so
the server, which is told, sends them once more. An agent from before reads what this one writes.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from isthmus.model.errors import InvalidValue
from isthmus.model.intent import VrfIntent
from isthmus.model.ip import AddressFamily
from isthmus.pe_agent.compile.inputs import Numbers
from isthmus.pe_agent.compile.numbers import LabelKey, VrfKey
from isthmus.rpc.contract import decode_vrf_intent, encode_vrf_intent

LOG = logging.getLogger(__name__)

FORMAT = 1
_LABELS = {AddressFamily.IPV4: "labels", AddressFamily.IPV6: "labels_ipv6"}


@dataclass(frozen=True, slots=True)
class Memory:
    """What is remembered.

    Attributes:
        intents: VPN id → its part on this PE.
        numbers: VRF numbers and labels given out.
    """

    intents: Mapping[str, VrfIntent]
    numbers: Numbers


class StateFile:
    """One file, replaced as a whole; a reader sees the old or the new one, never a part."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def exists(self) -> bool:
        """Return whether there was a former life."""
        return self._path.exists()

    def load(self) -> Memory | None:
        """Return what was saved last; None if nothing was, or it can't be read.

        A file that can't be read is set aside under another name, for a person to look at.
        """
        try:
            return decode_memory(self._path.read_bytes())
        except FileNotFoundError:
            return None
        except (OSError, InvalidValue) as error:
            aside = self._path.with_suffix(".unreadable")
            LOG.error("state.unreadable path=%s set_aside=%s error=%r", self._path, aside, error)
            self._set_aside(aside)
            return None

    def save(self, memory: Memory) -> None:
        """Replace what is on disk; returns once it would survive a power cut.

        Raises:
            OSError: the disk did not take it; the last file is as it was.
        """
        self._path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        draft = self._path.with_suffix(".draft")
        with draft.open("wb") as file:
            file.write(encode_memory(memory))
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self._path)
        directory = os.open(self._path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)

    def _set_aside(self, aside: Path) -> None:
        try:
            self._path.replace(aside)
        except OSError as error:
            LOG.warning("state.not_set_aside path=%s error=%r", self._path, error)


def encode_memory(memory: Memory) -> bytes:
    """Encode as JSON."""
    numbers = memory.numbers
    plain = {
        "format": FORMAT,
        "intents": [encode_vrf_intent(memory.intents[vpn_id]) for vpn_id in sorted(memory.intents)],
        "vrf_numbers": [[*key, number] for key, number in sorted(numbers.by_vrf.items())],
        **{
            name: [
                [*key, label] for (key, of), label in sorted(numbers.labels.items()) if of is family
            ]
            for family, name in _LABELS.items()
        },
        "last_vrf": numbers.last_vrf,
        "last_label": numbers.last_label,
    }
    return json.dumps(plain, indent=1).encode()


def decode_memory(octets: bytes) -> Memory:
    """Decode what ``encode_memory`` made.

    Raises:
        InvalidValue: any part can't be read.
    """
    try:
        plain = json.loads(octets)
        if plain["format"] != FORMAT:
            raise InvalidValue(f"Format {plain['format']!r} of the state file is not {FORMAT}.")
        intents = [_decode_intent(part) for part in plain["intents"]]
        numbers = Numbers(
            by_vrf=_decode_numbers(plain["vrf_numbers"]),
            labels=dict(_decode_labels(plain)),
            last_vrf=_whole(plain["last_vrf"]),
            last_label=_whole(plain["last_label"]),
        )
    except InvalidValue:
        raise
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise InvalidValue(f"The state file can't be read: {error!r}.") from error
    return Memory({intent.vpn_id: intent for intent in intents}, numbers)


def _decode_intent(plain: Mapping[str, Any]) -> VrfIntent:
    intent = decode_vrf_intent(plain)
    if "port_circuits" in plain:
        return intent
    return replace(intent, generation=intent.generation - 1)


def _decode_labels(plain: Mapping[str, Any]) -> Iterator[tuple[LabelKey, int]]:
    for family, name in _LABELS.items():
        rows = plain[name] if family is AddressFamily.IPV4 else plain.get(name, [])
        for key, label in _decode_numbers(rows).items():
            yield (key, family), label


def _decode_numbers(rows: list[list[Any]]) -> dict[VrfKey, int]:
    return {tuple(str(vpn_id) for vpn_id in row[:-1]): _whole(row[-1]) for row in rows}


def _whole(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise InvalidValue(f"{value!r} is not a number that could have been given out.")
    return value
