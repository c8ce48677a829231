# SPDX-License-Identifier: Apache-2.0
"""A few sites with the real rules, and everything between them that may go wrong.

Each site has a store of its own, which is a log of puts and withdrawals, and reads the others' logs
in order: late, many entries at once, or anew, having lost what it heard.
What is realised is a set of prefixes in use, put there and taken away by a worker that may be
interrupted anywhere.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cache

from isthmus.model.errors import IsthmusError
from isthmus.model.ip import IpPrefix
from isthmus.model.vtn import membership, merge, ownership, requests, succession, upkeep
from isthmus.model.vtn.documents import (
    AnswerDocument,
    Change,
    Document,
    Kind,
    Operation,
    Published,
    Result,
    Version,
    VtnDocument,
    key_of,
)

VTN = "vtn-red"

Key = tuple[Kind, str]
Entry = tuple[Key, Document | None]

_NUMBERS: dict[Entry, int] = {}
_ENTRIES: list[Entry] = []


def number_of(key: Key, document: Document | None) -> int:
    """Return a number for what is put into a store, or withdrawn: worlds compare faster by it."""
    entry = key, document
    if entry not in _NUMBERS:
        _NUMBERS[entry] = len(_ENTRIES)
        _ENTRIES.append(entry)
    return _NUMBERS[entry]


@dataclass(frozen=True)
class Site:
    """What one site has on its disks.

    Attributes:
        log: numbers of what it ever put into its store or withdrew, in order.
        read: how far it has read each peer's log, in order of peer.
        copy: numbers of what its store held when its database was copied.
        lost: how far it had read them when it restarted: it is never told less than that again.
        in_use: prefixes that its virtual machines may use.
        worker: what its worker is just realising; it begins as soon as it may, and ends any time.
        greatest_end: the greatest version it ever heard of that deletes the VTN.
        has_forgotten: it has withdrawn its tombstone.
    """

    log: tuple[int, ...] = ()
    read: tuple[tuple[str, int], ...] = ()
    lost: tuple[tuple[str, int], ...] = ()
    copy: tuple[int, ...] = ()
    in_use: frozenset[IpPrefix] = frozenset()
    worker: merge.Wanted | None = None
    greatest_end: Version | None = None
    has_forgotten: bool = False


@dataclass(frozen=True)
class Carried:
    """A request that an owner carried out, and the version that has it."""

    request_id: str
    version: Version


@dataclass(frozen=True)
class Budget:
    """How often each thing may still happen."""

    left: tuple[tuple[str, int], ...]

    def spend(self, what: str) -> Budget | None:
        """Return what is left; None if there is none."""
        left = dict(self.left)
        if not left.get(what):
            return None
        left[what] -= 1
        return Budget(tuple(sorted(left.items())))


@dataclass(frozen=True)
class World:
    """All sites.

    Attributes:
        sites: by name, in order.
        budget: what may still happen.
        carried: requests that were carried out, in order.
        is_torn: what a site writes at once may be heard in parts. To hear it late is the same as
            not to have heard it yet, so nothing else is left out without it.
    """

    sites: tuple[tuple[str, Site], ...]
    budget: Budget
    carried: tuple[Carried, ...] = field(default=())
    is_torn: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """The sites' names, in order."""
        return tuple(name for name, _ in self.sites)

    def site(self, name: str) -> Site:
        """Return a site."""
        for each, site in self.sites:
            if each == name:
                return site
        raise KeyError(name)

    def with_site(self, name: str, site: Site) -> World:
        """Return the world with another state of one site."""
        sites = tuple((each, site if each == name else old) for each, old in self.sites)
        return replace(self, sites=sites)

    def known(self, name: str) -> Known:
        """Return what a site has of each store, its own among them."""
        site = self.site(name)
        read = ((peer, self.site(peer).log[:upto]) for peer, upto in site.read)
        return ((name, site.log), *read)

    def view(self, name: str) -> merge.VtnView:
        """Return the VTN as a site sees it."""
        return _view(name, self.known(name))


Known = tuple[tuple[str, tuple[int, ...]], ...]


@cache
def store(log: tuple[int, ...]) -> tuple[Document, ...]:
    """Return what a store holds after all entries of a log."""
    held: dict[Key, Document] = {}
    for key, document in map(_ENTRIES.__getitem__, log):
        held.pop(key, None)
        if document is not None:
            held[key] = document
    return tuple(held.values())


@cache
def _view(name: str, known: Known) -> merge.VtnView:
    published = (Published(peer, each) for peer, log in known for each in store(log))
    return merge.merge(name, VTN, published)


@cache
def _keep_up(name: str, known: Known) -> upkeep.Upkeep:
    return upkeep.keep_up(_view(name, known), accepts=True)


def forget_rules() -> None:
    """Have everything worked out anew, after the rules have been changed."""
    for each in (_view, _keep_up):
        each.cache_clear()


def begin(first: VtnDocument, names: Iterable[str], **budget: int) -> World:
    """Return the world right after a VTN was created."""
    names = sorted(names)
    sites = tuple(
        (each, Site(read=tuple((peer, 0) for peer in names if peer != each))) for each in names
    )
    world = World(sites, Budget(tuple(sorted(budget.items()))))
    return write(world, first.owner, [first])


def write(
    world: World, name: str, documents: Iterable[Document], gone: Iterable[Key] = ()
) -> World:
    """Let a site put documents into its store and withdraw others, and do what follows from it."""
    site = world.site(name)
    log = (*site.log, *_entries(documents, gone))
    world = world.with_site(name, replace(site, log=log))
    return settle_down(world, name)


def settle_down(world: World, name: str) -> World:
    """Let a site write whatever follows from what it knows."""
    for _ in range(20):
        view = world.view(name)
        site = world.site(name)
        document = view.document
        if document is not None and document.is_deleted:
            ends = filter(None, (site.greatest_end, document.version))
            site = replace(site, greatest_end=max(ends))
        due = _keep_up(name, world.known(name))
        if due.is_empty:
            return _shortened(world.with_site(name, _begun(site, view)))
        world = replace(world, carried=(*world.carried, *_carried(due)))
        forgets = (Kind.VTN, VTN) in due.withdraw and view.is_owner
        log = (*site.log, *_entries(due.put, due.withdraw))
        site = replace(site, log=log, has_forgotten=site.has_forgotten or forgets)
        world = world.with_site(name, site)
    raise Endless(f"{name} never has nothing left to write: {due}")


def _entries(put: Iterable[Document], withdraw: Iterable[Key]) -> list[int]:
    gone = [number_of(key, None) for key in withdraw]
    return gone + [number_of(key_of(each), each) for each in put]


def _begun(site: Site, view: merge.VtnView) -> Site:
    """Let the worker begin what is wanted and not done yet."""
    wanted, own = view.wanted, view.own_member
    if wanted is None or own is None or own.carried_out == wanted.version:
        return site
    return replace(site, worker=wanted, in_use=site.in_use | frozenset(wanted.prefixes))


def _shortened(world: World) -> World:
    """Leave out of the logs what everybody has read and what does not stand any more."""
    for name, writer in world.sites:
        upto = min(
            max(dict(reader.read)[name], dict(reader.lost).get(name, 0))
            for each, reader in world.sites
            if each != name
        )
        kept = _compact(writer.log[:upto])
        if kept == writer.log[:upto]:
            continue
        by = upto - len(kept)
        world = world.with_site(name, replace(writer, log=(*kept, *writer.log[upto:])))
        for each, reader in world.sites:
            if each != name:
                read, lost = _moved(reader.read, name, by), _moved(reader.lost, name, by)
                world = world.with_site(each, replace(reader, read=read, lost=lost))
    return world


def _moved(read: tuple[tuple[str, int], ...], name: str, by: int) -> tuple[tuple[str, int], ...]:
    return tuple((each, max(at - by, 0) if each == name else at) for each, at in read)


@cache
def _compact(log: tuple[int, ...]) -> tuple[int, ...]:
    return tuple(sorted(number_of(key_of(each), each) for each in store(log)))


class Endless(AssertionError):
    """A site that writes and writes."""


def _carried(due: upkeep.Upkeep) -> Iterator[Carried]:
    for document in due.put:
        if isinstance(document, VtnDocument):
            for each in due.put:
                if isinstance(each, AnswerDocument) and each.result is Result.DONE:
                    yield Carried(each.request_id, document.version)


Step = tuple[str, World]


def steps(world: World) -> Iterator[Step]:
    """Yield everything that may happen next, with what comes of it."""
    for name in world.names:
        yield from _hear(world, name)
        yield from _work(world, name)
        yield from _fail(world, name)
        yield from _restore(world, name)
        yield from _user(world, name)


def _hear(world: World, name: str) -> Iterator[Step]:
    lost = dict(world.site(name).lost)
    for peer, upto in world.site(name).read:
        end = len(world.site(peer).log)
        torn = {max(upto + 1, lost.get(peer, 0))} if world.is_torn else set()
        for to in sorted({*torn, end}):
            if upto < to <= end:
                yield f"{name} hears {peer} up to {to}", hear(world, name, peer, to)


def hear(world: World, name: str, peer: str, to: int) -> World:
    """Let a site read a peer's log up to an entry."""
    site = world.site(name)
    read = tuple((each, to if each == peer else upto) for each, upto in site.read)
    return settle_down(world.with_site(name, replace(site, read=read)), name)


def _work(world: World, name: str) -> Iterator[Step]:
    view, site = world.view(name), world.site(name)
    if view.is_to_be_removed:
        idle = replace(site, in_use=frozenset(), worker=None)
        said = membership.speak(view, is_removed=True)
        yield f"{name} removes all", write(world.with_site(name, idle), name, [said])
    elif site.worker is not None:
        done = replace(site, worker=None, in_use=frozenset(site.worker.prefixes))
        said = membership.speak(view, carried_out=site.worker.version)
        finished = write(world.with_site(name, done), name, [said])
        yield f"{name} has carried out {site.worker.version}", finished


def _fail(world: World, name: str) -> Iterator[Step]:
    left = world.budget.spend("restart")
    site = world.site(name)
    if left is not None and any(upto for _, upto in site.read):
        read = tuple((peer, 0) for peer, _ in site.read)
        # Who has no word in the VTN, and lost what it heard, is as one that never heard.
        end = site.greatest_end if world.view(name).own_member is not None else None
        restarted = replace(site, read=read, lost=site.read, worker=None, greatest_end=end)
        lost = world.with_site(name, restarted)
        yield f"{name} restarts and has lost what it heard", replace(lost, budget=left)


def with_copies(world: World) -> World:
    """Let every site's database be copied, to be restored some day."""
    for name, site in world.sites:
        world = world.with_site(name, replace(site, copy=_compact(site.log)))
    return world


def _restore(world: World, name: str) -> Iterator[Step]:
    """Restore a database, and hear everybody before anything else; not of what all forgot."""
    left = world.budget.spend("restore")
    if left is None or any(site.has_forgotten for _, site in world.sites):
        return
    site = world.site(name)
    copy = store(site.copy)
    gone = {key_of(each) for each in store(site.log)} - {key_of(each) for each in copy}
    read = tuple((peer, len(world.site(peer).log)) for peer, _ in site.read)
    log = (*site.log, *_entries(copy, gone))
    restored = replace(site, log=log, read=read, worker=None, greatest_end=None)
    known = max((each.version for each in copy if isinstance(each, VtnDocument)), default=None)
    carried = tuple(
        each
        for each in world.carried
        if each.version.owner != name or (known is not None and each.version <= known)
    )
    world = replace(world.with_site(name, restored), budget=left, carried=carried)
    after = settle_down(world, name)
    wanted = after.view(name).wanted
    if wanted is not None:
        site = after.site(name)
        at_it = replace(site, worker=wanted, in_use=site.in_use | frozenset(wanted.prefixes))
        after = after.with_site(name, at_it)
    yield f"{name} is restored from its copy", after


def _user(world: World, name: str) -> Iterator[Step]:
    view = world.view(name)
    for what, act in USER.items():
        left = world.budget.spend(what)
        if left is None:
            continue
        for words, document in act(view, world.names):
            after = write(replace(world, budget=left), name, [document])
            yield f"{name}: {what} {words}", after


Asked = Iterator[tuple[str, Document]]


def _each(view: merge.VtnView, operation: Operation, *changes: Change) -> Asked:
    for each in changes:
        with suppress(IsthmusError):
            yield each.member or "", ownership.change(view, operation, each)


def _delete(view: merge.VtnView, names: Iterable[str]) -> Asked:
    if view.document is not None and not view.document.is_deleted:
        yield from _each(view, Operation.DELETE, Change())


def _add(view: merge.VtnView, names: Iterable[str]) -> Asked:
    given = {each.site: each for each in view.document.members} if view.document else {}
    absent = [each for each in names if each not in given or given[each].is_leaving]
    yield from _each(view, Operation.ADD_MEMBER, *(Change(member=each) for each in absent))


def _remove(view: merge.VtnView, names: Iterable[str]) -> Asked:
    given = view.document.members if view.document else ()
    present = [each.site for each in given if not each.is_leaving]
    yield from _each(view, Operation.REMOVE_MEMBER, *(Change(member=each) for each in present))


def _ask(view: merge.VtnView, names: Iterable[str]) -> Asked:
    if view.document is not None and not view.is_owner and not view.document.is_deleted:
        asked = Change(name=f"as {view.site} asked")
        with suppress(IsthmusError):
            request = requests.ask(view, "", 0.0, Operation.UPDATE, asked)
            yield "", replace(request, request_id=f"{view.site}-{request.number}")


def _take_over(view: merge.VtnView, names: Iterable[str]) -> Asked:
    with suppress(IsthmusError):
        yield "", ownership.take_over(view)


def _succeed(view: merge.VtnView, names: Iterable[str]) -> Asked:
    """Take over by itself; which sites are there is seen differently by each, so whoever may."""
    if succession.wait_s(view, (), 1.0) is not None:
        yield "", succession.succeed(view)


USER: Mapping[str, Callable[[merge.VtnView, Iterable[str]], Asked]] = {
    "add": _add,
    "remove": _remove,
    "ask": _ask,
    "delete": _delete,
    "take_over": _take_over,
    "succeed": _succeed,
}
