# SPDX-License-Identifier: Apache-2.0
"""Tables of virtual tenant networks (VTNs) and of the sites they span.

isthmus_documents            every document there is: this site's own, and what other sites' say
isthmus_outbox               own documents to be published
isthmus_vtns ─┬─< isthmus_vtn_prefixes       what the documents of a VTN come to, merged
              └─< isthmus_vtn_members
isthmus_vtn_targets          route targets that this site gave to VTNs
isthmus_vtn_journal          which VTN is to be realised; rows go when it has been looked at
isthmus_vtn_realisations ──< isthmus_vtn_realised_subnets    what this site made of a VTN
isthmus_vtn_events           what happened to VTNs and sites, in order
isthmus_sites ──< isthmus_site_projects      whose project is whose, where identities differ
isthmus_invitations          of sites to become peers of this one
"""

from __future__ import annotations

import sqlalchemy as sa
from neutron_lib.db import model_base
from oslo_utils import uuidutils
from sqlalchemy.dialects import mysql

from isthmus.db.models import EMPTY, FREE_TEXT, SEQUENCE, standard_attributes

SITE_NAME = sa.String(63)
# A VTN of a thousand members does not fit in 64 KiB.
LONG_TEXT = sa.Text().with_variant(mysql.MEDIUMTEXT(charset="utf8mb4"), "mysql", "mariadb")
TEXT = sa.Text().with_variant(mysql.TEXT(charset="utf8mb4"), "mysql", "mariadb")


def _site() -> sa.Column[str]:
    return sa.Column(
        SITE_NAME, sa.ForeignKey("isthmus_sites.name", ondelete="CASCADE"), primary_key=True
    )


def _vtn() -> sa.Column[str]:
    return sa.Column(
        sa.String(36), sa.ForeignKey("isthmus_vtns.id", ondelete="CASCADE"), primary_key=True
    )


def _text() -> sa.Column[str]:
    return sa.Column(TEXT, nullable=False, default="", server_default=EMPTY)


def _flag(*, is_set: bool) -> sa.Column[bool]:
    said = sa.true() if is_set else sa.false()
    return sa.Column(sa.Boolean, nullable=False, default=is_set, server_default=said)


class Document(model_base.BASEV2):
    """A document as the site that writes it has it.

    ``revision`` is that of the site's etcd with which it was heard; 0 of own ones.
    """

    __tablename__ = "isthmus_documents"

    site = sa.Column(SITE_NAME, primary_key=True)
    kind = sa.Column(sa.String(16), primary_key=True)
    name = sa.Column(sa.String(128), primary_key=True)
    vtn_id = sa.Column(sa.String(36), nullable=True, index=True)
    body = sa.Column(LONG_TEXT, nullable=False)
    revision = sa.Column(sa.BigInteger, nullable=False, default=0)
    heard_at = sa.Column(sa.DateTime, nullable=False)


class OutboxEntry(model_base.BASEV2):
    """An own document that was written or removed and has not been published since."""

    __tablename__ = "isthmus_outbox"

    id = sa.Column(SEQUENCE, primary_key=True, autoincrement=True)
    kind = sa.Column(sa.String(16), nullable=False)
    name = sa.Column(sa.String(128), nullable=False)


class Vtn(model_base.BASEV2):
    """A VTN as this site sees it: the document that counts, in this site's own words.

    ``project_id`` is a project of this site's Keystone; empty while the owner's project is not
    mapped to one. ``epoch`` and ``generation`` are the document's. ``notice`` is for operators:
    documents that did not count. ``refusal`` is what was refused of the last requests of this site.
    """

    __tablename__ = "isthmus_vtns"

    id = sa.Column(sa.String(36), primary_key=True)
    project_id = sa.Column(FREE_TEXT, nullable=False, index=True)
    name = sa.Column(FREE_TEXT, nullable=False)
    type = sa.Column(sa.String(8), nullable=False)
    owner_site = sa.Column(SITE_NAME, nullable=False, index=True)
    epoch = sa.Column(sa.BigInteger, nullable=False)
    generation = sa.Column(sa.BigInteger, nullable=False)
    admin_state_up = _flag(is_set=True)
    is_deleted = _flag(is_set=False)
    class_of_service = sa.Column(sa.String(64), nullable=True)
    rate_kbps = sa.Column(sa.BigInteger, nullable=True)
    requests_pending = sa.Column(sa.Integer, nullable=False, default=0, server_default="0")
    refusal = _text()
    refusal_for_tenant = _text()
    notice = _text()
    standard_attr_id = standard_attributes()


class VtnPrefix(model_base.BASEV2):
    """One of the prefixes a VTN's members are given slices of."""

    __tablename__ = "isthmus_vtn_prefixes"

    vtn_id = _vtn()
    prefix = sa.Column(sa.String(43), primary_key=True, index=True)
    position = sa.Column(sa.Integer, nullable=False)


class VtnMember(model_base.BASEV2):
    """A member of a VTN: what the owner grants it and what it says itself.

    ``project_id`` is a project of the member's own Keystone. Lists are texts with a space between
    two. ``is_leaving``: it is none any more, and has not said yet that everything is removed there.
    ``heard_at`` is when its last word came; NULL while it has said none.
    """

    __tablename__ = "isthmus_vtn_members"

    vtn_id = _vtn()
    site = sa.Column(SITE_NAME, primary_key=True, index=True)
    project_id = sa.Column(FREE_TEXT, nullable=True)
    prefixes = _text()
    acceptance = sa.Column(sa.String(16), nullable=False)
    status = sa.Column(sa.String(16), nullable=False)
    reason = _text()
    epoch = sa.Column(sa.BigInteger, nullable=False, default=0)
    generation = sa.Column(sa.BigInteger, nullable=False, default=0)
    network_id = sa.Column(sa.String(36), nullable=True, index=True)
    subnet_ids = _text()
    bgpvpn_id = sa.Column(sa.String(36), nullable=True, index=True)
    class_of_service = sa.Column(sa.String(64), nullable=True)
    rate_kbps = sa.Column(sa.BigInteger, nullable=True)
    is_leaving = _flag(is_set=False)
    drift = _text()
    heard_at = sa.Column(sa.DateTime, nullable=True)


class VtnTarget(model_base.BASEV2):
    """A route target of this site's pool, given to a VTN; ``number`` is its octets' value.

    No foreign key: it is given before there is a row, and kept until no member uses it.
    """

    __tablename__ = "isthmus_vtn_targets"

    number = sa.Column(sa.BigInteger, primary_key=True, autoincrement=False)
    value = sa.Column(sa.String(21), nullable=False, index=True)
    vtn_id = sa.Column(sa.String(36), nullable=False, index=True)


class VtnJournalEntry(model_base.BASEV2):
    """A VTN that is to be realised, or removed, here. No foreign key, as for VPNs."""

    __tablename__ = "isthmus_vtn_journal"

    id = sa.Column(SEQUENCE, primary_key=True, autoincrement=True)
    vtn_id = sa.Column(sa.String(36), nullable=False, index=True)
    created_at = sa.Column(sa.DateTime, nullable=False)


class Realisation(model_base.BASEV2):
    """What this site made of a VTN, with ids that were chosen before it was made.

    ``network_name`` is the one the network was last given by us; NULL if it was never made.
    ``is_joined`` says that VPN and association were made. What was made and is not there any more
    was removed by somebody else.
    """

    __tablename__ = "isthmus_vtn_realisations"

    vtn_id = sa.Column(sa.String(36), primary_key=True)
    network_id = sa.Column(
        sa.String(36), nullable=False, unique=True, default=uuidutils.generate_uuid
    )
    bgpvpn_id = sa.Column(
        sa.String(36), nullable=False, unique=True, default=uuidutils.generate_uuid
    )
    network_name = sa.Column(FREE_TEXT, nullable=True)
    is_joined = _flag(is_set=False)
    claimed_at = sa.Column(sa.DateTime, nullable=False)


class RealisedSubnet(model_base.BASEV2):
    """A subnet of that network; ``is_made`` as above."""

    __tablename__ = "isthmus_vtn_realised_subnets"

    vtn_id = sa.Column(
        sa.String(36),
        sa.ForeignKey("isthmus_vtn_realisations.vtn_id", ondelete="CASCADE"),
        primary_key=True,
    )
    prefix = sa.Column(sa.String(43), primary_key=True)
    subnet_id = sa.Column(
        sa.String(36), nullable=False, unique=True, default=uuidutils.generate_uuid
    )
    is_made = _flag(is_set=False)


class VtnEvent(model_base.BASEV2):
    """Something that happened, in a sentence for operators."""

    __tablename__ = "isthmus_vtn_events"

    id = sa.Column(SEQUENCE, primary_key=True, autoincrement=True)
    at = sa.Column(sa.DateTime, nullable=False)
    site = sa.Column(SITE_NAME, nullable=False, index=True)
    vtn_id = sa.Column(sa.String(36), nullable=True, index=True)
    text = sa.Column(TEXT, nullable=False)


class Site(model_base.BASEV2):
    """A site this one knows, and itself.

    ``state`` is how far peering is: INVITED, PENDING, CONFIRMED, REVOKED, and OWN of this site.
    ``liveness`` is UP, UNREACHABLE or DOWN since ``liveness_since``. ``watched_cluster`` and
    ``watched_revision`` say up to where its etcd has been read. ``private_key`` is encrypted;
    ``exchange`` is the daemon's note of a peering under way. ``asked`` is what an operator asked
    the daemon for and is not done yet; ``asked_at`` and ``done_at`` say when the last was.
    """

    __tablename__ = "isthmus_sites"

    name = sa.Column(SITE_NAME, primary_key=True)
    id = sa.Column(sa.String(36), nullable=False, unique=True)
    state = sa.Column(sa.String(16), nullable=False)
    endpoints = _text()
    peering_endpoint = _text()
    as_number = sa.Column(sa.BigInteger, nullable=True)
    ca = _text()
    certificate = _text()
    private_key = _text()
    certificate_expires_at = sa.Column(sa.DateTime, nullable=True)
    exchange = _text()
    shares_identity = _flag(is_set=True)
    incarnation = sa.Column(sa.String(64), nullable=False, default="", server_default="")
    beat = sa.Column(sa.BigInteger, nullable=False, default=0, server_default="0")
    watched_cluster = sa.Column(sa.String(32), nullable=False, default="", server_default="")
    watched_revision = sa.Column(sa.BigInteger, nullable=False, default=0, server_default="0")
    heard_at = sa.Column(sa.DateTime, nullable=True)
    liveness = sa.Column(sa.String(16), nullable=False, default="DOWN", server_default="DOWN")
    liveness_since = sa.Column(sa.DateTime, nullable=True)
    reason = _text()
    asked = sa.Column(sa.String(16), nullable=False, default="", server_default="")
    asked_at = sa.Column(sa.DateTime, nullable=True)
    done_at = sa.Column(sa.DateTime, nullable=True)
    standard_attr_id = standard_attributes()


class SiteProject(model_base.BASEV2):
    """A project of another site's Keystone, and the one of ours that stands for it."""

    __tablename__ = "isthmus_site_projects"

    site = _site()
    their_project = sa.Column(FREE_TEXT, primary_key=True)
    our_project = sa.Column(FREE_TEXT, nullable=False, index=True)


class Invitation(model_base.BASEV2):
    """An invitation this site made; of its secret there is a digest alone. Used once."""

    __tablename__ = "isthmus_invitations"

    id = sa.Column(sa.String(36), primary_key=True)
    site = sa.Column(SITE_NAME, nullable=False, index=True)
    token_hash = sa.Column(sa.String(64), nullable=False, unique=True)
    created_at = sa.Column(sa.DateTime, nullable=False)
    expires_at = sa.Column(sa.DateTime, nullable=False)
    used_at = sa.Column(sa.DateTime, nullable=True)
    used_by = sa.Column(sa.String(255), nullable=False, default="", server_default="")
