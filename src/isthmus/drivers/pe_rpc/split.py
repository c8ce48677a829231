# SPDX-License-Identifier: Apache-2.0
"""Split a VPN's intent into the part of each PE, and compare parts with what a PE holds.

Pure: no I/O, no clock, no logging. Same input, same output, in any order.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from itertools import cycle

from isthmus.model.ids import RouteDistinguisher
from isthmus.model.intent import (
    AttachmentCircuit,
    Migration,
    NetworkAttachment,
    VpnIntent,
    VrfIntent,
)


def split(intent: VpnIntent, pes: Collection[str]) -> dict[str, VrfIntent]:
    """Return the part of each PE that has a CE of the VPN on its host.

    Args:
        intent: the whole VPN.
        pes: every PE of the region; hosts that are none have no part.
    """
    rds = choose_rds(intent.rds, pes)
    return {
        pe: VrfIntent(
            vpn_id=intent.vpn_id,
            generation=intent.generation,
            import_rts=intent.import_rts,
            export_rts=intent.export_rts,
            rd=rds.get(pe),
            circuits=circuits,
            local_pref=intent.local_pref,
        )
        for pe in sorted(set(pes))
        if (circuits := _circuits(intent, pe))
    }


def choose_rds(
    rds: Collection[RouteDistinguisher], pes: Collection[str]
) -> Mapping[str, RouteDistinguisher]:
    """Deal those listed out to the PEs of the region, in turn; PEs share where they are fewer.

    By rank among all PEs, not among those that need one, so that a VM that comes or goes changes
    no PE's RD.
    """
    return dict(zip(sorted(set(pes)), cycle(rds), strict=False))


def _circuits(intent: VpnIntent, pe: str) -> tuple[AttachmentCircuit, ...]:
    ordered = sorted(intent.attachments, key=lambda a: (not a.is_whole, a.network_id))
    circuits = (_circuit(attachment, pe) for attachment in ordered)
    return tuple(circuit for circuit in circuits if circuit is not None)


def _circuit(attachment: NetworkAttachment, pe: str) -> AttachmentCircuit | None:
    """Return what a PE needs of an attachment; None if it serves no CE of it."""
    if attachment.gateways:
        return _gateway_circuit(attachment, pe)
    hosts = sorted(bound.host for bound in attachment.hosts if bound.host_name == pe)
    prefixes = {bound.prefix for bound in attachment.prefixes if bound.host_name == pe}
    if not hosts and not prefixes:
        return None
    everywhere = {bound.prefix for bound in attachment.prefixes if not bound.host_name}
    return AttachmentCircuit(
        network_id=attachment.network_id,
        port_id=attachment.port_id,
        mac=attachment.mac,
        mtu=attachment.mtu,
        subnets=attachment.subnets,
        hosts=tuple(hosts),
        prefixes=tuple(sorted(prefixes | everywhere)),
        is_whole=attachment.is_whole,
    )


def _gateway_circuit(attachment: NetworkAttachment, pe: str) -> AttachmentCircuit | None:
    """Return the circuit of a PE that may serve a network in gateway mode, with all its CEs.

    A VM that moves is behind the gateway before and after.
    """
    own = next((port for port in attachment.gateways if port.host_name == pe), None)
    if own is None or not (attachment.hosts or attachment.prefixes):
        return None
    return AttachmentCircuit(
        network_id=attachment.network_id,
        port_id=own.port_id,
        mac=own.mac,
        mtu=attachment.mtu,
        subnets=attachment.subnets,
        hosts=tuple(
            sorted(
                replace(bound.host, migration=Migration.NONE)
                for bound in attachment.hosts
                if bound.host.migration is not Migration.ARRIVING
            )
        ),
        prefixes=tuple(
            sorted(
                {replace(bound.prefix, migration=Migration.NONE) for bound in attachment.prefixes}
            )
        ),
        is_whole=attachment.is_whole,
        gateways=tuple(port.address for port in attachment.gateways),
    )


def compare(
    pe: str, held: Mapping[str, int], intents: Iterable[VpnIntent], pes: Collection[str]
) -> tuple[list[VrfIntent], list[str]]:
    """Compare what a PE holds with its parts of some VPNs.

    Args:
        pe: the PE.
        held: generation of each VPN it holds.
        intents: the VPNs to compare.
        pes: every PE of the region.

    Returns:
        The parts it lacks or holds of an older generation; the VPNs it holds without having a
        part in them. Both in order of VPN.
    """
    lacking: list[VrfIntent] = []
    excess: list[str] = []
    for intent in sorted(intents, key=lambda i: i.vpn_id):
        part = split(intent, {*pes, pe}).get(pe)
        if part is None:
            if intent.vpn_id in held:
                excess.append(intent.vpn_id)
        elif held.get(intent.vpn_id, -1) < part.generation:
            lacking.append(part)
    return lacking, excess
