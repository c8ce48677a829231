# SPDX-License-Identifier: Apache-2.0
"""What must be so once all sites hear each other: nothing lost, all sites alike. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from tests.scenario.vtn.ledger import DESCRIPTION, EXISTS, NAME, PORT, Ledger, member

ENDING = "PENDING_DELETE"


@dataclass(frozen=True, slots=True)
class Vtn:
    """A virtual tenant network as a site's API shows it.

    Attributes:
        said: by attribute, what all sites must show alike.
        sites: the members there are to be.
        members: statuses by site.
        network: the site's own part, by id; empty where there is none.
    """

    id: str
    status: str
    reason: str
    said: Mapping[str, object]
    sites: frozenset[str]
    members: Mapping[str, str]
    network: str = ""


@dataclass(frozen=True, slots=True)
class Observed:
    """A site, as its APIs show it.

    Attributes:
        networks: of Neutron that bear the test's name: names by id.
        prefixes: of each of them, sorted.
        ports: of Neutron: the networks they are on, by id.
    """

    site: str
    vtns: Mapping[str, Vtn]
    networks: Mapping[str, str]
    prefixes: Mapping[str, Sequence[str]] = field(default_factory=dict)
    ports: Mapping[str, str] = field(default_factory=dict)


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
    wanted: dict[str, str] = {}
    for vtn in site.vtns.values():
        if vtn.status == ENDING:
            wanted[vtn.network] = ""
            continue
        own = vtn.members.get(site.site)
        if own is None:
            continue
        if not vtn.network or vtn.network not in site.networks:
            yield f"{site.site} has made no network of {vtn.id}: {own}"
            continue
        wanted[vtn.network] = vtn.id
        if site.networks[vtn.network] != vtn.said[NAME]:
            yield (
                f"{site.site}'s network of {vtn.id} is called {site.networks[vtn.network]!r}, "
                f"not {vtn.said[NAME]!r}"
            )
        if not site.prefixes.get(vtn.network):
            yield f"{site.site}'s network of {vtn.id} has no subnet"
        if own != "ACTIVE":
            yield f"{site.site}'s part of {vtn.id} is {own}: {vtn.reason}"
    for network in sorted(site.networks.keys() - wanted.keys()):
        yield f"{site.site} has a network {site.networks[network]!r} of no virtual tenant network"


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
