# SPDX-License-Identifier: Apache-2.0
"""What is stored of virtual tenant networks: documents in, rows and own documents out."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_network
from typing import TYPE_CHECKING, Any

from isthmus.model.report import Status
from isthmus.model.vtn import ownership
from isthmus.model.vtn.documents import Change, Kind, MemberDocument, Operation

if TYPE_CHECKING:
    from tests.cloud import Cloud

VTN = "7d3c5f52-6f0e-4c55-9d5f-6d1d3b0a1e01"
RED = "red-project"


def create(*members: str, vtn_id: str = VTN, site: str = "west", **said: Any) -> Any:
    """Make a document of a VTN."""
    projects: dict[str, str | None] = dict.fromkeys(members or (site,), RED)
    prefixes = [ip_network("10.0.0.0/16")]
    return ownership.create(vtn_id, site, RED, members=projects, prefixes=prefixes, **said)


def write(*documents: Any) -> None:
    """Write documents of our own."""
    from isthmus.db.vtn import views
    from isthmus.plugin import transactions

    transactions.write(views.write, "west", *documents)


def row(vtn_id: str = VTN) -> Any:
    """Return the row of a VTN, or None."""
    from isthmus.db.vtn import vtns
    from isthmus.plugin import transactions

    found = transactions.read(vtns.read, [vtn_id])
    return found[0] if found else None


def test_an_own_document_makes_rows_and_is_to_be_published_and_realised(cloud: Cloud) -> None:
    """In the one transaction that writes it."""
    from isthmus.db.vtn import outbox
    from isthmus.plugin import transactions
    from tests.fakes import far_site

    write(create("west", "east", name="red", description="mine"))
    found = row()
    assert (found.name, found.project_id, found.owner_site) == ("red", RED, "west")
    assert (found.prefixes, found.members) == (("10.0.0.0/16",), ("east", "west"))
    assert found.standard.description == "mine"
    entries = transactions.read(outbox.read)
    assert {(each.kind, each.name) for each in entries} == {
        ("vtn", VTN),
        ("member", f"{VTN}/west"),
    }
    assert far_site.to_be_done() == {VTN}
    assert far_site.our_view(VTN).wanted is not None


def test_what_is_said_already_is_written_once(cloud: Cloud) -> None:
    """No row, no entry, no revision more."""
    from tests.fakes import far_site

    write(create(name="red"))
    before = cloud.rows()
    write(create(name="red"), *far_site.own_documents())
    after = cloud.rows()
    assert {n: rows for n, rows in after.items() if rows != before[n]}.keys() <= {
        "isthmus_vtn_journal"
    }


def test_a_change_counts_as_a_revision_and_a_word_of_a_member_does_not(cloud: Cloud) -> None:
    """Who made a condition on a revision hears of what was asked for, not of states."""
    from tests.fakes import far_site

    write(create())
    view = far_site.our_view(VTN)
    far_site.speak_ours(VTN, carried_out=view.document.version, status=Status.ACTIVE)  # type: ignore[union-attr]
    assert row().standard.revision == 0
    write(ownership.change(far_site.our_view(VTN), Operation.UPDATE, Change(name="other")))
    assert (row().name, row().standard.revision) == ("other", 1)


def test_what_is_carried_out_does_not_come_again(cloud: Cloud) -> None:
    """The worker's own word does not wake it."""
    from tests.fakes import far_site

    write(create())
    assert far_site.to_be_done() == {VTN}
    version = far_site.our_view(VTN).wanted.version  # type: ignore[union-attr]
    far_site.speak_ours(VTN, carried_out=version, status=Status.ACTIVE)
    assert far_site.to_be_done() == set()


def test_a_deleted_vtn_is_forgotten_when_every_member_has_removed_it(cloud: Cloud) -> None:
    """Its rows, its documents, and its route targets; not before."""
    from tests.fakes import far_site

    east = far_site.FarSite("east")
    write(create("west", "east"))
    east.sync(VTN)
    version = far_site.our_view(VTN).wanted.version  # type: ignore[union-attr]
    far_site.speak_ours(VTN, carried_out=version, status=Status.ACTIVE)
    east.say(VTN, carried_out=version, status=Status.ACTIVE)  # type: ignore[arg-type]
    write(ownership.change(far_site.our_view(VTN), Operation.DELETE, Change()))
    assert row() is None
    east.sync(VTN)
    assert far_site.to_be_done() == {VTN}
    far_site.speak_ours(VTN, is_removed=True)
    assert far_site.own_documents()
    east.say(VTN, is_removed=True)  # type: ignore[arg-type]
    assert far_site.own_documents() == []
    left = {name for name, rows in cloud.rows().items() if rows and "vtn" in name}
    assert left <= {"isthmus_vtn_journal", "isthmus_vtn_events"}


def test_a_vtn_of_a_trusted_site_is_its_projects_here_too(cloud: Cloud) -> None:
    """And the membership is accepted without anybody's doing."""
    from tests.fakes import far_site

    east = far_site.FarSite("east")
    east.write(create("west", "east", site="east"))
    east.sync(VTN)
    assert (row().project_id, row().owner_site) == (RED, "east")
    assert far_site.our_view(VTN).wanted is not None


def test_a_vtn_of_another_identity_waits_for_its_project_and_its_acceptance(cloud: Cloud) -> None:
    """A project id of theirs means nothing here until it is mapped."""
    from isthmus.db.vtn import sites, views
    from isthmus.plugin import transactions
    from tests.fakes import far_site

    east = far_site.FarSite("east", shares_identity=False)
    document = create("west", "east", site="east")
    east.write(
        replace(document, members=tuple(replace(each, project=None) for each in document.members))
    )
    east.sync(VTN)
    assert (row().project_id, far_site.our_view(VTN).wanted) == ("", None)
    assert far_site.our_view(VTN).awaits_acceptance
    transactions.write(sites.replace_projects, "east", {RED: "our-red"})
    transactions.write(views.refresh, "west", [VTN])
    assert row().project_id == "our-red"


def test_what_cannot_be_read_or_kept_is_told_and_changes_nothing(cloud: Cloud) -> None:
    """A peer's nonsense is a notice."""
    from isthmus.db.vtn import documents, views
    from isthmus.plugin import transactions

    write(create(name="red"))
    for number, body in enumerate(("", "{", '{"version":2}', '{"version":1,"owner":3}')):
        bad = documents.Document(f"site-{number}", Kind.VTN, VTN, body, VTN)
        assert transactions.write(documents.put_heard, bad)
    long = create(site="east", name="x" * 300, description="🚂" * 300, vtn_id=VTN[:-1] + "2")
    odd = replace(long, members=(replace(long.members[0], site="../etc"),))
    for site, document in (("east", long), ("west", odd)):
        from isthmus.model.vtn import encoding

        heard = documents.Document(
            site, Kind.VTN, document.vtn_id, encoding.encode(document), document.vtn_id
        )
        transactions.write(documents.put_heard, heard)
    transactions.write(views.refresh, "west", [VTN, long.vtn_id])
    assert row().name == "red"
    assert row().notice.count("Not understood") == 4
    assert (len(row(long.vtn_id).name), row(long.vtn_id).members) == (255, ("east",))


def test_the_owner_carries_out_what_another_site_asks_for(cloud: Cloud) -> None:
    """When it hears of it; and says so, which the other withdraws its request upon."""
    from isthmus.model.vtn import requests
    from tests.fakes import far_site

    east = far_site.FarSite("east")
    write(create("west", "east", name="red"))
    east.sync(VTN)
    change = Change(name="renamed there")
    east.write(requests.ask(east.view(VTN), "a" * 36, 0.0, Operation.UPDATE, change))
    east.sync(VTN)
    assert row().name == "renamed there"
    documents = far_site.own_documents()
    assert [type(each) for each in documents if isinstance(each, MemberDocument)]
    assert east.view(VTN).requests == ()
