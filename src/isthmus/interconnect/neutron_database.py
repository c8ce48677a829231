# SPDX-License-Identifier: Apache-2.0
"""``Database`` on Neutron's database."""

from __future__ import annotations

import contextlib
import functools
import logging
import random
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, ParamSpec, TypeVar

import sqlalchemy as sa
from neutron_lib import context as neutron_context
from neutron_lib.db import api as db_api
from oslo_db import exception as db_exc
from oslo_utils import timeutils

from isthmus.db.vtn import documents, events, outbox, sites
from isthmus.interconnect.database import Beat, DatabaseAway, Heard, Overtaken, Peer, Posted
from isthmus.interconnect.keys import DocumentName
from isthmus.interconnect.liveness import State
from isthmus.interconnect.store.etcd_client import Credentials
from isthmus.interconnect.store.store import Position

LOG = logging.getLogger(__name__)

# Makes the PEM of a private key of what the database has.
Reveal = Callable[[str], bytes]
Refresh = Callable[[neutron_context.Context, str, Collection[str]], Any]
_REFRESHED_AT_ONCE = 50
_ATTEMPTS = 6
_Arguments = ParamSpec("_Arguments")
_Answer = TypeVar("_Answer")


@contextlib.contextmanager
def transaction() -> Iterator[neutron_context.Context]:
    """Run a block in a transaction, as an administrator.

    Raises:
        DatabaseAway: nothing was written.
        TryAgain: nothing was written, because somebody else was writing.
    """
    context = neutron_context.get_admin_context()
    try:
        with db_api.CONTEXT_WRITER.using(context):
            yield context
    except (db_exc.DBDeadlock, db_exc.DBDuplicateEntry, db_exc.RetryRequest) as error:
        raise TryAgain(f"Somebody else was writing: {error}") from error
    except (db_exc.DBError, sa.exc.SQLAlchemyError) as error:
        reason = str(getattr(error, "inner_exception", None) or error).splitlines()[0]
        raise DatabaseAway(f"Neutron's database could not be used: {reason}") from error


class TryAgain(DatabaseAway):
    """Others were writing the same rows at the same moment."""


def steadfast(call: Callable[_Arguments, _Answer]) -> Callable[_Arguments, _Answer]:
    """Make a call that is one transaction again, a few times, while others are in its way."""

    @functools.wraps(call)
    def again(*arguments: _Arguments.args, **named: _Arguments.kwargs) -> _Answer:
        for attempt in range(_ATTEMPTS - 1):
            try:
                return call(*arguments, **named)
            except TryAgain:
                # Not all at the same moment again.
                time.sleep(random.uniform(0.5, 1.5) * 0.02 * 2**attempt)  # noqa: S311
        return call(*arguments, **named)

    return again


class NeutronDatabase:
    """Neutron's database, as one site's daemon uses it.

    Args:
        own_site: this site's name.
        reveal: decrypts private keys.
        refresh: brings merged views of VTNs up to date, in a transaction of the caller's.
    """

    def __init__(self, own_site: str, reveal: Reveal, refresh: Refresh) -> None:
        self._own_site = own_site
        self._reveal = reveal
        self._refresh = refresh

    # Own documents

    @steadfast
    def read_outbox(self, limit: int) -> Sequence[Posted]:
        """Return the oldest rows of the outbox."""
        with transaction() as context:
            return [
                Posted(entry.id, DocumentName(entry.kind, entry.name))
                for entry in outbox.read(context, limit)
            ]

    @steadfast
    def read_own(self, names: Collection[DocumentName]) -> Mapping[DocumentName, str]:
        """Return those of this site's documents that there are."""
        keys = [(name.kind, name.name) for name in sorted(names)]
        with transaction() as context:
            return _texts(documents.read_many(context, self._own_site, keys))

    @steadfast
    def read_all_own(self) -> Mapping[DocumentName, str]:
        """Return all of this site's documents."""
        with transaction() as context:
            return _texts(documents.read_of_site(context, self._own_site))

    @steadfast
    def delete_posted(self, numbers: Collection[int]) -> None:
        """Delete exactly these rows of the outbox."""
        with transaction() as context:
            outbox.delete(context, numbers)

    @steadfast
    def read_wish(self) -> int | None:
        """Return the number of an operator's wish that everything be published anew, if any."""
        with transaction() as context:
            record = sites.read_one(context, self._own_site)
        return None if record is None else _wish_of(record)

    @steadfast
    def grant(self, site: str, wish: int) -> None:
        """Note that a wish about a site is done, unless there is another by now."""
        with transaction() as context:
            record = sites.lock(context, site)
            if record is not None and _wish_of(record) == wish:
                sites.update(context, site, **sites.columns_of_done())

    # Heard documents

    @steadfast
    def read_position(self, site: str) -> Position | None:
        """Return up to where a site has been heard."""
        with transaction() as context:
            record = sites.read_one(context, site)
        if record is None or not record.watched_cluster:
            return None
        return Position(record.watched_cluster, record.watched_revision)

    @steadfast
    def hear(
        self, site: str, after: Position, changes: Sequence[Heard | DocumentName], to: Position
    ) -> frozenset[str]:
        """Store what a site changed; return the VTNs concerned."""
        concerned: set[str | None] = set()
        with transaction() as context:
            _go_on(context, site, after, to)
            for change in changes:
                if isinstance(change, DocumentName):
                    concerned.add(documents.remove_heard(context, site, change.kind, change.name))
                elif documents.put_heard(context, _row(site, change)):
                    concerned.add(change.vtn_id)
        return frozenset(vtn_id for vtn_id in concerned if vtn_id is not None)

    @steadfast
    def hear_all(
        self, site: str, heard: Sequence[Heard], kept: Collection[DocumentName], to: Position
    ) -> frozenset[str]:
        """Make ``heard`` all that is known of a site's, but for ``kept``."""
        with transaction() as context:
            sites.lock(context, site)
            known = documents.read_many(context, site, [(one.kind, one.name) for one in kept])
            rows = [*(_row(site, one) for one in heard), *known]
            concerned = documents.replace_heard(context, site, rows)
            sites.update(
                context, site, watched_cluster=to.cluster, watched_revision=to.revision,
                heard_at=timeutils.utcnow(),
            )  # fmt: skip
        return concerned

    @steadfast
    def note_beat(self, site: str, beat: Beat, after: Position, to: Position) -> None:
        """Note that a site was heard to be alive up to a position."""
        with transaction() as context:
            _go_on(context, site, after, to)
            sites.update(
                context, site, incarnation=beat.incarnation[:64], beat=beat.number,
                as_number=beat.as_number, heard_at=_naive(beat.at),
            )  # fmt: skip

    @steadfast
    def read_again_later(self, site: str) -> None:
        """Forget up to where a site has been heard."""
        with transaction() as context:
            sites.update(context, site, watched_cluster="", watched_revision=0)

    @steadfast
    def read_states(self) -> Mapping[str, State]:
        """Return how the peers were when somebody last looked."""
        with transaction() as context:
            return {
                name: State(
                    record.liveness,
                    _monotonic(record.liveness_since),
                    record.reason,
                )
                for name, record in sites.read(context).items()
                if record.state is not sites.State.OWN
            }

    @steadfast
    def note_state(self, site: str, state: State, reason: str) -> None:
        """Note how a peer is, and that it has changed."""
        with transaction() as context:
            sites.update(
                context, site, liveness=state.liveness.value, reason=state.reason,
                liveness_since=_utc(state.since),
            )  # fmt: skip
            events.append(context, site, reason)

    def refresh(self, vtn_ids: Collection[str]) -> None:
        """Bring the merged views of VTNs up to date, some in each transaction."""
        wanted = sorted(vtn_ids)
        for start in range(0, len(wanted), _REFRESHED_AT_ONCE):
            self._refresh_some(wanted[start : start + _REFRESHED_AT_ONCE])

    @steadfast
    def read_vtn_ids(self) -> Collection[str]:
        """Return every VTN anybody speaks of."""
        with transaction() as context:
            return documents.read_vtn_ids(context)

    @steadfast
    def record_event(self, site: str, text: str) -> None:
        """Keep a sentence for operators."""
        with transaction() as context:
            events.append(context, site, text)

    @steadfast
    def _refresh_some(self, vtn_ids: Sequence[str]) -> None:
        with transaction() as context:
            self._refresh(context, self._own_site, vtn_ids)

    @steadfast
    def tidy(self) -> None:
        """Forget the oldest sentences when there are very many."""
        with transaction() as context:
            events.trim(context)

    # Peers

    @steadfast
    def read_peers(self) -> Sequence[Peer]:
        """Return the peers that both sides have confirmed."""
        with transaction() as context:
            records = sites.read(context)
        found = []
        for record in records.values():
            if record.state is not sites.State.CONFIRMED or not record.endpoints.split():
                continue
            try:
                found.append(self._peer(record))
            except ValueError as error:
                LOG.error("peer.unusable site=%s error=%s", record.name, error)
        return found

    def _peer(self, record: sites.SiteRecord) -> Peer:
        credentials = None
        if record.certificate:
            credentials = Credentials(
                record.ca.encode(), record.certificate.encode(), self._reveal(record.private_key)
            )
        return Peer(
            record.name,
            tuple(record.endpoints.split()),
            credentials,
            wish=_wish_of(record),
        )


def _go_on(context: neutron_context.Context, site: str, after: Position, to: Position) -> None:
    """Move on from where the site was heard to, unless another process has."""
    record = sites.lock(context, site)
    if record is None or (record.watched_cluster, record.watched_revision) != (
        after.cluster, after.revision
    ):  # fmt: skip
        raise Overtaken
    sites.update(
        context, site, watched_cluster=to.cluster, watched_revision=to.revision,
        heard_at=timeutils.utcnow(),
    )  # fmt: skip


def _wish_of(record: sites.SiteRecord) -> int | None:
    """Return a number that another wish to recover would not have; None if there is no wish."""
    return record.standard.revision if record.asked is sites.Asked.RECOVER else None


def _texts(rows: Sequence[documents.Document]) -> dict[DocumentName, str]:
    return {DocumentName(row.kind, row.name): row.body for row in rows}


def _row(site: str, heard: Heard) -> documents.Document:
    return documents.Document(
        site, heard.name.kind, heard.name.name, heard.body, heard.vtn_id, heard.revision
    )


def _naive(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(tzinfo=None)


def _utc(monotonic: float) -> datetime:
    now: datetime = timeutils.utcnow()
    return now - timedelta(seconds=time.monotonic() - monotonic)


def _monotonic(at: datetime | None) -> float:
    return time.monotonic() - ((timeutils.utcnow() - at).total_seconds() if at else 0.0)
