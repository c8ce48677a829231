# SPDX-License-Identifier: Apache-2.0
"""Tables.

isthmus_vpns ─┬─< isthmus_route_targets         one row per route target, with its direction
              ├─< isthmus_route_distinguishers
              └─< isthmus_network_associations >── networks ──0..1 isthmus_attachments
isthmus_journal             which VPN changed; rows go when the change has been dispatched
isthmus_provider_edges ──< isthmus_pe_reports    what each PE says is in force
"""

from __future__ import annotations

import sqlalchemy as sa
from neutron_lib.db import model_base
from sqlalchemy.dialects import mysql

# Names and project ids are free text, whatever character set the operator gave the database.
FREE_TEXT = sa.String(255).with_variant(mysql.VARCHAR(255, charset="utf8mb4"), "mysql", "mariadb")
SEQUENCE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
IMPORT, EXPORT, BOTH = "import", "export", "both"


class Vpn(model_base.BASEV2):
    """A BGP VPN of this region.

    ``generation`` counts what was dispatched; ``dispatched_digest`` is of the intent last sent
    with it, NULL when nothing was. ``refusal`` says why the last dispatch failed.
    """

    __tablename__ = "isthmus_vpns"

    id = sa.Column(sa.String(36), primary_key=True)
    project_id = sa.Column(FREE_TEXT, nullable=False, index=True)
    name = sa.Column(FREE_TEXT, nullable=False)
    type = sa.Column(sa.String(2), nullable=False)
    vni = sa.Column(sa.Integer, nullable=True)
    generation = sa.Column(sa.BigInteger, nullable=False, default=0)
    dispatched_digest = sa.Column(sa.String(64), nullable=True)
    dispatched_at = sa.Column(sa.DateTime, nullable=True)
    refusal = sa.Column(sa.Text, nullable=False, default="")
    refusal_for_tenant = sa.Column(sa.Text, nullable=False, default="")


class RouteTarget(model_base.BASEV2):
    """One route target of a VPN; ``direction`` is import, export or both."""

    __tablename__ = "isthmus_route_targets"

    vpn_id = sa.Column(
        sa.String(36), sa.ForeignKey("isthmus_vpns.id", ondelete="CASCADE"), primary_key=True
    )
    direction = sa.Column(sa.String(6), primary_key=True)
    value = sa.Column(sa.String(21), primary_key=True)


class RouteDistinguisher(model_base.BASEV2):
    """One of the RDs an operator listed for a VPN; ``position`` is its place in the list."""

    __tablename__ = "isthmus_route_distinguishers"

    vpn_id = sa.Column(
        sa.String(36), sa.ForeignKey("isthmus_vpns.id", ondelete="CASCADE"), primary_key=True
    )
    value = sa.Column(sa.String(21), primary_key=True)
    position = sa.Column(sa.Integer, nullable=False)


class NetworkAssociation(model_base.BASEV2):
    """A network in a VPN."""

    __tablename__ = "isthmus_network_associations"
    __table_args__ = (
        sa.UniqueConstraint("vpn_id", "network_id", name="uniq_isthmus_network_associations"),
        model_base.BASEV2.__table_args__,
    )

    id = sa.Column(sa.String(36), primary_key=True)
    project_id = sa.Column(FREE_TEXT, nullable=False, index=True)
    vpn_id = sa.Column(
        sa.String(36), sa.ForeignKey("isthmus_vpns.id", ondelete="CASCADE"), nullable=False
    )
    network_id = sa.Column(
        sa.String(36), sa.ForeignKey("networks.id", ondelete="CASCADE"), nullable=False
    )


class Attachment(model_base.BASEV2):
    """The port through which the PEs of this region are reached on a network.

    The row is there before the port and after it, so no port of ours is ever unknown: its id is
    chosen with the row. ``claimed_at`` says when a worker set out to make the port.
    """

    __tablename__ = "isthmus_attachments"

    network_id = sa.Column(
        sa.String(36), sa.ForeignKey("networks.id", ondelete="CASCADE"), primary_key=True
    )
    port_id = sa.Column(sa.String(36), nullable=False, unique=True)
    claimed_at = sa.Column(sa.DateTime, nullable=False)


class JournalEntry(model_base.BASEV2):
    """A VPN that changed. No foreign key: a VPN that is gone has to be told of too."""

    __tablename__ = "isthmus_journal"

    seq = sa.Column(SEQUENCE, primary_key=True, autoincrement=True)
    vpn_id = sa.Column(sa.String(36), nullable=False, index=True)
    created_at = sa.Column(sa.DateTime, nullable=False)


class ProviderEdge(model_base.BASEV2):
    """A PE of this region, known since its agent first spoke."""

    __tablename__ = "isthmus_provider_edges"

    name = sa.Column(sa.String(255), primary_key=True)
    address = sa.Column(sa.String(45), nullable=False)
    heard_at = sa.Column(sa.DateTime, nullable=False)
    neighbors = sa.Column(sa.Integer, nullable=False)
    neighbors_established = sa.Column(sa.Integer, nullable=False)


class PeReport(model_base.BASEV2):
    """What a PE says of one VPN; a PE's rows are replaced whole by its next report."""

    __tablename__ = "isthmus_pe_reports"

    pe = sa.Column(
        sa.String(255),
        sa.ForeignKey("isthmus_provider_edges.name", ondelete="CASCADE"),
        primary_key=True,
    )
    vpn_id = sa.Column(sa.String(36), primary_key=True, index=True)
    generation = sa.Column(sa.BigInteger, nullable=False)
    is_in_force = sa.Column(sa.Boolean, nullable=False)
    reason = sa.Column(sa.Text, nullable=False)
