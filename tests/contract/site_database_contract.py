# SPDX-License-Identifier: Apache-2.0
"""What the interconnect's ``Database`` promises; the fake and Neutron's are held to it alike."""

from __future__ import annotations

import time
from datetime import UTC, datetime

import pytest

from isthmus.interconnect.database import Beat, Database, Heard, Overtaken
from isthmus.interconnect.keys import DocumentName
from isthmus.interconnect.liveness import State
from isthmus.interconnect.store.store import Position
from isthmus.model.vtn.documents import Document
from isthmus.model.vtn.status import Liveness
from tests.fakes.vtn_documents import VTN_RED, request_of

VTN_BLUE = VTN_RED.replace("2f", "3f")


class SiteDatabaseBench:
    """A database of site ``west`` that has heard of site ``east``."""

    database: Database

    def write(self, document: Document) -> DocumentName:
        """Write an own document, as the API does."""
        raise NotImplementedError

    def heard(self, site: str) -> dict[DocumentName, str]:
        """Return what is known of a site's documents."""
        raise NotImplementedError


def heard(number: int, text: str = "said", vtn_id: str | None = VTN_RED) -> Heard:
    """Return something that east says."""
    return Heard(DocumentName("request", f"{number}"), text, vtn_id, number)


def at(revision: int, cluster: str = "1") -> Position:
    """Return a position in east's etcd."""
    return Position(cluster, revision)


class SiteDatabaseContract:
    """The tests; ``bench`` is given by the class that inherits them."""

    def test_what_is_written_waits_in_the_outbox(self, bench: SiteDatabaseBench) -> None:
        """Until exactly its row is deleted."""
        first = bench.write(request_of("west", 1))
        second = bench.write(request_of("west", 2))
        rows = bench.database.read_outbox(10)
        assert [row.name for row in rows] == [first, second]
        assert [row.name for row in bench.database.read_outbox(1)] == [first]
        bench.database.delete_posted([rows[1].number])
        assert [row.name for row in bench.database.read_outbox(10)] == [first]
        bench.database.delete_posted([])
        assert len(bench.database.read_outbox(10)) == 1

    def test_own_documents_are_read_by_name_or_all(self, bench: SiteDatabaseBench) -> None:
        """What is not there is left out."""
        name = bench.write(request_of("west", 1))
        other = bench.write(request_of("west", 2))
        missing = DocumentName("vtn", VTN_BLUE)
        assert bench.database.read_own([name, missing]).keys() == {name}
        assert bench.database.read_all_own().keys() == {name, other}

    def test_everything_heard_replaces_what_was_known(self, bench: SiteDatabaseBench) -> None:
        """But for what could not be read, of which the former stays; VTNs concerned are told."""
        database = bench.database
        assert database.read_position("east") is None
        first = [heard(1), heard(2), heard(3, vtn_id=VTN_BLUE)]
        assert database.hear_all("east", first, (), at(5)) == {VTN_RED, VTN_BLUE}
        assert database.read_position("east") == at(5)
        kept = first[1].name
        again = [heard(1), heard(4, vtn_id=VTN_BLUE)]
        assert database.hear_all("east", again, [kept], at(9, "2")) == {VTN_BLUE}
        assert bench.heard("east").keys() == {one.name for one in (first[0], first[1], again[1])}
        assert database.read_position("east") == at(9, "2")
        assert database.hear_all("east", again, [kept], at(10, "2")) == frozenset()

    def test_changes_follow_the_position_they_are_of(self, bench: SiteDatabaseBench) -> None:
        """What is new is stored, what is gone is removed, what is known concerns nobody."""
        database = bench.database
        database.hear_all("east", [heard(1), heard(2)], (), at(5))
        changes: list[Heard | DocumentName] = [
            heard(1, "new"), heard(2).name, heard(3, vtn_id=VTN_BLUE)
        ]  # fmt: skip
        assert database.hear("east", at(5), changes, at(6)) == {VTN_RED, VTN_BLUE}
        assert bench.heard("east") == {heard(1).name: "new", heard(3).name: "said"}
        assert database.read_position("east") == at(6)
        assert database.hear("east", at(6), [heard(1, "new")], at(7)) == frozenset()
        assert database.hear("east", at(7), [heard(9).name], at(8)) == frozenset()

    def test_who_was_overtaken_stores_nothing(self, bench: SiteDatabaseBench) -> None:
        """Neither documents nor heartbeats."""
        database = bench.database
        database.hear_all("east", [heard(1)], (), at(5))
        database.hear("east", at(5), [heard(1, "newer")], at(7))
        beat = Beat("1", 3, 64501, datetime.now(UTC))
        with pytest.raises(Overtaken):
            database.hear("east", at(5), [heard(1, "older")], at(6))
        with pytest.raises(Overtaken):
            database.note_beat("east", beat, at(5), at(6))
        assert bench.heard("east") == {heard(1).name: "newer"}
        database.note_beat("east", beat, at(7), at(8))
        assert database.read_position("east") == at(8)

    def test_a_position_can_be_forgotten(self, bench: SiteDatabaseBench) -> None:
        """What was heard stays."""
        bench.database.hear_all("east", [heard(1)], (), at(5))
        bench.database.read_again_later("east")
        assert bench.database.read_position("east") is None
        assert bench.heard("east").keys() == {heard(1).name}
        with pytest.raises(Overtaken):
            bench.database.hear("east", at(5), [], at(6))

    def test_how_a_peer_is_outlives_the_daemon(self, bench: SiteDatabaseBench) -> None:
        """Since when, too, within the seconds that the database keeps."""
        since = time.monotonic() - 100
        state = State(Liveness.UNREACHABLE, since, "Nothing answers.")
        bench.database.note_state("east", state, "Site 'east' is UNREACHABLE.")
        found = bench.database.read_states()["east"]
        assert (found.liveness, found.reason) == (state.liveness, state.reason)
        assert abs(found.since - since) < 5

    def test_every_vtn_anybody_heard_speaks_of_is_known(self, bench: SiteDatabaseBench) -> None:
        """So that a daemon that starts can bring all views up to date."""
        bench.database.hear_all("east", [heard(1), heard(2, vtn_id=VTN_BLUE)], (), at(5))
        assert {VTN_RED, VTN_BLUE} <= set(bench.database.read_vtn_ids())

    def test_there_is_no_wish_by_default(self, bench: SiteDatabaseBench) -> None:
        """And to grant one that is none any more changes nothing."""
        assert bench.database.read_wish() is None
        bench.database.grant("west", 7)
        assert bench.database.read_wish() is None
