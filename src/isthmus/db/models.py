# SPDX-License-Identifier: Apache-2.0
"""Tables.

isthmus_vpns ─┬─< isthmus_route_targets         one row per route target, with its direction
              ├─< isthmus_route_distinguishers
              ├─< isthmus_allocations           numbers given out from pools
              ├─< isthmus_vpn_rbacs             other projects that may use it
              ├─< isthmus_network_associations >── networks ─┬0..1 isthmus_attachments
              │                                          └─< isthmus_gateway_ports
              ├─< isthmus_router_associations  >── routers  ──0..1 isthmus_transit_networks
              └─< isthmus_port_associations    >── ports
                    └─< isthmus_port_association_routes
isthmus_journal             which VPN changed; rows go when the change has been dispatched
isthmus_provider_edges ──< isthmus_pe_reports    what each PE says is in force
"""

from __future__ import annotations

import sqlalchemy as sa
from neutron.db import rbac_db_models
from neutron_lib.db import model_base
from sqlalchemy.dialects import mysql

# Names and project ids are free text, whatever character set the operator gave the database.
FREE_TEXT = sa.String(255).with_variant(mysql.VARCHAR(255, charset="utf8mb4"), "mysql", "mariadb")
SEQUENCE = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
# In parentheses MySQL takes it for a column of text.
EMPTY = sa.text("('')")
DISTRIBUTED, GATEWAY = "distributed", "gateway"


def standard_attributes() -> sa.Column[int]:
    """Return the reference to Neutron's standard attributes; NULL in rows older than these."""
    return sa.Column(
        SEQUENCE,
        sa.ForeignKey("standardattributes.id", ondelete="CASCADE"),
        nullable=True,
        unique=True,
    )


def _vpn_id() -> sa.Column[str]:
    return sa.Column(
        sa.String(36), sa.ForeignKey("isthmus_vpns.id", ondelete="CASCADE"), nullable=False
    )


class Vpn(model_base.BASEV2):
    """A BGP VPN of this region.

    ``generation`` counts what was dispatched; ``dispatched_digest`` is of the intent last sent
    with it, NULL when nothing was. ``refusal`` says why the last dispatch failed. ``vtn_id`` is
    the virtual tenant network it was made for; tenants don't see such a VPN.
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
    local_pref = sa.Column(sa.BigInteger, nullable=True)
    admin_state_up = sa.Column(sa.Boolean, nullable=False, default=True, server_default=sa.true())
    allocates_route_target = sa.Column(
        sa.Boolean, nullable=False, default=False, server_default=sa.false()
    )
    allocates_route_distinguisher = sa.Column(
        sa.Boolean, nullable=False, default=False, server_default=sa.false()
    )
    vtn_id = sa.Column(sa.String(36), nullable=True, index=True)
    standard_attr_id = standard_attributes()


class RouteTarget(model_base.BASEV2):
    """One route target of a VPN; ``direction`` is import, export or both."""

    __tablename__ = "isthmus_route_targets"

    vpn_id = sa.Column(
        sa.String(36), sa.ForeignKey("isthmus_vpns.id", ondelete="CASCADE"), primary_key=True
    )
    direction = sa.Column(sa.String(6), primary_key=True)
    value = sa.Column(sa.String(21), primary_key=True, index=True)


class RouteDistinguisher(model_base.BASEV2):
    """One of the RDs an operator listed for a VPN; ``position`` is its place in the list."""

    __tablename__ = "isthmus_route_distinguishers"

    vpn_id = sa.Column(
        sa.String(36), sa.ForeignKey("isthmus_vpns.id", ondelete="CASCADE"), primary_key=True
    )
    value = sa.Column(sa.String(21), primary_key=True, index=True)
    position = sa.Column(sa.Integer, nullable=False)


class NetworkAssociation(model_base.BASEV2):
    """A network in a VPN; ``attachment_mode`` overrides the region's unless it is NULL."""

    __tablename__ = "isthmus_network_associations"
    __table_args__ = (
        sa.UniqueConstraint("vpn_id", "network_id", name="uniq_isthmus_network_associations"),
        model_base.BASEV2.__table_args__,
    )

    id = sa.Column(sa.String(36), primary_key=True)
    project_id = sa.Column(FREE_TEXT, nullable=False, index=True)
    vpn_id = _vpn_id()
    network_id = sa.Column(
        sa.String(36), sa.ForeignKey("networks.id", ondelete="CASCADE"), nullable=False
    )
    attachment_mode = sa.Column(sa.String(16), nullable=True)
    admin_state_up = sa.Column(sa.Boolean, nullable=False, default=True, server_default=sa.true())
    standard_attr_id = standard_attributes()


class RouterAssociation(model_base.BASEV2):
    """A router, with all its subnets, in a VPN."""

    __tablename__ = "isthmus_router_associations"
    __table_args__ = (
        sa.UniqueConstraint("vpn_id", "router_id", name="uniq_isthmus_router_associations"),
        model_base.BASEV2.__table_args__,
    )

    id = sa.Column(sa.String(36), primary_key=True)
    project_id = sa.Column(FREE_TEXT, nullable=False, index=True)
    vpn_id = _vpn_id()
    router_id = sa.Column(
        sa.String(36), sa.ForeignKey("routers.id", ondelete="CASCADE"), nullable=False
    )
    advertise_extra_routes = sa.Column(sa.Boolean, nullable=False, default=True)
    admin_state_up = sa.Column(sa.Boolean, nullable=False, default=True, server_default=sa.true())
    standard_attr_id = standard_attributes()


class PortAssociation(model_base.BASEV2):
    """A port in a VPN, with what it has behind it."""

    __tablename__ = "isthmus_port_associations"
    __table_args__ = (
        sa.UniqueConstraint("vpn_id", "port_id", name="uniq_isthmus_port_associations"),
        model_base.BASEV2.__table_args__,
    )

    id = sa.Column(sa.String(36), primary_key=True)
    project_id = sa.Column(FREE_TEXT, nullable=False, index=True)
    vpn_id = _vpn_id()
    port_id = sa.Column(
        sa.String(36), sa.ForeignKey("ports.id", ondelete="CASCADE"), nullable=False
    )
    advertise_fixed_ips = sa.Column(sa.Boolean, nullable=False, default=True)
    admin_state_up = sa.Column(sa.Boolean, nullable=False, default=True, server_default=sa.true())
    standard_attr_id = standard_attributes()


class PortAssociationRoute(model_base.BASEV2):
    """A route of a port association; ``position`` is its place in the list.

    A route of type ``prefix`` has a prefix, one of type ``bgpvpn`` another VPN.
    """

    __tablename__ = "isthmus_port_association_routes"

    association_id = sa.Column(
        sa.String(36),
        sa.ForeignKey("isthmus_port_associations.id", ondelete="CASCADE"),
        primary_key=True,
    )
    position = sa.Column(sa.Integer, primary_key=True, autoincrement=False)
    type = sa.Column(sa.String(16), nullable=False)
    prefix = sa.Column(sa.String(64), nullable=True)
    bgpvpn_id = sa.Column(
        sa.String(36), sa.ForeignKey("isthmus_vpns.id", ondelete="CASCADE"), nullable=True
    )
    local_pref = sa.Column(sa.BigInteger, nullable=True)


class TransitNetwork(model_base.BASEV2):
    """The network between a router and the PEs, made when the router joins its first VPN.

    The row is there before the network and after it; all ids are chosen with the row.
    """

    __tablename__ = "isthmus_transit_networks"

    router_id = sa.Column(
        sa.String(36), sa.ForeignKey("routers.id", ondelete="CASCADE"), primary_key=True
    )
    network_id = sa.Column(sa.String(36), nullable=False, unique=True)
    router_port_id = sa.Column(sa.String(36), nullable=False, unique=True)
    ipv4_prefix = sa.Column(sa.String(18), nullable=False, unique=True)
    claimed_at = sa.Column(sa.DateTime, nullable=False)


class VpnRbac(rbac_db_models.RBACColumns, model_base.BASEV2):
    """Another project that may use a VPN: Neutron's RBAC finds it by being a subclass."""

    __tablename__ = "isthmus_vpn_rbacs"

    object_id = _vpn_id()
    object_type = "bgpvpn"

    @staticmethod
    def get_valid_actions() -> tuple[str, ...]:
        """Return what a policy may allow."""
        return (rbac_db_models.ACCESS_SHARED,)


class Allocation(model_base.BASEV2):
    """A number of a pool, given to a VPN."""

    __tablename__ = "isthmus_allocations"

    pool = sa.Column(sa.String(16), primary_key=True)
    number = sa.Column(sa.BigInteger, primary_key=True, autoincrement=False)
    vpn_id = _vpn_id()


class Attachment(model_base.BASEV2):
    """The port through which the PEs of this region are reached on a network.

    The row is there before the port and after it, so no port of ours is ever unknown: its id is
    chosen with the row. ``claimed_at`` says when a worker set out to make the port; ``mode`` is
    the one the network is in now: ``distributed`` or ``gateway``.
    """

    __tablename__ = "isthmus_attachments"

    network_id = sa.Column(
        sa.String(36), sa.ForeignKey("networks.id", ondelete="CASCADE"), primary_key=True
    )
    port_id = sa.Column(sa.String(36), nullable=False, unique=True)
    claimed_at = sa.Column(sa.DateTime, nullable=False)
    mode = sa.Column(sa.String(16), nullable=False, default=DISTRIBUTED, server_default=DISTRIBUTED)


class GatewayPort(model_base.BASEV2):
    """The port of one gateway on a network in gateway mode; like an attachment's, row first."""

    __tablename__ = "isthmus_gateway_ports"

    network_id = sa.Column(
        sa.String(36), sa.ForeignKey("networks.id", ondelete="CASCADE"), primary_key=True
    )
    pe = sa.Column(sa.String(255), primary_key=True)
    port_id = sa.Column(sa.String(36), nullable=False, unique=True)
    claimed_at = sa.Column(sa.DateTime, nullable=False)


class JournalEntry(model_base.BASEV2):
    """A VPN that changed. No foreign key: a VPN that is gone has to be told of too."""

    __tablename__ = "isthmus_journal"

    seq = sa.Column(SEQUENCE, primary_key=True, autoincrement=True)
    vpn_id = sa.Column(sa.String(36), nullable=False, index=True)
    created_at = sa.Column(sa.DateTime, nullable=False)


class ProviderEdge(model_base.BASEV2):
    """A PE of this region, known since its agent first spoke.

    ``core_payload`` is the largest IP packet its core link carries for a VPN, in octets.
    """

    __tablename__ = "isthmus_provider_edges"

    name = sa.Column(sa.String(255), primary_key=True)
    address = sa.Column(sa.String(45), nullable=False)
    heard_at = sa.Column(sa.DateTime, nullable=False)
    neighbors = sa.Column(sa.Integer, nullable=False)
    neighbors_established = sa.Column(sa.Integer, nullable=False)
    core_payload = sa.Column(sa.Integer, nullable=True)
    is_gateway = sa.Column(sa.Boolean, nullable=False, default=False, server_default=sa.false())
    last_error = sa.Column(sa.Text, nullable=False, default="", server_default=EMPTY)


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
    labels = sa.Column(sa.Text, nullable=False, default="", server_default=EMPTY)
    routes_sent = sa.Column(sa.Integer, nullable=False, default=0, server_default="0")
    routes_received = sa.Column(sa.Integer, nullable=False, default=0, server_default="0")
