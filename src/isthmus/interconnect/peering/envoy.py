# SPDX-License-Identifier: Apache-2.0
"""What a site does by itself towards its peers: accept invitations, renew its certificates.

Level-triggered: each pass looks at every site's row and does the next step that is due.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from isthmus.db.vtn.sites import Asked, SiteRecord, State, columns_of_done
from isthmus.interconnect.certificates import authority as certificates
from isthmus.interconnect.database import DatabaseAway, Peer
from isthmus.interconnect.keys import heartbeat_of
from isthmus.interconnect.peering import exchange as notes
from isthmus.interconnect.peering.client import PeeringClient
from isthmus.interconnect.peering.exchange import Exchange
from isthmus.interconnect.peering.ledger import Entry, Ledger
from isthmus.interconnect.peering.messages import Join, Joined
from isthmus.interconnect.peering.office import (
    OwnSite,
    check_introduction,
    columns_of_certificate,
)
from isthmus.interconnect.store.etcd_client import Credentials
from isthmus.interconnect.store.store import Store
from isthmus.model import invitation as inviting
from isthmus.model.errors import InvalidValue, IsthmusError, NotPermitted

LOG = logging.getLogger(__name__)

_LONGEST_WAIT_S = 60.0


@dataclass(frozen=True, slots=True)
class Ways:
    """How others are reached.

    Attributes:
        client: connects to a peering service: endpoint and authority.
        store: connects to a peer's etcd.
    """

    client: Callable[[str, str], PeeringClient]
    store: Callable[[Peer], Store]


@dataclass
class _Wait:
    until: float
    length_s: float


class Envoy:
    """One site's.

    Args:
        own: this site.
        ledger: its sites.
        ways: how others are reached.
        every_s: between two passes; what failed waits longer and longer.
    """

    def __init__(self, own: OwnSite, ledger: Ledger, ways: Ways, every_s: float = 2.0) -> None:
        self._own = own
        self._ledger = ledger
        self._ways = ways
        self._every_s = every_s
        self._waits: dict[str, _Wait] = {}

    def run(self, is_stopping: threading.Event, may_act: Callable[[], bool]) -> None:
        """Make passes until the end.

        Args:
            is_stopping: the end.
            may_act: whether it is this daemon that has to.
        """
        while not is_stopping.is_set():
            try:
                if may_act():
                    self.make_pass()
            except DatabaseAway as error:
                LOG.warning("envoy.failed error=%s", error)
            except Exception:
                LOG.exception("envoy.failed")
            is_stopping.wait(self._every_s)

    def make_pass(self) -> None:
        """Do for each site the next step that is due."""
        for record in self._ledger.read().values():
            wait = self._waits.get(record.name)
            if wait is not None and time.monotonic() < wait.until and not record.asked:
                continue
            try:
                self._step(record)
                self._waits.pop(record.name, None)
            except DatabaseAway:
                raise
            except IsthmusError as error:
                self._put_off(record, error)
            except Exception as error:
                LOG.exception("envoy.failed site=%s", record.name)
                self._put_off(record, InvalidValue(f"Something went wrong: {error!r}."))

    def _put_off(self, record: SiteRecord, error: IsthmusError) -> None:
        known = self._waits.get(record.name)
        length_s = min(known.length_s * 2, _LONGEST_WAIT_S) if known else self._every_s
        self._waits[record.name] = _Wait(time.monotonic() + length_s, length_s)
        LOG.warning("envoy.put_off site=%s error=%s", record.name, error.for_operator)
        is_awaited = record.state is State.PENDING or record.asked is Asked.ROTATE
        if record.reason != error.for_operator and is_awaited:
            self._ledger.change(
                record.name, lambda _: Entry({"reason": error.for_operator}, error.for_operator)
            )

    def _step(self, record: SiteRecord) -> None:
        if record.state is State.PENDING:
            exchange = self._begin(record)
            if exchange.invitation:
                self._join(record, exchange)
        elif record.state is State.CONFIRMED and record.certificate:
            exchange = notes.decode(record.exchange)
            if exchange.is_unsettled:
                self._settle(record)
            elif record.asked is Asked.ROTATE or _is_old(record.certificate):
                self._renew(record)

    # Accepting

    def _begin(self, record: SiteRecord) -> Exchange:
        """Turn an accepted invitation, as the API noted it, into a peering under way."""
        if not record.exchange.startswith(inviting.PREFIX):
            return notes.decode(record.exchange)
        hidden = self._own.safe.conceal(record.exchange.encode())
        # To accept an invitation is this side's word: the invitation says whose authority it is.
        exchange = self._own.with_request(Exchange(invitation=hidden, is_confirmed=True))

        def decide(row: SiteRecord) -> Entry:
            is_same = row.exchange == record.exchange and row.state is State.PENDING
            return Entry({"exchange": notes.encode(exchange)} if is_same else {})

        changed = self._ledger.change(record.name, decide)
        return Exchange() if changed is None else notes.decode(changed.exchange)

    def _join(self, record: SiteRecord, exchange: Exchange) -> None:
        text = self._own.safe.reveal(exchange.invitation).decode()
        invitation = inviting.decode(text)
        client = self._ways.client(invitation.peering_endpoint, invitation.ca)
        try:
            answer = client.join(Join(invitation.token, self._own.introduce(exchange)))
            said = answer.introduction
            check_introduction(said)
            if said.site != record.name or said.ca.strip() != invitation.ca.strip():
                raise NotPermitted("What answers is another site than the one that invited.")
        except NotPermitted as error:
            reason = error.for_operator
            self._ledger.change(
                record.name,
                lambda _: Entry(
                    {"state": State.REVOKED.value, "reason": reason, "exchange": ""}, reason
                ),
            )
            LOG.error("peering.refused site=%s reason=%s", record.name, reason)
            return
        self._ledger.change(record.name, lambda row: self._on_answer(row, answer))
        if said.certificate and not answer.is_confirmed and not exchange.issued:
            # It has said yes: what it waits for can be sent at once.
            again = self._ledger.read().get(record.name)
            if again is not None and again.state is State.PENDING:
                self._join(again, notes.decode(again.exchange))

    def _on_answer(self, row: SiteRecord, answer: Joined) -> Entry:
        exchange, said = notes.decode(row.exchange), answer.introduction
        if row.state is not State.PENDING or not exchange.invitation:
            return Entry({})
        exchange = replace(exchange, their_request=said.request)
        columns: dict[str, object] = {
            "endpoints": " ".join(said.etcd),
            "peering_endpoint": said.peering_endpoint,
            "as_number": said.as_number,
            "reason": "Its operator has not confirmed yet. This site's authority has the SHA-256 "
            + certificates.fingerprint(self._own.authority.certificate),
        }
        if said.certificate:
            key = self._own.safe.reveal(exchange.own_key)
            certificates.check_certificate(said.certificate.encode(), row.ca.encode(), key)
            columns |= columns_of_certificate(said.certificate, exchange.own_key)
            exchange = self._own.with_issued(row.name, exchange)
            columns["reason"] = ""
        if not answer.is_confirmed:
            return Entry({**columns, "exchange": notes.encode(exchange)})
        columns |= {
            "state": State.CONFIRMED.value, "reason": "", **columns_of_done(),
            "exchange": notes.encode(exchange.settled),
        }  # fmt: skip
        return Entry(columns, f"Site '{row.name}' and this one are peers now.")

    # Renewing

    def _renew(self, record: SiteRecord) -> None:
        made = certificates.make_request(self._own.name)
        client = self._ways.client(record.peering_endpoint, record.ca)
        request = Exchange(own_request=made.request.decode())
        said = client.renew(self._credentials(record), self._own.introduce(request))
        check_introduction(said)
        issued = said.certificate
        certificates.check_certificate(issued.encode(), record.ca.encode(), made.key)
        concealed = self._own.safe.conceal(made.key)

        def decide(row: SiteRecord) -> Entry:
            if row.state is not State.CONFIRMED or row.certificate != record.certificate:
                return Entry({})
            exchange = replace(notes.decode(row.exchange), is_unsettled=True)
            columns = columns_of_certificate(issued, concealed)
            columns |= {
                "exchange": notes.encode(exchange),
                "as_number": said.as_number,
                "endpoints": " ".join(said.etcd),
                "peering_endpoint": said.peering_endpoint,
            }
            return Entry(columns, f"Site '{row.name}' issued a new certificate to this one.")

        self._ledger.change(record.name, decide)

    def _settle(self, record: SiteRecord) -> None:
        """Have the former certificate made worthless, once the new one was seen to work."""
        credentials = self._credentials(record)
        peer = Peer(record.name, tuple(record.endpoints.split()), credentials)
        store = self._ways.store(peer)
        try:
            store.read(heartbeat_of(record.name).key)
        finally:
            store.close()
        self._ways.client(record.peering_endpoint, record.ca).settle(credentials)

        def decide(row: SiteRecord) -> Entry:
            if row.certificate != record.certificate:
                return Entry({})
            exchange = replace(notes.decode(row.exchange), is_unsettled=False)
            is_asked = row.asked is Asked.ROTATE
            done = {**columns_of_done(), "reason": ""} if is_asked else {}
            return Entry({"exchange": notes.encode(exchange), **done})

        self._ledger.change(record.name, decide)

    def _credentials(self, record: SiteRecord) -> Credentials:
        key = self._own.safe.reveal(record.private_key)
        return Credentials(record.ca.encode(), record.certificate.encode(), key)


def _is_old(certificate: str) -> bool:
    return datetime.now(UTC) >= certificates.renew_at(certificate.encode())
