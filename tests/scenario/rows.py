# SPDX-License-Identifier: Apache-2.0
"""Rows that a site's MariaDB acknowledges, one transaction each, until it dies."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pymysql

from lab import database
from lab.topology import Site, Topology

_MAKE = """
CREATE DATABASE IF NOT EXISTS scenario;
CREATE OR REPLACE TABLE scenario.acknowledged (number INT PRIMARY KEY) ENGINE=InnoDB;
"""
_INSERT = "INSERT INTO scenario.acknowledged VALUES (%s)"
_READ = "SELECT number FROM scenario.acknowledged"
_PAUSE_S = 0.01
_PATIENCE_S = 10


class Rows:
    """Numbers from 1 on, inserted in turn.

    Args:
        topology: whose accounts it uses.
        site: whose server it writes to.

    Attributes:
        acknowledged: the last number whose transaction was acknowledged.
    """

    def __init__(self, topology: Topology, site: Site) -> None:
        self._server = database.of_site(site)
        self._password = topology.management.password
        self.acknowledged = 0

    @contextmanager
    def inserting(self) -> Iterator[None]:
        """Insert meanwhile, until the server is gone for the first time."""
        self._server.execute(_MAKE)
        enough = threading.Event()
        thread = threading.Thread(target=self._insert, args=(enough,))
        thread.start()
        try:
            yield
        finally:
            enough.set()
            thread.join()

    def lost(self) -> list[int]:
        """The numbers that were acknowledged and are not there."""
        there = set(self._server.execute(_READ).split())
        return [n for n in range(1, self.acknowledged + 1) if str(n) not in there]

    def _insert(self, enough: threading.Event) -> None:
        connection = pymysql.connect(
            host=str(self._server.address),
            user=database.ACCOUNT,
            password=self._password,
            autocommit=True,
            read_timeout=_PATIENCE_S,
        )
        with connection.cursor() as cursor:
            while not enough.is_set():
                try:
                    cursor.execute(_INSERT, [self.acknowledged + 1])
                except pymysql.err.Error:
                    return
                self.acknowledged += 1
                time.sleep(_PAUSE_S)
