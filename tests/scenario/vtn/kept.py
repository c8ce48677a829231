# SPDX-License-Identifier: Apache-2.0
"""What sites keep of their own documents and of each other's must be the same. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

#: Texts by kind and name, as ``vtn/<id>``.
Documents = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Kept:
    """What is in a site's stores, but for heartbeats.

    Attributes:
        site: the site.
        own: its own documents, in its database.
        published: its own documents, in its etcd.
        heard: the others' documents in its database, by site.
    """

    site: str
    own: Documents
    published: Documents
    heard: Mapping[str, Documents]


def unlike(sites: Sequence[Kept]) -> Iterator[str]:
    """A sentence for each document that one has otherwise than its writer, or not at all.

    What they keep of further sites, which are not looked into, is nobody's to compare.
    """
    for writer in sites:
        yield from _differing(writer, f"{writer.site}'s etcd", writer.published)
        for reader in sites:
            if reader is not writer:
                there = reader.heard.get(writer.site, {})
                yield from _differing(writer, f"{reader.site}'s database", there)


def _differing(writer: Kept, where: str, there: Documents) -> Iterator[str]:
    for key in sorted(writer.own.keys() | there.keys()):
        if key not in there:
            yield f"{key} of {writer.site} is not in {where}"
        elif key not in writer.own:
            yield f"{key} is in {where}, and {writer.site} has it no more"
        elif there[key] != writer.own[key]:
            yield f"{key} of {writer.site} is in {where} as {there[key]}, not {writer.own[key]}"
