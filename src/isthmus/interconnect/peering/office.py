# SPDX-License-Identifier: Apache-2.0
"""What a site answers to those that want to be its peers, or are.

Everything is refused with one sentence that says what to do, and that tells nothing to whoever has
no right to it.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC
from typing import Protocol

from isthmus.db.vtn.invitations import InvitationRecord
from isthmus.db.vtn.sites import Asked, SiteRecord, State
from isthmus.interconnect.certificates import authority as certificates
from isthmus.interconnect.certificates.authority import Authority
from isthmus.interconnect.peering import exchange as notes
from isthmus.interconnect.peering.exchange import Exchange
from isthmus.interconnect.peering.ledger import Entry, Ledger
from isthmus.interconnect.peering.messages import Introduction, Join, Joined
from isthmus.interconnect.store.etcd_client import parse_endpoint
from isthmus.model import invitation as inviting
from isthmus.model.errors import EdgeError, InvalidValue, NotPermitted

LOG = logging.getLogger(__name__)


class Safe(Protocol):
    """Hides private keys from who reads the database, and shows them to this site's daemons."""

    def conceal(self, plain: bytes) -> str:
        """Encrypt."""

    def reveal(self, concealed: str) -> bytes:
        """Decrypt."""


@dataclass(frozen=True, slots=True)
class OwnSite:
    """This site, as it introduces itself.

    Attributes:
        name: its name.
        as_number: its AS.
        etcd: URLs of its etcd, for others.
        peering_endpoint: ``host:port``, for others.
        authority: issues certificates.
        certificate_days: how long those are valid.
        safe: keeps private keys.
    """

    name: str
    as_number: int
    etcd: tuple[str, ...]
    peering_endpoint: str
    authority: Authority
    certificate_days: int
    safe: Safe

    def introduce(self, exchange: Exchange) -> Introduction:
        """Return what this site says of itself to one other."""
        return Introduction(
            self.name,
            self.as_number,
            self.authority.certificate.decode(),
            self.etcd,
            self.peering_endpoint,
            exchange.own_request,
            exchange.issued if exchange.is_confirmed else "",
        )

    def with_request(self, exchange: Exchange) -> Exchange:
        """Make this site's key and request, once for each peering."""
        if exchange.own_request:
            return exchange
        made = certificates.make_request(self.name)
        own_key = self.safe.conceal(made.key)
        return replace(exchange, own_request=made.request.decode(), own_key=own_key)

    def with_issued(self, site: str, exchange: Exchange) -> Exchange:
        """Issue a certificate to the other, once for each peering."""
        if exchange.issued:
            return exchange
        return self.with_another(site, exchange, exchange.their_request)

    def with_another(self, site: str, exchange: Exchange, request: str) -> Exchange:
        """Issue a certificate to the other."""
        user = certificates.new_peer_user(site)
        issued = self.authority.issue_to_peer(request.encode(), user, self.certificate_days)
        return exchange.with_user(user, issued)


def columns_of_certificate(pem: str, concealed_key: str) -> dict[str, object]:
    """Return the columns of a certificate that was given to this site."""
    until = certificates.expires_at(pem.encode()).astimezone(UTC).replace(tzinfo=None)
    return {
        "certificate": pem,
        "private_key": concealed_key,
        "certificate_expires_at": until,
    }


def check_introduction(said: Introduction) -> None:
    """Check what a site says of itself.

    Raises:
        InvalidValue: a part of it can't be.
    """
    certificates.check_authority(said.ca.encode())
    certificates.key_digest(said.request.encode())
    for url in said.etcd:
        if not parse_endpoint(url)[1]:
            raise InvalidValue("Between sites, an etcd is reached by https alone.")
    parse_endpoint(f"https://{said.peering_endpoint}")


class Office:
    """Answers.

    Args:
        own: this site.
        ledger: its sites and invitations.
        admit: lets a certificate read this site's etcd, before its owner has it.
    """

    def __init__(self, own: OwnSite, ledger: Ledger, admit: Callable[[str], None]) -> None:
        self._own = own
        self._ledger = ledger
        self._admit = admit

    def join(self, asked: Join, remote: str) -> Joined:
        """Answer one that accepts an invitation; it asks again until both sides are peers.

        Args:
            asked: what it says.
            remote: the address it comes from.

        Raises:
            InvalidValue: what it says of itself can't be.
            NotPermitted: the invitation is wrong, expired, used, for another or taken back.
        """
        said = asked.introduction
        check_introduction(said)
        joiner = _digest(said)
        invitation = self._ledger.take(inviting.token_hash(asked.token), joiner)
        self._check(invitation, said, joiner, remote)
        record = self._ledger.change(
            said.site, lambda record: self._on_join(record, said, joiner, remote)
        )
        if record is None:
            raise NotPermitted("The invitation was taken back; ask for another.")
        exchange = notes.decode(record.exchange)
        self._admit_last(exchange)
        return Joined(self._own.introduce(exchange), record.state is State.CONFIRMED)

    def renew(self, user: str, said: Introduction) -> Joined:
        """Issue a new certificate to a peer that has one; the one it has stays good.

        What it says of itself, such as new endpoints, counts from now on; so does the answer.

        Args:
            user: of the certificate that vouches for the connection.
            said: with the request for the new one.

        Raises:
            InvalidValue: what it says of itself can't be.
            NotPermitted: that certificate is nobody's who is a peer.
        """
        check_introduction(said)
        site = self._site_of(user)

        def decide(record: SiteRecord) -> Entry:
            exchange = self._exchange_of(record, user)
            if said.site != site or said.ca.strip() != record.ca.strip():
                raise NotPermitted("A site of another name or authority has to be invited anew.")
            renewed = self._own.with_another(site, exchange, said.request)
            columns = {
                "exchange": notes.encode(renewed),
                "as_number": said.as_number,
                "endpoints": " ".join(said.etcd),
                "peering_endpoint": said.peering_endpoint,
            }
            return Entry(columns, f"A new certificate was issued to site '{site}'.")

        record = self._ledger.change(site, decide)
        if record is None:
            raise _not_a_peer()
        exchange = notes.decode(record.exchange)
        self._admit_last(exchange)
        return Joined(self._own.introduce(exchange), is_confirmed=True)

    def settle(self, user: str) -> None:
        """Make a peer's former certificates worthless: it has used the new one.

        Args:
            user: of the certificate that vouches for the connection, the new one.

        Raises:
            NotPermitted: that certificate is nobody's who is a peer.
        """

        def decide(record: SiteRecord) -> Entry:
            exchange = self._exchange_of(record, user)
            if exchange.users == (user,):
                return Entry({})
            return Entry({"exchange": notes.encode(replace(exchange, users=(user,)))})

        self._ledger.change(self._site_of(user), decide)

    def _admit_last(self, exchange: Exchange) -> None:
        if not exchange.is_confirmed:
            return
        for user in exchange.users[-1:]:
            try:
                self._admit(user)
            except EdgeError as error:
                # The gatekeeper will, as soon as etcd answers.
                LOG.warning("peer.not_admitted_yet user=%s error=%s", user, error)

    def _check(
        self, invitation: InvitationRecord | None, said: Introduction, joiner: str, remote: str
    ) -> None:
        if invitation is None:
            LOG.warning("invitation.unknown site=%s remote=%s", said.site, remote)
            raise NotPermitted(
                "This site knows no such invitation: it is damaged, or another was made since."
            )
        if invitation.site != said.site:
            LOG.warning("invitation.misused invited=%s site=%s", invitation.site, said.site)
            raise NotPermitted("The invitation is for a site of another name.")
        if invitation.used_at is None:
            raise NotPermitted("The invitation has expired; ask for another.")
        if invitation.used_by != joiner:
            LOG.error("invitation.reused site=%s remote=%s", said.site, remote)
            self._ledger.change(
                said.site,
                lambda record: Entry(
                    {},
                    f"Somebody at {remote} tried to use the invitation of site '{record.name}', "
                    f"which had been used already: it may have been stolen. Compare fingerprints.",
                ),
            )
            raise NotPermitted(
                "The invitation has been used already. If that was not you, it was stolen: have it "
                "taken back, and ask for another."
            )

    def _on_join(self, record: SiteRecord, said: Introduction, joiner: str, remote: str) -> Entry:
        exchange = notes.decode(record.exchange)
        if record.state is State.INVITED:
            return self._first_join(said, joiner, remote)
        if record.state not in (State.PENDING, State.CONFIRMED) or exchange.joiner != joiner:
            raise NotPermitted("The invitation was taken back; ask for another.")
        if record.state is State.CONFIRMED:
            return Entry({})
        is_confirmed = exchange.is_confirmed or record.asked is Asked.CONFIRM
        if not is_confirmed:
            return Entry({})
        exchange = self._own.with_issued(record.name, replace(exchange, is_confirmed=True))
        columns: dict[str, object] = {"asked": Asked.NOTHING.value}
        if not said.certificate:
            return Entry({**columns, "exchange": notes.encode(exchange)})
        key = self._own.safe.reveal(exchange.own_key)
        certificates.check_certificate(said.certificate.encode(), record.ca.encode(), key)
        columns |= columns_of_certificate(said.certificate, exchange.own_key)
        columns |= {
            "state": State.CONFIRMED.value, "reason": "", "exchange": notes.encode(exchange.settled)
        }  # fmt: skip
        return Entry(columns, f"Site '{record.name}' and this one are peers now.")

    def _first_join(self, said: Introduction, joiner: str, remote: str) -> Entry:
        noted = self._own.with_request(Exchange(joiner=joiner, their_request=said.request))
        known_by = certificates.fingerprint(said.ca.encode())
        text = (
            f"The invitation was accepted from {remote}. Confirm the site if its operator says "
            f"that its authority's SHA-256 is {known_by}; else revoke it."
        )
        columns = {
            "state": State.PENDING.value,
            "reason": text,
            "as_number": said.as_number,
            "ca": said.ca,
            "endpoints": " ".join(said.etcd),
            "peering_endpoint": said.peering_endpoint,
            "exchange": notes.encode(noted),
        }
        return Entry(columns, f"Site '{said.site}': {text}")

    def _site_of(self, user: str) -> str:
        for record in self._ledger.read().values():
            if record.state is not State.CONFIRMED:
                continue
            if user in notes.decode(record.exchange).users:
                return record.name
        raise _not_a_peer()

    def _exchange_of(self, record: SiteRecord, user: str) -> Exchange:
        exchange = notes.decode(record.exchange)
        if record.state is not State.CONFIRMED or user not in exchange.users:
            raise _not_a_peer()
        return exchange


def _not_a_peer() -> NotPermitted:
    return NotPermitted("Whoever has this certificate is no peer of this site, or not any more.")


def _digest(said: Introduction) -> str:
    """Return by what one that accepts is known again: its authority, and the key it asks for."""
    authority = certificates.fingerprint(said.ca.encode())
    key = certificates.key_digest(said.request.encode())
    return hashlib.sha256(f"{authority} {key}".encode()).hexdigest()
