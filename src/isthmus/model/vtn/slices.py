# SPDX-License-Identifier: Apache-2.0
"""Prefixes for members, cut from those of the VTN; none is given twice.

Who owns a VTN since its first epoch has given all that was ever given. Who took it over may not
know what a former owner gave to whom, so it gives nothing new until everybody who could have given
or got something has said that it follows the new owner.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from ipaddress import IPv4Network, IPv6Network

from isthmus.model.errors import IntentConflict
from isthmus.model.ip import IpPrefix, ip_order
from isthmus.model.vtn.documents import Version
from isthmus.model.vtn.merge import VtnView

#: A member is given no more than this of IPv4, so that others find room.
LARGEST_IPV4 = 24
#: Five hosts, their gateway and the PE's own addresses (network and broadcast left out).
SMALLEST_IPV4 = 29
#: What stateless address autoconfiguration needs (RFC 4862, RFC 7421).
IPV6_LENGTH = 64


def cut(
    prefixes: Sequence[IpPrefix], taken: Iterable[IpPrefix], sites: Sequence[str], members: int
) -> Mapping[str, tuple[IpPrefix, ...]]:
    """Cut a slice of each address family for each of several new members.

    >>> from ipaddress import ip_network
    >>> slices = cut([ip_network("10.0.0.0/22")], [], ["east", "west"], 2)
    >>> [str(prefix) for prefix in slices["west"]]
    ['10.0.1.0/24']

    Args:
        prefixes: of the VTN.
        taken: what may not be given.
        sites: the new members.
        members: how many there are or will be in all; for as many again room is left where the
            prefixes allow.

    Raises:
        IntentConflict: there is no room.
    """
    taken = list(taken)
    slices: dict[str, tuple[IpPrefix, ...]] = dict.fromkeys(sites, ())
    for version in (4, 6):
        whole = [each for each in prefixes if each.version == version]
        if not whole or not sites:
            continue
        used = [each for each in taken if each.version == version]
        given = _give(whole, used, len(sites), _lengths(whole, members))
        for site, prefix in zip(sites, given, strict=True):
            slices[site] += (prefix,)
    return slices


def _lengths(whole: Sequence[IpPrefix], members: int) -> Sequence[int]:
    """Return prefix lengths to try, the preferred first."""
    if whole[0].version == 6:
        return [IPV6_LENGTH]
    widest = min(each.prefixlen for each in whole)
    wanted = widest + max(2 * members - 1, 1).bit_length()
    return range(max(min(wanted, SMALLEST_IPV4), LARGEST_IPV4), SMALLEST_IPV4 + 1)


def _give(
    whole: Sequence[IpPrefix], used: Sequence[IpPrefix], count: int, lengths: Sequence[int]
) -> Sequence[IpPrefix]:
    for length in lengths:
        free = _free(whole, used, length)
        given = [prefix for prefix, _ in zip(free, range(count), strict=False)]
        if len(given) == count:
            return given
    room = ", ".join(str(each) for each in whole)
    raise IntentConflict(
        f"There is no room in {room} for {'another member' if count == 1 else f'{count} members'}"
        f" of a /{lengths[-1]} each; add a larger prefix to the network."
    )


def _free(whole: Sequence[IpPrefix], used: Sequence[IpPrefix], length: int) -> Iterable[IpPrefix]:
    """Yield prefixes of a length that overlap nothing used, in order."""
    for prefix in whole:
        inside = sorted((each for each in used if each.overlaps(prefix)), key=ip_order)
        size = 1 << (prefix.max_prefixlen - length)
        at, end = int(prefix.network_address), int(prefix.broadcast_address) + 1
        place = 0
        while at + size <= end:
            while place < len(inside) and int(inside[place].broadcast_address) < at:
                place += 1
            if place < len(inside) and int(inside[place].network_address) < at + size:
                after = int(inside[place].broadcast_address) + 1
                at += -(-(after - at) // size) * size
                continue
            yield IPv4Network((at, length)) if prefix.version == 4 else IPv6Network((at, length))
            at += size


def reserved(view: VtnView) -> Iterable[IpPrefix]:
    """Yield what may not be given: what is given, and what may still be in use from before.

    That is what overruled documents gave to members that do not follow the one that counts, and
    what members may have realised.
    """
    for document in view.documents:
        for grant in document.members:
            if document is view.document or not _follows(view, grant.site):
                yield from grant.prefixes
    for member in view.members:
        if member.document is not None:
            yield from member.document.prefixes


def silent_sites(view: VtnView) -> tuple[str, ...]:
    """Return the sites that have to speak before an owner may give anything, in order.

    Nobody under the first claim of a VTN. After a take-over: everybody who may have been owner, or
    may have got something from one, until it follows the new owner and what it wrote last as an
    owner has been heard; but for those of whom an operator vouched that they gave nothing unheard.
    """
    counting = view.document
    if counting is None or counting.epoch == 1:
        return ()
    claim = counting.version.claim
    written = {each.owner: each.version for each in view.documents}
    waiting = involved(view) - {counting.owner, *counting.vouched_gone}
    return tuple(sorted(site for site in waiting if not _has_yielded(view, site, claim, written)))


def involved(view: VtnView) -> set[str]:
    """Return every site that may know, own or hold something of a VTN.

    Only members may take a VTN over, so whoever may have is named by what is known, or by what
    somebody who is named there knows.
    """
    found = {document.owner for document in view.documents}
    found |= {grant.site for document in view.documents for grant in document.members}
    # Also where their own documents are not known any more.
    found |= {version.owner for document in view.documents for version in document.took_over}
    for member in view.members:
        if member.document is not None:
            found |= {member.site, *(version.owner for version in member.document.holds)}
    return found


def _has_yielded(
    view: VtnView, site: str, claim: tuple[int, str], written: Mapping[str, Version]
) -> bool:
    said = view.member(site).document
    if said is None or said.follows.claim < claim:
        return False
    return said.own_version is None or written.get(site) == said.own_version


def _follows(view: VtnView, site: str) -> bool:
    """Whether a site would not begin any more to realise what a former owner gave it."""
    said = view.member(site).document
    return (
        said is not None
        and view.document is not None
        and said.follows.claim >= view.document.version.claim
    )
