# SPDX-License-Identifier: Apache-2.0
"""The internal API: topics, versions, and model values as plain data.

    server ──cast──▶ PE     apply(intent)         the whole part of one VPN on that PE
    server ──cast──▶ PE     remove(vpn_id)        that VPN has no part on that PE any more
    PE ──cast──▶ server     report(report)        what is in force, whenever that changes
    PE ──call──▶ server     sync(report) -> {"apply": [intent…], "remove": [vpn_id…]}
    API ──cast──▶ worker    wake()                the journal has something in it

Each is an oslo.messaging call by these argument names to
``Target(exchange=EXCHANGE, topic=…, version=VERSION)``, PEs with ``server=<host name>``, with an
empty context and no serializer.

Every message carries state, never a change of state: losing, repeating or reordering one costs
time, not truth. ``sync`` runs at the start of an agent and every few seconds; it also is the
agent's heartbeat.

Decoding refuses what it cannot read with ``InvalidValue`` and never half-reads.

Agents and servers of different ages work together: a key that was added is ignored by those that do
not know it, and what it stands for is a default where it is missing, so that neither side has to
know the other's age. IPv6 came that way, in ``subnets_ipv6`` and ``addresses_ipv6``: an agent from
before serves the IPv4 part of the same intent. What an older agent would take for more than it is
has a key of its own too: ``port_circuits`` are of networks of which only some ports are in the VPN,
``arriving_hosts`` and ``arriving_prefixes`` are of VMs that do not run there yet.
``VERSION`` changes only with the calls themselves:
its minor part when one is added, its major part when one becomes unreadable to older receivers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network
from typing import Any, TypeVar

from isthmus.model.errors import InvalidValue
from isthmus.model.ids import RouteDistinguisher, RouteTarget
from isthmus.model.intent import (
    AttachedHost,
    AttachedPrefix,
    AttachedSubnet,
    AttachmentCircuit,
    Migration,
    RouterAdvertisement,
    VrfIntent,
)
from isthmus.model.report import NeighborReport, PeReport, VrfReport

VERSION = "1.0"
# Set in every target: the default exchange is Neutron's on one side and another on the other.
EXCHANGE = "isthmus"
SERVER_TOPIC = "isthmus-server"
WORKER_TOPIC = "isthmus-worker"
PE_TOPIC = "isthmus-pe"
SYNC_INTERVAL_S = 10

Plain = Mapping[str, Any]
_Value = TypeVar("_Value")


def encode_vrf_intent(intent: VrfIntent) -> dict[str, Any]:
    """Encode a VRF's intent as JSON-ready data."""
    return {
        "vpn_id": intent.vpn_id,
        "generation": intent.generation,
        "import_rts": sorted(str(rt) for rt in intent.import_rts),
        "export_rts": sorted(str(rt) for rt in intent.export_rts),
        "rd": None if intent.rd is None else str(intent.rd),
        "local_pref": intent.local_pref,
        "circuits": [_encode_circuit(circuit) for circuit in intent.circuits if circuit.is_whole],
        "port_circuits": [
            _encode_circuit(circuit) for circuit in intent.circuits if not circuit.is_whole
        ],
    }


def decode_vrf_intent(plain: Plain) -> VrfIntent:
    """Decode what ``encode_vrf_intent`` made.

    Raises:
        InvalidValue: a part is missing or malformed.
    """
    return _read(
        plain,
        lambda: VrfIntent(
            vpn_id=str(plain["vpn_id"]),
            generation=int(plain["generation"]),
            import_rts=frozenset(RouteTarget.parse(rt) for rt in plain["import_rts"]),
            export_rts=frozenset(RouteTarget.parse(rt) for rt in plain["export_rts"]),
            rd=None if plain["rd"] is None else RouteDistinguisher.parse(plain["rd"]),
            circuits=(
                *(_decode_circuit(circuit, is_whole=True) for circuit in plain["circuits"]),
                *(
                    _decode_circuit(circuit, is_whole=False)
                    for circuit in plain.get("port_circuits", ())
                ),
            ),
            local_pref=_decode_local_pref(plain),
        ),
    )


def encode_pe_report(report: PeReport) -> dict[str, Any]:
    """Encode a PE's report as JSON-ready data."""
    return {
        "pe": report.pe,
        "address": str(report.address),
        "is_gateway": report.is_gateway,
        "core_payload": report.core_payload,
        "last_error": report.last_error,
        "vrfs": [
            {
                "vpn_id": vrf.vpn_id,
                "generation": vrf.generation,
                "is_in_force": vrf.is_in_force,
                "reason": vrf.reason,
                "labels": list(vrf.labels),
                "routes_sent": vrf.routes_sent,
                "routes_received": vrf.routes_received,
            }
            for vrf in report.vrfs
        ],
        "neighbors": [
            {"address": str(neighbor.address), "is_established": neighbor.is_established}
            for neighbor in report.neighbors
        ],
    }


def decode_pe_report(plain: Plain) -> PeReport:
    """Decode what ``encode_pe_report`` made.

    Raises:
        InvalidValue: a part is missing or malformed.
    """
    return _read(
        plain,
        lambda: PeReport(
            pe=str(plain["pe"]),
            address=IPv4Address(plain["address"]),
            vrfs=tuple(
                VrfReport(
                    vpn_id=str(vrf["vpn_id"]),
                    generation=int(vrf["generation"]),
                    is_in_force=bool(vrf["is_in_force"]),
                    reason=str(vrf["reason"]),
                    labels=tuple(int(label) for label in vrf.get("labels", ())),
                    routes_sent=int(vrf.get("routes_sent", 0)),
                    routes_received=int(vrf.get("routes_received", 0)),
                )
                for vrf in plain["vrfs"]
            ),
            neighbors=tuple(
                NeighborReport(IPv4Address(n["address"]), bool(n["is_established"]))
                for n in plain["neighbors"]
            ),
            is_gateway=bool(plain.get("is_gateway", False)),
            core_payload=_decode_core_payload(plain),
            last_error=str(plain.get("last_error", "")),
        ),
    )


def _decode_core_payload(plain: Plain) -> int | None:
    payload = plain.get("core_payload")
    return None if payload is None else int(payload)


def _encode_circuit(circuit: AttachmentCircuit) -> dict[str, Any]:
    return {
        "network_id": circuit.network_id,
        "port_id": circuit.port_id,
        "mac": circuit.mac,
        "mtu": circuit.mtu,
        "subnets": [
            {"prefix": str(subnet.prefix), "gateway": str(subnet.gateway)}
            for subnet in circuit.subnets
            if subnet.prefix.version == 4
        ],
        "subnets_ipv6": [
            {
                "prefix": str(subnet.prefix),
                "gateway": str(subnet.gateway),
                "advertisement": subnet.advertisement.value,
            }
            for subnet in circuit.subnets
            if subnet.prefix.version == 6
        ],
        "hosts": [_encode_host(host) for host in circuit.hosts if not _is_arriving(host)],
        "arriving_hosts": [_encode_host(host) for host in circuit.hosts if _is_arriving(host)],
        "gateways": [str(address) for address in circuit.gateways],
        "prefixes": [_encode_prefix(each) for each in circuit.prefixes if not _is_arriving(each)],
        "arriving_prefixes": [
            _encode_prefix(each) for each in circuit.prefixes if _is_arriving(each)
        ],
    }


def _is_arriving(each: AttachedHost | AttachedPrefix) -> bool:
    return each.migration is Migration.ARRIVING


def _encode_prefix(prefix: AttachedPrefix) -> dict[str, Any]:
    return {
        "prefix": str(prefix.prefix),
        "mac": prefix.mac,
        "port_id": prefix.port_id,
        "local_pref": prefix.local_pref,
        "is_leaving": prefix.migration is Migration.LEAVING,
    }


def _encode_host(host: AttachedHost) -> dict[str, Any]:
    return {
        "is_leaving": host.migration is Migration.LEAVING,
        "port_id": host.port_id,
        "mac": host.mac,
        "is_advertised": host.is_advertised,
        "addresses": [str(address) for address in host.addresses if address.version == 4],
        "addresses_ipv6": [str(address) for address in host.addresses if address.version == 6],
    }


def _decode_circuit(plain: Plain, *, is_whole: bool) -> AttachmentCircuit:
    return AttachmentCircuit(
        network_id=str(plain["network_id"]),
        port_id=str(plain["port_id"]),
        mac=str(plain["mac"]),
        mtu=int(plain["mtu"]),
        subnets=(
            *(
                AttachedSubnet(IPv4Network(subnet["prefix"]), IPv4Address(subnet["gateway"]))
                for subnet in plain["subnets"]
            ),
            *(_decode_ipv6_subnet(subnet) for subnet in plain.get("subnets_ipv6", ())),
        ),
        hosts=(
            *(_decode_host(host) for host in plain["hosts"]),
            *(
                replace(_decode_host(host), migration=Migration.ARRIVING)
                for host in plain.get("arriving_hosts", ())
            ),
        ),
        prefixes=(
            *(_decode_prefix(prefix) for prefix in plain.get("prefixes", ())),
            *(
                replace(_decode_prefix(prefix), migration=Migration.ARRIVING)
                for prefix in plain.get("arriving_prefixes", ())
            ),
        ),
        is_whole=is_whole,
        gateways=tuple(IPv4Address(address) for address in plain.get("gateways", ())),
    )


def _decode_prefix(plain: Plain) -> AttachedPrefix:
    port_id = plain["port_id"]
    return AttachedPrefix(
        ip_network(plain["prefix"]),
        str(plain["mac"]),
        None if port_id is None else str(port_id),
        _decode_local_pref(plain),
        _decode_migration(plain),
    )


def _decode_migration(plain: Plain) -> Migration:
    return Migration.LEAVING if plain.get("is_leaving") else Migration.NONE


def _decode_local_pref(plain: Plain) -> int | None:
    value = plain.get("local_pref")
    return None if value is None else int(value)


def _decode_ipv6_subnet(plain: Plain) -> AttachedSubnet:
    return AttachedSubnet(
        IPv6Network(plain["prefix"]),
        IPv6Address(plain["gateway"]),
        RouterAdvertisement(plain["advertisement"]),
    )


def _decode_host(plain: Plain) -> AttachedHost:
    return AttachedHost(
        str(plain["port_id"]),
        str(plain["mac"]),
        (
            *(IPv4Address(address) for address in plain["addresses"]),
            *(IPv6Address(address) for address in plain.get("addresses_ipv6", ())),
        ),
        bool(plain.get("is_advertised", True)),
        _decode_migration(plain),
    )


def _read(plain: Plain, read: Callable[[], _Value]) -> _Value:
    try:
        return read()
    except InvalidValue:
        raise
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise InvalidValue(f"Unreadable message ({error!r}): {plain!r:.200}") from error
