# SPDX-License-Identifier: Apache-2.0
"""The contract of the interconnect's database, on the fake and on Neutron's tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from isthmus.interconnect.keys import DocumentName
from isthmus.interconnect.store.store import Position
from isthmus.model.vtn.documents import Document, kind_of, name_of, vtn_of
from isthmus.model.vtn.encoding import encode
from tests.contract.site_database_contract import SiteDatabaseBench, SiteDatabaseContract
from tests.fakes.site_database import FakeSiteDatabase

if TYPE_CHECKING:
    from tests.cloud import Cloud


class _FakeBench(SiteDatabaseBench):
    def __init__(self) -> None:
        self._fake = FakeSiteDatabase()
        self.database = self._fake

    def write(self, document: Document) -> DocumentName:
        return self._fake.write(document)

    def heard(self, site: str) -> dict[DocumentName, str]:
        return {name: one.body for name, one in self._fake.heard.get(site, {}).items()}


class _NeutronBench(SiteDatabaseBench):
    def __init__(self) -> None:
        from isthmus.db.vtn import sites
        from isthmus.interconnect.neutron_database import NeutronDatabase, transaction

        self.database = NeutronDatabase("west", lambda text: text.encode(), lambda *_: None)
        with transaction() as context:
            for name, state in (("west", sites.State.OWN), ("east", sites.State.CONFIRMED)):
                sites.create(context, sites.SiteRecord(name, name, state))

    def write(self, document: Document) -> DocumentName:
        from isthmus.db.vtn import documents
        from isthmus.interconnect.neutron_database import transaction

        name = DocumentName(kind_of(document).value, name_of(document))
        with transaction() as context:
            documents.put_own(
                context,
                documents.Document(
                    "west", name.kind, name.name, encode(document), vtn_of(document)
                ),
            )
        return name

    def heard(self, site: str) -> dict[DocumentName, str]:
        from isthmus.db.vtn import documents
        from isthmus.interconnect.neutron_database import transaction

        with transaction() as context:
            rows = documents.read_of_site(context, site)
        return {DocumentName(row.kind, row.name): row.body for row in rows}


class TestFakeSiteDatabase(SiteDatabaseContract):
    """The fake that other tests trust."""

    @pytest.fixture
    def bench(self) -> SiteDatabaseBench:
        """Dictionaries."""
        return _FakeBench()


class TestNeutronDatabase(SiteDatabaseContract):
    """What runs in a site."""

    @pytest.fixture
    def bench(self, cloud: Cloud) -> SiteDatabaseBench:
        """An empty region's tables."""
        del cloud
        return _NeutronBench()

    def test_a_wish_of_an_operator_s_is_there_until_it_is_granted(
        self, bench: SiteDatabaseBench
    ) -> None:
        """Each site's; one that came while it was being granted stays."""
        from isthmus.db import standard_attributes
        from isthmus.db.vtn import sites
        from isthmus.interconnect.neutron_database import transaction

        def ask(name: str) -> None:
            with transaction() as context:
                sites.update(context, name, asked="recover", endpoints="https://192.0.2.1:2379")
                standard_attributes.touch(context, sites.read(context)[name].standard)

        for name in ("west", "east"):
            ask(name)
        first = bench.database.read_wish()
        assert first is not None
        ask("west")
        bench.database.grant("west", first)
        second = bench.database.read_wish()
        assert second not in (None, first)
        bench.database.grant("west", second or 0)
        assert bench.database.read_wish() is None
        bench.database.hear_all("east", (), (), Position("1", 1))
        (east,) = bench.database.read_peers()
        assert east.wish is not None
        bench.database.grant("east", east.wish)
        with transaction() as context:
            found = sites.read(context)
        assert {each.asked for each in found.values()} == {sites.Asked.NOTHING}
        assert all(each.done_at is not None for each in found.values())

    def test_peers_are_those_that_both_sides_confirmed(self, bench: SiteDatabaseBench) -> None:
        """With what each issued to this site; nobody else."""
        from isthmus.db.vtn import sites
        from isthmus.interconnect.neutron_database import transaction

        assert not bench.database.read_peers()
        with transaction() as context:
            given = {"endpoints": "https://192.0.2.21:2379", "ca": "ca", "certificate": "theirs"}
            sites.update(context, "east", **given, private_key="hidden")
            sites.create(
                context,
                sites.SiteRecord("north", "north", sites.State.REVOKED, endpoints="https://x:1"),
            )
        (peer,) = bench.database.read_peers()
        assert (peer.name, peer.endpoints) == ("east", ("https://192.0.2.21:2379",))
        assert peer.credentials is not None
        assert peer.credentials.key == b"hidden"
