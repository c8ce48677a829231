# SPDX-License-Identifier: Apache-2.0
"""What is stored of virtual tenant networks: documents in, rows and own documents out."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from isthmus.model.report import Status
from isthmus.model.vtn import encoding, ownership, requests
from isthmus.model.vtn.documents import Change, Kind, Operation
from isthmus.model.vtn.membership import speak

if TYPE_CHECKING:
    from tests.cloud import Cloud
    from tests.vtn_site import Peer, Region

RED = "red-project"
OTHER = "7d3c5f52-6f0e-4c55-9d5f-6d1d3b0a1e02"


def row(vtn_id: str) -> Any:
    """Return the row of a VTN, or None."""
    from isthmus.db.vtn import vtns
    from isthmus.plugin import transactions

    found = transactions.read(vtns.read, [vtn_id])
    return found[0] if found else None


def to_be_done() -> set[str]:
    """Return the VTNs the worker has to look at, and have it forget them."""
    from isthmus.db.vtn import journal
    from isthmus.plugin import transactions

    def take(context: Any) -> set[str]:
        found = journal.read_changed(context)
        for vtn_id in found:
            journal.delete(context, journal.read_numbers(context, vtn_id))
        return set(found)

    return transactions.write(take)


def say(west: Region, vtn_id: str, **said: Any) -> None:
    """Have the worker say something of a VTN."""
    west.put(speak(west.view(vtn_id), **said))


def east_owned(*members: str, **changes: Any) -> tuple[Peer, str]:
    """Return another site that owns a VTN."""
    from tests.vtn_site import Peer, new_vtn

    east = Peer("east")
    document = replace(new_vtn("east", members, ["10.0.0.0/16"]), **changes)
    east.put(document)
    return east, document.vtn_id


def test_an_own_document_makes_rows_and_is_to_be_published_and_realised(west: Region) -> None:
    """In the one transaction that writes it."""
    from isthmus.db.vtn import outbox
    from isthmus.plugin import transactions
    from tests.vtn_site import new_vtn

    document = new_vtn("west", ["west", "east"], ["10.0.0.0/16"], description="mine")
    west.put(document)
    found = row(document.vtn_id)
    assert (found.name, found.project_id, found.owner_site) == ("red", RED, "west")
    assert (found.prefixes, found.members) == (("10.0.0.0/16",), ("east", "west"))
    assert found.standard.description == "mine"
    entries = transactions.read(outbox.read)
    assert {(each.kind, each.name) for each in entries} == {
        ("vtn", document.vtn_id),
        ("member", f"{document.vtn_id}/west"),
    }
    assert to_be_done() == {document.vtn_id}
    assert west.view(document.vtn_id).wanted is not None


def test_what_is_said_already_is_written_once(cloud: Cloud, west: Region) -> None:
    """No row, no entry, no revision more."""
    west.create()
    before = cloud.rows()
    west.put(*(each.document for each in west.published()))
    after = cloud.rows()
    changed = {name for name, rows in after.items() if rows != before[name]}
    assert changed <= {"isthmus_vtn_journal"}


def test_a_change_counts_as_a_revision_and_a_word_of_a_member_does_not(west: Region) -> None:
    """Who made a condition on a revision hears of what was asked for, not of states."""
    vtn_id = west.create()
    west.work()
    assert west.said(vtn_id).status is Status.ACTIVE
    assert row(vtn_id).standard.revision == 0
    west.change(vtn_id, Operation.UPDATE, name="other")
    assert (row(vtn_id).name, row(vtn_id).standard.revision) == ("other", 1)


def test_what_is_carried_out_does_not_come_again(west: Region) -> None:
    """The worker's own word does not wake it."""
    vtn_id = west.create()
    assert to_be_done() == {vtn_id}
    wanted = west.view(vtn_id).wanted
    assert wanted is not None
    say(west, vtn_id, carried_out=wanted.version, status=Status.ACTIVE)
    assert to_be_done() == set()


def test_a_deleted_vtn_is_forgotten_when_every_member_has_removed_it(
    cloud: Cloud, west: Region
) -> None:
    """Its rows, its documents, and its route targets; not before."""
    from tests.vtn_site import Peer, exchange

    east = Peer("east")
    vtn_id = west.create("west", "east")
    exchange(west, east)
    west.change(vtn_id, Operation.DELETE)
    west.work()
    assert row(vtn_id) is not None
    assert west.published()
    exchange(west, east)
    assert row(vtn_id) is None
    assert west.published() == []
    left = {name for name, rows in cloud.rows().items() if rows and "vtn" in name}
    assert left <= {"isthmus_vtn_journal", "isthmus_vtn_events"}


def test_a_vtn_of_a_trusted_site_is_its_projects_here_too(west: Region) -> None:
    """And the membership is accepted without anybody's doing."""
    east, vtn_id = east_owned("west", "east")
    west.hear(east)
    assert (row(vtn_id).project_id, row(vtn_id).owner_site) == (RED, "east")
    assert west.view(vtn_id).wanted is not None


def test_a_vtn_of_another_identity_waits_for_its_project_and_its_acceptance(
    west: Region,
) -> None:
    """A project id of theirs means nothing here until it is mapped."""
    from isthmus.db.vtn import sites, views
    from isthmus.plugin import transactions

    transactions.write(lambda context: sites.update(context, "east", shares_identity=False))
    east, vtn_id = east_owned("west", "east")
    west.hear(east)
    assert (row(vtn_id).project_id, west.view(vtn_id).wanted) == ("", None)
    assert west.view(vtn_id).awaits_acceptance
    transactions.write(sites.replace_projects, "east", {RED: "our-red"})
    transactions.write(views.refresh, "west", [vtn_id])
    assert row(vtn_id).project_id == "our-red"


def test_what_cannot_be_read_or_kept_is_told_and_changes_nothing(west: Region) -> None:
    """A peer's nonsense is a notice."""
    from isthmus.db.vtn import documents, views
    from isthmus.plugin import transactions
    from tests.vtn_site import new_vtn

    vtn_id = west.create()
    for number, body in enumerate(("", "{", '{"version":2}', '{"version":1,"owner":3}')):
        bad = documents.Document(f"site-{number}", Kind.VTN, vtn_id, body, vtn_id)
        assert transactions.write(documents.put_heard, bad)
    made = new_vtn("east", ["east"], ["10.1.0.0/16"], name="x" * 300, description="🚂" * 300)
    long = replace(made, vtn_id=OTHER)
    odd = replace(long, members=(replace(long.members[0], site="../etc"),))
    for site, document in (("east", long), ("north", odd)):
        heard = documents.Document(site, Kind.VTN, OTHER, encoding.encode(document), OTHER)
        transactions.write(documents.put_heard, heard)
    transactions.write(views.refresh, "west", [vtn_id, OTHER])
    assert row(vtn_id).name == "red"
    assert row(vtn_id).notice.count("Not understood") == 4
    assert (len(row(OTHER).name), row(OTHER).members) == (255, ("east",))


def test_the_owner_carries_out_what_another_site_asks_for(west: Region) -> None:
    """When it hears of it; and says so, which the other withdraws its request upon."""
    from tests.vtn_site import Peer, exchange

    east = Peer("east")
    vtn_id = west.create("west", "east")
    exchange(west, east)
    change = Change(name="renamed there")
    east.put(requests.ask(east.view(vtn_id), "a" * 36, 0.0, Operation.UPDATE, change))
    exchange(west, east)
    assert row(vtn_id).name == "renamed there"
    assert east.view(vtn_id).requests == ()


def test_a_former_owner_that_did_not_know_is_told_what_does_not_count(west: Region) -> None:
    """Its operator reads it as a notice."""
    from tests.vtn_site import Peer, exchange

    east = Peer("east")
    vtn_id = west.create("west", "east")
    exchange(west, east)
    east.put(ownership.take_over(east.view(vtn_id)))
    west.change(vtn_id, Operation.UPDATE, name="unheard")
    assert row(vtn_id).name == "unheard"
    exchange(west, east)
    found = row(vtn_id)
    assert (found.name, found.owner_site, found.epoch) == ("red", "east", 2)
    assert "does not count" in found.notice
