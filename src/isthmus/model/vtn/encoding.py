# SPDX-License-Identifier: Apache-2.0
"""Documents as JSON text (RFC 8259), and back.

What is published is read by other releases than wrote it: members nobody knows are left out, those
that a newer release has added have defaults. What is not understood otherwise is refused whole.

The types of the documents' fields are the format: each has one reader and one writer here.
"""

from __future__ import annotations

import json
import types
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from enum import StrEnum
from functools import cache
from ipaddress import IPv4Network, IPv6Network, ip_network
from typing import Any, Final, Union, cast, get_args, get_origin, get_type_hints

from isthmus.model.errors import InvalidValue
from isthmus.model.ids import RouteTarget
from isthmus.model.vtn.documents import (
    AnswerDocument,
    Document,
    Kind,
    MemberDocument,
    RequestDocument,
    SiteDocument,
    VtnDocument,
    name_of,
)

#: Of the format. A reader of another one refuses the document.
VERSION: Final = 1
#: Longest text that is read, in characters: a VTN of several thousand members.
LONGEST: Final = 4 * 1024 * 1024

_DOCUMENTS: Mapping[Kind, type] = {
    Kind.VTN: VtnDocument,
    Kind.MEMBER: MemberDocument,
    Kind.REQUEST: RequestDocument,
    Kind.ANSWER: AnswerDocument,
    Kind.SITE: SiteDocument,
}
_GREATEST = 2**63 - 1


def encode(document: Document) -> str:
    """Write a document; the same document always gives the same text.

    >>> encode(SiteDocument("west", "a", 7, 64500))
    '{"as_number":64500,"beat":7,"incarnation":"a","name":"west","version":1}'
    """
    members = {"version": VERSION, **cast("dict[str, object]", _plain(document))}
    return json.dumps(members, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def decode(kind: str, name: str, text: str) -> Document:
    """Read a document that was found under a kind and a name.

    Raises:
        InvalidValue: it is not one of ours, or not the one that belongs there.
    """
    try:
        form = _DOCUMENTS[Kind(kind)]
        members = _parse(text)
        if members.get("version") != VERSION:
            raise InvalidValue(f"The format is {members.get('version')!r}, not {VERSION}.")
        document = cast("Document", _read_object(form, members))
        if name_of(document) != name:
            raise InvalidValue(f"It is about {name_of(document)!r}.")
        if isinstance(document, VtnDocument):
            _check(document)
    except (ValueError, RecursionError) as error:
        raise InvalidValue(
            f"What is published as {kind}/{name} is not understood: {error}"
        ) from None
    return document


def _check(document: VtnDocument) -> None:
    sites = [each.site for each in document.members]
    if sites != sorted(set(sites)):
        raise InvalidValue("Its members are not in order of site, or one is there twice.")
    if not (document.epoch and document.generation):
        raise InvalidValue("Epochs and generations begin with 1.")


def _parse(text: str) -> Mapping[str, object]:
    if len(text) > LONGEST:
        raise InvalidValue(f"It has {len(text)} characters, more than {LONGEST}.")
    found = json.loads(text)
    if not isinstance(found, dict):
        raise InvalidValue("It is no JSON object.")
    return found


def _plain(value: object) -> object:
    """Return what JSON has for a value; what is as by default is left out."""
    if is_dataclass(value) and not isinstance(value, type | RouteTarget):
        return {
            each.name: _plain(said)
            for each in fields(value)
            if (said := getattr(value, each.name)) != each.default
        }
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    if isinstance(value, bool | int | float | str) or value is None:
        return value
    return str(value)


def _read_object(form: type, value: object) -> object:
    if not isinstance(value, dict):
        raise InvalidValue(f"{_shown(value)} is no JSON object.")
    said = {}
    for name, (read, is_needed) in _readers(form).items():
        if name in value:
            try:
                said[name] = read(value[name])
            except ValueError as error:
                raise InvalidValue(f"{name}: {error}") from None
        elif is_needed:
            raise InvalidValue(f"{name} is missing.")
    return form(**said)


@cache
def _readers(form: type) -> Mapping[str, tuple[Callable[[Any], object], bool]]:
    hints = get_type_hints(form)
    return {each.name: (_reader(hints[each.name]), _is_needed(each)) for each in fields(form)}


def _is_needed(field: Field[Any]) -> bool:
    return field.default is MISSING


def _reader(form: Any) -> Callable[[Any], object]:
    if form == IPv4Network | IPv6Network:
        return lambda value: ip_network(_text(value))
    if get_origin(form) in (Union, types.UnionType):
        (one,) = (each for each in get_args(form) if each is not types.NoneType)
        read_one = _reader(one)
        return lambda value: None if value is None else read_one(value)
    if get_origin(form) is tuple:
        read_each = _reader(get_args(form)[0])
        return lambda value: tuple(read_each(each) for each in _list(value))
    if form is RouteTarget:
        return lambda value: RouteTarget.parse(_text(value))
    if is_dataclass(form):
        return lambda value: _read_object(cast("type", form), value)
    if issubclass(form, StrEnum):
        return lambda value: form(_text(value))
    return _SCALARS[form]


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise InvalidValue(f"{_shown(value)} is no text.")
    value.encode()
    return value


def _truth(value: object) -> bool:
    if not isinstance(value, bool):
        raise InvalidValue(f"{_shown(value)} is neither true nor false.")
    return value


def _number(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= _GREATEST:
        raise InvalidValue(f"{_shown(value)} is no number between 0 and {_GREATEST}.")
    return value


def _seconds(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < _GREATEST:
        raise InvalidValue(f"{_shown(value)} is no time.")
    return float(value)


def _list(value: object) -> list[object]:
    if not isinstance(value, list):
        raise InvalidValue(f"{_shown(value)} is no list.")
    return value


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


_SCALARS: Mapping[type, Callable[[Any], object]] = {
    str: _text,
    bool: _truth,
    int: _number,
    float: _seconds,
}
