# SPDX-License-Identifier: Apache-2.0
"""What holds in every world, and what every world comes to once all is heard and done."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations

from isthmus.model.vtn.documents import Version, VtnDocument
from tests.unit.model.vtn.world import World, hear, steps, store

ROUNDS = 30


class Broken(AssertionError):
    """A law does not hold."""


def check(world: World) -> None:
    """Check what holds at any time.

    Raises:
        Broken: it does not.
    """
    _one_document_per_version(world)
    _no_prefix_twice(world)
    _no_delete_undone(world)
    _no_request_twice(world)


def _documents(world: World) -> Iterator[VtnDocument]:
    """Yield what is published, and what those it names have heard of it.

    Whom it does not name does nothing and says nothing, so an owner restored from a copy can't know
    what they heard, and may use a version again.
    """
    for _, site in world.sites:
        for each in store(site.log):
            if isinstance(each, VtnDocument):
                yield each
    for name in world.names:
        view = world.view(name)
        if view.own_document is not None or any(each.grant(name) for each in view.documents):
            yield from view.documents


def _one_document_per_version(world: World) -> None:
    said: dict[Version, VtnDocument] = {}
    for document in _documents(world):
        if said.setdefault(document.version, document) != document:
            raise Broken(f"two owners both wrote {document.version}")


def _no_prefix_twice(world: World) -> None:
    for (one, first), (other, second) in combinations(world.sites, 2):
        for a in first.in_use:
            for b in second.in_use:
                if a.overlaps(b):
                    raise Broken(f"{one} uses {a} and {other} uses {b}")
    for document in _documents(world):
        for grant, another in combinations(document.members, 2):
            if any(a.overlaps(b) for a in grant.prefixes for b in another.prefixes):
                raise Broken(f"{document.version} gives {grant.site} what {another.site} has")


def _no_delete_undone(world: World) -> None:
    forgotten = [
        site.greatest_end for _, site in world.sites if site.has_forgotten and site.greatest_end
    ]
    for name, site in world.sites:
        wanted = world.view(name).wanted
        for end in filter(None, (site.greatest_end, *forgotten)):
            if wanted is not None and wanted.version < end:
                raise Broken(f"{name} wants {wanted.version}, though {end} deleted it")


def _no_request_twice(world: World) -> None:
    """In what led to a document that counts somewhere, each request was carried out once."""
    for name in world.names:
        document = world.view(name).document
        if document is None:
            continue
        done = [each.request_id for each in world.carried if _led_to(each.version, document)]
        if len(done) != len(set(done)):
            raise Broken(f"{document.version} came of {done}")


def _led_to(version: Version, document: VtnDocument) -> bool:
    return any(
        version.claim == line.claim and version.generation <= line.generation
        for line in (document.version, *document.took_over)
    )


def check_outcome(world: World) -> None:
    """Check what a world comes to once everything is heard and nobody interferes any more.

    Raises:
        Broken: sites do not come to rest, or do not agree.
    """
    _agree(at_rest(world))


def at_rest(world: World) -> World:
    """Let everything be heard and done, and nobody interfere.

    Raises:
        Broken: sites do not come to rest, or a law does not hold on the way.
    """
    calm = replace(world, budget=replace(world.budget, left=()))
    for _ in range(ROUNDS):
        before = calm
        for name in calm.names:
            for peer in calm.names:
                if peer != name:
                    calm = hear(calm, name, peer, len(calm.site(peer).log))
                    check(calm)
            calm = _work(calm, name)
        if calm == before:
            return replace(calm, budget=world.budget)
    raise Broken("sites do not come to rest")


def _work(world: World, name: str) -> World:
    for _ in range(4):
        own = (f"{name} removes", f"{name} has carried out")
        todo = [after for words, after in steps(world) if words.startswith(own)]
        if not todo:
            break
        world = todo[-1]
        check(world)
    return world


def _agree(world: World) -> None:
    views = [world.view(name) for name in world.names]
    counting = {view.document.version if view.document else None for view in views}
    if len(counting) != 1:
        raise Broken(f"sites follow {counting}")
    document = views[0].document
    if document is not None and document.is_deleted:
        raise Broken("a deleted VTN is never forgotten")
    if document is None and any(store(site.log) for _, site in world.sites):
        raise Broken("of a forgotten VTN documents are left")
    for view in views:
        if view.requests or view.answers:
            raise Broken(f"{view.site} still has {view.requests} and {view.answers}")
        if view.is_to_be_removed or view.is_behind:
            raise Broken(f"{view.site} never comes to what {counting} wants")
        wanted = frozenset(view.wanted.prefixes) if view.wanted else frozenset()
        if world.site(view.site).in_use != wanted:
            raise Broken(f"{view.site} uses {world.site(view.site).in_use}, wants {wanted}")
    if document is not None and any(each.is_leaving for each in document.members):
        raise Broken("a member that left is never let go")
    if sum(view.is_owner for view in views) != (document is not None):
        raise Broken("the VTN has not one owner")
