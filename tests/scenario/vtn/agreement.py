# SPDX-License-Identifier: Apache-2.0
"""What must be so once all sites hear each other: nothing lost, all sites alike. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from tests.scenario.vtn.ledger import DESCRIPTION, EXISTS, NAME, PORT, Ledger, member

ENDING = "PENDING_DELETE"


@dataclass(frozen=True, slots=True)
class Part:
    """What a member says it has made of a virtual tenant network, as a site shows it.

    Attributes:
        prefixes: given to it, sorted.
        subnets: by id.
    """

    status: str
    prefixes: tuple[str, ...] = ()
    network: str = ""
    subnets: frozenset[str] = frozenset()
    vpn: str = ""


@dataclass(frozen=True, slots=True)
class Vpn:
    """A VPN that a member made.

    Attributes:
        networks: that are associated with it.
    """

    name: str
    networks: frozenset[str]


@dataclass(frozen=True, slots=True)
class Vtn:
    """A virtual tenant network as a site's API shows it.

    Attributes:
        said: by attribute, what all sites must show alike.
        sites: the members there are to be.
        members: what each that is to be has made, by site.
        network: the site's own part, by id; empty where there is none.
    """

    id: str
    status: str
    reason: str
    said: Mapping[str, object]
    sites: frozenset[str]
    members: Mapping[str, Part]
    network: str = ""


@dataclass(frozen=True, slots=True)
class Observed:
    """A site, as its APIs show it.

    Attributes:
        networks: of Neutron that bear the test's name: names by id.
        subnets: of each of them: prefixes by id.
        ports: of Neutron: the networks they are on, by id.
        vpns: that bear the test's name, by id.
    """

    site: str
    vtns: Mapping[str, Vtn]
    networks: Mapping[str, str]
    subnets: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    ports: Mapping[str, str] = field(default_factory=dict)
    vpns: Mapping[str, Vpn] = field(default_factory=dict)


def differences(ledger: Ledger, sites: Sequence[Observed]) -> list[str]:
    """A sentence for all that is lost, and for each difference; none when all is well."""
    found = [*lost(ledger, sites)]
    for site in sites:
        found += _own_parts(site)
    for number, one in enumerate(sites):
        for other in sites[number + 1 :]:
            found += _unlike(one, other)
    return sorted(found)


def lost(ledger: Ledger, sites: Sequence[Observed]) -> Iterator[str]:
    """A sentence for each acknowledged write that does not stand."""
    by_site = {site.site: site for site in sites}
    for vtn, values in ledger.of(EXISTS).items():
        owner = by_site[ledger.owners[vtn]]
        there = vtn in owner.vtns
        if values == [True] and (not there or owner.vtns[vtn].status == ENDING):
            yield f"{vtn} was made at {owner.site} and never deleted, and is gone"
        if values == [False]:
            yield from _undeleted(vtn, sites)
        if True in values and there and owner.vtns[vtn].status != ENDING:
            yield from _unsaid(ledger, owner.vtns[vtn], owner.site, by_site)
    for port, values in ledger.of(PORT).items():
        site = by_site[ledger.ports[port].site]
        if values == [True] and port not in site.ports:
            yield f"port {port} was made at {site.site} and never deleted, and is gone"
        if values == [False] and port in site.ports:
            yield f"port {port} was deleted at {site.site}, and is there"


def unexpected(sentences: Iterable[str], sites: Sequence[Observed]) -> list[str]:
    """What sites report, but for networks that are deleted and kept for somebody's ports.

    Whoever has ports keeps them; that this is reported is as it is to be.
    """
    shown = (vtn for site in sites for vtn in site.vtns.values())
    kept = {vtn.id for vtn in shown if vtn.status == ENDING and _has_ports(vtn.id, sites)}
    return [each for each in sentences if not any(vtn in each for vtn in kept)]


def _undeleted(vtn: str, sites: Sequence[Observed]) -> Iterator[str]:
    has_ports = _has_ports(vtn, sites)
    for site in sites:
        shown = site.vtns.get(vtn)
        if shown is None:
            continue
        if shown.status == ENDING and has_ports:
            continue  # whoever has a port keeps it, and is told what waits for it
        yield f"{vtn} was deleted, and {site.site} has it: {shown.status} ({shown.reason})"


def _unsaid(ledger: Ledger, shown: Vtn, site: str, sites: Iterable[str]) -> Iterator[str]:
    for what in (NAME, DESCRIPTION):
        values = ledger.possible(what, shown.id)
        if values and shown.said[what] not in values:
            yield f"{what} of {shown.id} at {site} is {shown.said[what]!r}, not one of {values}"
    for where in sites:
        values = ledger.possible(member(where), shown.id)
        if values and (where in shown.sites) not in values:
            yield f"{where} is {'' if where in shown.sites else 'not '}a member of {shown.id}"


def _has_ports(vtn: str, sites: Iterable[Observed]) -> bool:
    shown = [(site, site.vtns[vtn].network) for site in sites if vtn in site.vtns]
    return any(network in site.ports.values() for site, network in shown if network)


def _own_parts(site: Observed) -> Iterator[str]:
    networks: set[str] = set()
    vpns: set[str] = set()
    for vtn in site.vtns.values():
        own = vtn.members.get(site.site)
        if vtn.status == ENDING:
            networks.add(vtn.network)
            vpns |= {part.vpn for part in vtn.members.values()}
            continue
        if own is None:
            continue
        if not vtn.network or vtn.network not in site.networks:
            yield f"{site.site} has made no network of {vtn.id}: {own.status}"
            continue
        networks.add(vtn.network)
        vpns.add(own.vpn)
        yield from _own_network(site, vtn, own)
        yield from _own_vpn(site, vtn, own)
        if own.status != "ACTIVE":
            yield f"{site.site}'s part of {vtn.id} is {own.status}: {vtn.reason}"
    for network in sorted(site.networks.keys() - networks):
        yield f"{site.site} has a network {site.networks[network]!r} of no virtual tenant network"
    for vpn in sorted(site.vpns.keys() - vpns):
        yield f"{site.site} has a VPN {site.vpns[vpn].name!r} of no virtual tenant network"


def _own_network(site: Observed, vtn: Vtn, own: Part) -> Iterator[str]:
    where, name = f"{site.site}'s network of {vtn.id}", site.networks[vtn.network]
    if own.network != vtn.network:
        yield f"{where} is {vtn.network}, and it says {own.network}"
    if name != vtn.said[NAME]:
        yield f"{where} is called {name!r}, not {vtn.said[NAME]!r}"
    subnets = site.subnets.get(vtn.network, {})
    if not subnets:
        yield f"{where} has no subnet"
    if tuple(sorted(subnets.values())) != own.prefixes or subnets.keys() != own.subnets:
        yield f"{where} has subnets {subnets}, not {sorted(own.subnets)} of {own.prefixes}"


def _own_vpn(site: Observed, vtn: Vtn, own: Part) -> Iterator[str]:
    vpn = site.vpns.get(own.vpn)
    if vpn is None:
        yield f"{site.site} has made no VPN of {vtn.id}"
        return
    if vpn.name != vtn.said[NAME]:
        yield f"{site.site}'s VPN of {vtn.id} is called {vpn.name!r}, not {vtn.said[NAME]!r}"
    if vpn.networks != {vtn.network}:
        yield f"{site.site}'s VPN of {vtn.id} has the networks {sorted(vpn.networks)}"


def _unlike(one: Observed, other: Observed) -> Iterator[str]:
    for vtn in sorted(one.vtns.keys() | other.vtns.keys()):
        shown = one.vtns.get(vtn), other.vtns.get(vtn)
        there = [each for each in shown if each is not None]
        if len(there) == 1:
            both = {one.site, other.site} <= there[0].sites
            ends = there[0].status == ENDING and _has_ports(vtn, (one, other))
            if both and not ends:
                yield f"{vtn} is at {one.site if shown[0] else other.site} only"
            continue
        if there[0].said != there[1].said:
            yield f"{vtn} at {one.site}: {there[0].said}; at {other.site}: {there[1].said}"
        if there[0].members != there[1].members:
            yield f"{vtn} at {one.site}: {there[0].members}; at {other.site}: {there[1].members}"
