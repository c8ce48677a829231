# SPDX-License-Identifier: Apache-2.0
"""The contract of Store, on the fake and on a real etcd."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from isthmus.interconnect.store.etcd import EtcdStore
from isthmus.interconnect.store.etcd_client import EtcdClient
from isthmus.interconnect.store.store import Store
from tests.contract.store_contract import StoreBench, StoreContract
from tests.fakes.etcd import Etcd
from tests.fakes.store import FakeEtcd, FakeStore


class _FakeBench:
    def __init__(self) -> None:
        self._etcd = FakeEtcd()
        self.compact = self._etcd.compact
        self.lose_everything = self._etcd.lose_everything

    def store(self) -> Store:
        return FakeStore(self._etcd)

    def silence(self) -> None:
        self._etcd.is_away = True

    def speak(self) -> None:
        self._etcd.is_away = False


class _EtcdBench:
    def __init__(self, etcd: Etcd) -> None:
        self._etcd = etcd
        self._stores: list[EtcdStore] = []
        self.compact = etcd.compact
        self.lose_everything = etcd.lose_everything
        self.silence = etcd.silence
        self.speak = etcd.speak

    def store(self) -> Store:
        store = EtcdStore(EtcdClient([self._etcd.endpoint]))
        self._stores.append(store)
        return store

    def close(self) -> None:
        for store in self._stores:
            store.close()


class TestFakeStore(StoreContract):
    """The fake that other tests trust."""

    @pytest.fixture
    def bench(self) -> StoreBench:
        """A fake etcd."""
        return _FakeBench()


@pytest.mark.timeout(180)
class TestEtcdStore(StoreContract):
    """What runs in a site."""

    @pytest.fixture
    def bench(self) -> Iterator[StoreBench]:
        """An etcd of this test's own."""
        etcd = Etcd()
        bench = _EtcdBench(etcd)
        try:
            yield bench
        finally:
            bench.close()
            etcd.remove()
