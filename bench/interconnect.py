# SPDX-License-Identifier: Apache-2.0
"""Many sites' documents: a change seen by all, what it costs, and reading everything anew.

Needs no lab. Sites are simulated in this one process, on the real rules and the real text of
documents (``simulated_sites``); etcd is a real one. A site does for every document of every other
site: read it, merge its VTN, write what follows.
"""

from __future__ import annotations

import gc
import resource
import shutil
import sys
import time
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from ipaddress import ip_network

from bench.command import Benchmark, NotMeasured, main
from bench.figures import Outcome, Target, median, percentile, spread, table
from bench.shared_etcd import Roll, SharedEtcd
from bench.simulated_sites import Entry, SimulatedSite, let_hear
from bench.stored_vtns import StoredVtns
from isthmus.model.ids import RouteTarget
from isthmus.model.vtn import ownership
from isthmus.model.vtn.documents import (
    Change,
    Document,
    MemberDocument,
    Operation,
    Published,
    VtnDocument,
    key_of,
    writer_of,
)
from isthmus.model.vtn.encoding import encode

SITES = (2, 10, 100, 1_000)
PRESENT = (100, 1_000, 10_000)
RESYNC = (1_000, 10_000, 100_000)
MEMBERS = (10, 100, 1_000)
_MEMBERS = 10
_PREFIX = ip_network("10.0.0.0/8")
#: Between a tenfold and a tenfold: caches and the garbage collector add to it.
_FLAT, _LINEAR = 2.0, 20.0
_RESYNC_S = 120.0
_STORED_MS = 100.0
#: So many sites hear in all: a thousand threads at once keep a small machine from anything else.
_MOST_SEEN = 5_000


@dataclass(frozen=True, slots=True)
class Changed:
    """What one change came to.

    Attributes:
        published: documents that sites published because of it, its own among them.
        heard: how often a site heard one of them.
        cpu_ms: of all sites together.
    """

    published: int
    heard: int
    cpu_ms: float

    @property
    def us_each(self) -> float:
        """CPU microseconds of one site for one document."""
        return self.cpu_ms * 1000 / self.heard


def _name(number: int) -> str:
    return f"site-{number:04}"


def _vtn(vtn_id: str, members: int, first: int = 0) -> VtnDocument:
    sites = [_name(first + number) for number in range(members)]
    return ownership.create(
        vtn_id,
        sites[0],
        "red",
        name="red",
        prefixes=[_PREFIX],
        members=dict.fromkeys(sites),
        route_targets=[RouteTarget.parse("64500:7")],
    )


def _sites(number: int) -> dict[str, SimulatedSite]:
    return {_name(each): SimulatedSite(_name(each)) for each in range(number)}


def _rename(site: SimulatedSite, vtn_id: str, to: str) -> list[Entry]:
    view = site.view(vtn_id)
    values = Change(name=to)
    return site.write(ownership.change(view, Operation.UPDATE, values))


def change_of_one(sites: Mapping[str, SimulatedSite], owner: str, rounds: int) -> Changed:
    """Change the VTN ``vtn-0`` and let everybody hear and answer."""
    samples = []
    for number in range(rounds):
        gc.collect()
        began = time.process_time()
        heard, published = let_hear(sites, _rename(sites[owner], "vtn-0", f"red-{number}"))
        cpu_ms = (time.process_time() - began) * 1000
        samples.append(Changed(len(published), heard, cpu_ms))
    return sorted(samples, key=lambda each: each.cpu_ms)[len(samples) // 2]


def by_sites(number: int, rounds: int) -> Changed:
    """A change among so many sites, of which ten are members."""
    sites = _sites(number)
    first = _vtn("vtn-0", min(number, _MEMBERS))
    let_hear(sites, sites[first.owner].write(first))
    return change_of_one(sites, first.owner, rounds)


def at_rest(members: int) -> list[Document]:
    """Every document of a VTN once each member has carried it out."""
    sites = _sites(members)
    first = _vtn("vtn-0", members)
    _, published = let_hear(sites, sites[first.owner].write(first))
    said = {member.document for member in sites[first.owner].view("vtn-0").members}
    return [first, *(each for each in said if each is not None)] if published else []


def copies(
    template: Iterable[Document], number: int, first: int = 0
) -> Iterable[tuple[str, Document]]:
    """The same VTN again and again, with other ids."""
    for each in template:
        assert isinstance(each, VtnDocument | MemberDocument)
        for copy in range(first, number):
            yield writer_of(each), replace(each, vtn_id=f"vtn-{copy}")


def by_present(number: int, rounds: int) -> Changed:
    """A change at one site of two while so many other VTNs, of ten members, are there."""
    sites = _sites(2)
    for site, document in copies(at_rest(_MEMBERS), number, 1):
        for each in sites.values():
            each.hold(Published(site, document))
    first = _vtn("vtn-0", 2)
    let_hear(sites, sites[first.owner].write(first))
    return change_of_one(sites, first.owner, rounds)


def by_members(number: int, rounds: int) -> float:
    """CPU microseconds for one document of one VTN that has so many members."""
    whole, words = _carried_out("vtn-0", number)
    site = SimulatedSite(whole.owner)
    site.hold(Published(whole.owner, whole))
    for each in words:
        site.hold(Published(each.site, each))
    samples = []
    for turn in range(10 * rounds):
        text = encode(replace(words[1], ports=turn))
        began = time.process_time()
        site.hear([Entry(words[1].site, key_of(words[1]), "vtn-0", text)])
        samples.append((time.process_time() - began) * 1e6)
    return median(samples)


def by_members_stored(rounds: int) -> Mapping[int, float]:
    """CPU milliseconds for the same with a site's tables, by number of members."""
    found = {}
    with StoredVtns() as stored:
        for number in MEMBERS:
            whole, words = _carried_out(str(uuid.UUID(int=number)), number)
            stored.begin(whole, words)
            said = (replace(words[1], ports=turn + 1) for turn in range(3 * rounds))
            found[number] = median([stored.hear(each) for each in said])
    return found


def _carried_out(vtn_id: str, members: int) -> tuple[VtnDocument, list[MemberDocument]]:
    """A VTN, and what each of its members says once it has carried it out."""
    whole = _vtn(vtn_id, members)
    said = next(each for each in at_rest(_MEMBERS) if isinstance(each, MemberDocument))
    return whole, [
        replace(
            said,
            vtn_id=vtn_id,
            site=grant.site,
            prefixes=grant.prefixes,
            own_version=whole.version if grant.site == whole.owner else None,
        )
        for grant in whole.members
    ]


@dataclass(frozen=True, slots=True)
class ReadAnew:
    """What it took to read everything anew.

    Attributes:
        publish_s: seconds to put it all into etcd.
        read_s: seconds to read it out of there.
        merge_s: seconds to make of it what a site does.
        cpu_s: CPU seconds of reading and merging.
    """

    publish_s: float
    read_s: float
    merge_s: float
    cpu_s: float


def resync(members: int) -> ReadAnew:
    """Read documents of so many members, of VTNs of ten, out of a real etcd, and merge them."""
    etcd = SharedEtcd()
    try:
        writers: dict[str, str] = {}
        entries = []
        for site, document in copies(at_rest(_MEMBERS), members // _MEMBERS):
            kind, name = key_of(document)
            writers[f"{kind}/{name}"] = site
            entries.append(Entry(site, (kind, name), "", encode(document)))
        began = time.monotonic()
        etcd.publish(entries)
        published, cpu_began = time.monotonic(), time.process_time()
        found = etcd.read(lambda key: writers[key.split("/", 3)[3]])
        read = time.monotonic()
        last = SimulatedSite("site-last")
        last.hear(found)
        assert last.refreshed == members // _MEMBERS
        merged, cpu_s = time.monotonic(), time.process_time() - cpu_began
        return ReadAnew(published - began, read - published, merged - read, cpu_s)
    finally:
        etcd.close()


def seen_by_all(number: int, rounds: int) -> list[float]:
    """Milliseconds from a change's being written to every site's having merged it."""
    sites = _sites(number)
    first = _vtn("vtn-0", min(number, _MEMBERS))
    let_hear(sites, sites[first.owner].write(first))
    etcd = SharedEtcd()
    roll = Roll(number - 1)

    def heard_by(site: SimulatedSite) -> Callable[[Entry], None]:
        def hear(entry: Entry) -> None:
            site.hear([entry])
            roll.count()

        return hear

    try:
        etcd.follow(first.owner, [heard_by(each) for each in list(sites.values())[1:]])
        samples = []
        for turn in range(min(rounds, _MOST_SEEN // number) + 1):
            document = _rename(sites[first.owner], "vtn-0", f"turn-{turn}")[0]
            began = time.monotonic()
            etcd.publish([document])
            roll.wait()
            samples.append((time.monotonic() - began) * 1000)
        return samples[1:]
    finally:
        etcd.close()


@dataclass(frozen=True, slots=True)
class Found:
    """Everything that was measured.

    Attributes:
        changed: by number of sites.
        seen_ms: until all have seen a change, by number of sites.
        present: by number of VTNs that are there.
        member_us: CPU microseconds for one document, by number of the VTN's members.
        stored_ms: the same with a site's tables, in milliseconds.
        anew: by number of members.
        memory_mib: the most this process had, all sites together.
    """

    changed: Mapping[int, Changed]
    seen_ms: Mapping[int, Sequence[float]]
    present: Mapping[int, Changed]
    member_us: Mapping[int, float]
    stored_ms: Mapping[int, float]
    anew: Mapping[int, ReadAnew]
    memory_mib: float


def measure(rounds: int) -> Outcome:
    """Measure all of it."""
    if shutil.which("etcd") is None:
        raise NotMeasured("there is no etcd on this machine (make lab installs it)")
    return outcome(
        Found(
            {number: by_sites(number, rounds) for number in SITES},
            {number: seen_by_all(number, 4 * rounds) for number in SITES},
            {number: by_present(number, rounds) for number in PRESENT},
            {number: by_members(number, rounds) for number in MEMBERS},
            by_members_stored(rounds),
            {number: resync(number) for number in RESYNC},
            resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        ),
        rounds,
    )


def outcome(found: Found, rounds: int) -> Outcome:
    """Say what the figures come to."""
    return Outcome(
        figures={
            "rounds": rounds,
            "us_per_document_by_sites": {
                str(n): round(c.us_each, 1) for n, c in found.changed.items()
            },
            "cpu_ms_by_sites": {str(n): round(c.cpu_ms, 1) for n, c in found.changed.items()},
            "seen_by_all_ms": {str(n): spread(samples) for n, samples in found.seen_ms.items()},
            "us_per_document_by_vtns": {
                str(n): round(c.us_each, 1) for n, c in found.present.items()
            },
            "us_per_document_by_members": {
                str(n): round(us, 1) for n, us in found.member_us.items()
            },
            "ms_per_document_by_members_stored": {
                str(n): round(ms, 1) for n, ms in found.stored_ms.items()
            },
            "anew_s": {str(n): round(a.read_s + a.merge_s, 2) for n, a in found.anew.items()},
            "memory_mib": round(found.memory_mib),
        },
        text="\n".join(
            [*_tables(found), f"  all sites together: at most {found.memory_mib:.0f} MiB"]
        ),
        targets=_targets(found),
    )


def _tables(found: Found) -> Iterable[str]:
    yield table(
        ("sites", "published", "heard", "CPU ms", "µs each", "seen by all, ms p50", "p95"),
        (
            (
                f"{number:,}",
                each.published,
                f"{each.heard:,}",
                f"{each.cpu_ms:.1f}",
                f"{each.us_each:.0f}",
                f"{percentile(found.seen_ms[number], 50):.1f}",
                f"{percentile(found.seen_ms[number], 95):.1f}",
            )
            for number, each in found.changed.items()
        ),
    )
    yield table(
        ("VTNs present", "µs each"),
        ((f"{number:,}", f"{each.us_each:.0f}") for number, each in found.present.items()),
    )
    yield table(
        ("members of the VTN", "µs each", "with tables, ms"),
        (
            (f"{number:,}", f"{each:.0f}", f"{found.stored_ms[number]:.1f}")
            for number, each in found.member_us.items()
        ),
    )
    yield table(
        ("members read anew", "published s", "read s", "merged s", "CPU µs each"),
        (
            (
                f"{number:,}",
                f"{each.publish_s:.2f}",
                f"{each.read_s:.2f}",
                f"{each.merge_s:.2f}",
                f"{each.cpu_s / number * 1e6:.0f}",
            )
            for number, each in found.anew.items()
        ),
    )


def _targets(found: Found) -> Sequence[Target]:
    few, many = found.changed[SITES[-2]], found.changed[SITES[-1]]
    little, much = found.present[PRESENT[0]], found.present[PRESENT[-1]]
    small, large = found.member_us[MEMBERS[-2]], found.member_us[MEMBERS[-1]]
    less, more = found.anew[RESYNC[-2]], found.anew[RESYNC[-1]]
    times = " times"
    return [
        Target(
            "a document, of 1,000 sites' instead of 100", many.us_each / few.us_each, _FLAT, times
        ),
        Target(
            "a document, with 10,000 VTNs instead of 100",
            much.us_each / little.us_each,
            _FLAT,
            times,
        ),
        Target(
            "a document, of a VTN of 1,000 members instead of 100", large / small, _LINEAR, times
        ),
        Target(
            "a document with a site's tables, of a VTN of 1,000 members",
            found.stored_ms[MEMBERS[-1]],
            _STORED_MS,
            " ms",
        ),
        Target("reading ten times the members anew", more.cpu_s / less.cpu_s, _LINEAR, times),
        Target("reading 100,000 members anew", more.read_s + more.merge_s, _RESYNC_S, " s"),
    ]


BENCHMARK = Benchmark("interconnect", "Sites that hear of each other's networks", 5, measure)


if __name__ == "__main__":
    sys.exit(main(BENCHMARK))
