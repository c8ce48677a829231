# SPDX-License-Identifier: Apache-2.0
"""What may be asked of virtual tenant networks. Each refusal is a sentence a tenant understands.

Pure: no I/O, no clock, no logging.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from ipaddress import IPv4Network, IPv6Network, ip_network

from isthmus.model.errors import IntentConflict, InvalidValue
from isthmus.model.ip import IpPrefix
from isthmus.model.vtn.documents import VtnType
from isthmus.model.vtn.slices import IPV6_LENGTH, SMALLEST_IPV4

MAX_PREFIXES = 16
MAX_MEMBERS = 1000
_SHORTEST = {4: 8, 6: 16}
_LONGEST = {4: SMALLEST_IPV4, 6: IPV6_LENGTH}
# Where no host of a tenant's may be (RFC 6890), whatever it asks for.
_NOBODYS = tuple(
    ip_network(text)
    for text in (
        *("0.0.0.0/8", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4", "240.0.0.0/4"),
        *("::/8", "fe80::/10", "ff00::/8"),
    )
)


def check_type(vtn_type: str) -> None:
    """Refuse types that are not carried yet."""
    if vtn_type != VtnType.L3:
        raise InvalidValue(
            f"Networks of type '{vtn_type}' are not supported yet; use '{VtnType.L3}', with which "
            "each member has a subnet of its own."
        )


def check_service(class_of_service: object, rate_kbps: object) -> None:
    """Refuse classes and rates, which are not kept yet."""
    for name, value in (("class_of_service", class_of_service), ("rate_kbps", rate_kbps)):
        if value is not None:
            raise InvalidValue(f"'{name}' is not supported yet; leave it out.")


def read_prefixes(texts: Sequence[str]) -> tuple[IpPrefix, ...]:
    """Read the prefixes of a VTN, in the order given.

    Raises:
        InvalidValue: there are none, too many, or one that can't be a tenant's.
    """
    if not texts:
        raise InvalidValue("A network needs at least one prefix, such as 10.0.0.0/16.")
    if len(texts) > MAX_PREFIXES:
        raise InvalidValue(f"A network can't have more than {MAX_PREFIXES} prefixes.")
    return tuple(_read_prefix(text) for text in texts)


def _read_prefix(text: str) -> IpPrefix:
    try:
        prefix = ip_network(text, strict=False)
    except ValueError:
        raise InvalidValue(
            f"{text!r:.80} is not an IP prefix such as 10.0.0.0/16 or 2001:db8::/56."
        ) from None
    if "/" not in text or str(prefix.network_address) != str(_address(text)):
        raise InvalidValue(f"'{text}' has bits beyond its prefix length; say {prefix}.")
    shortest, longest = _SHORTEST[prefix.version], _LONGEST[prefix.version]
    if not shortest <= prefix.prefixlen <= longest:
        raise InvalidValue(
            f"{prefix}: the prefix length of an IPv{prefix.version} prefix is {shortest} to "
            f"{longest}; each member is given a part of it, at least a /{longest}."
        )
    for each in _NOBODYS:
        if _overlap(each, prefix):
            raise InvalidValue(f"{prefix} overlaps {each}, where hosts can't have addresses.")
    return prefix


def _address(text: str) -> object:
    return ip_network(text.partition("/")[0]).network_address


def _overlap(one: IpPrefix, other: IpPrefix) -> bool:
    match one, other:
        case (IPv4Network(), IPv4Network()) | (IPv6Network(), IPv6Network()):
            return one.overlaps(other)
    return False


def check_apart(prefixes: Iterable[IpPrefix], others: Iterable[tuple[str, str, IpPrefix]]) -> None:
    """Refuse prefixes of a VTN that another VTN of the project has.

    Args:
        prefixes: the VTN's.
        others: id and name of each other VTN of the project, with a prefix of it.

    Raises:
        IntentConflict: two overlap.
    """
    known = list(others)
    for prefix in prefixes:
        for vtn_id, name, other in known:
            if _overlap(prefix, other):
                raise IntentConflict(
                    f"{prefix} overlaps {other} of your virtual tenant network "
                    f"{name or vtn_id} ({vtn_id}); choose another prefix."
                )


def check_members(names: Sequence[str], states: Mapping[str, str]) -> None:
    """Refuse members that are no sites, or none that are joined.

    Args:
        names: of the sites asked for.
        states: of the sites there are, by name.

    Raises:
        InvalidValue: one is unknown, or there are too many.
        IntentConflict: one is not joined.
    """
    if len(names) > MAX_MEMBERS:
        raise InvalidValue(f"A network can't have more than {MAX_MEMBERS} members.")
    for name in names:
        state = states.get(name)
        if state is None:
            there = ", ".join(sorted(states))
            raise InvalidValue(f"There is no site {name!r:.80}. Sites are: {there:.500}.")
        if state not in ("OWN", "CONFIRMED"):
            raise IntentConflict(
                f"The site {name} is not joined with this one ({state}); choose another one, or "
                "ask your provider to join it."
            )


def check_unused(ports: Mapping[str, int], what_to_do: str) -> None:
    """Refuse to remove what has ports.

    Args:
        ports: how many there are, by site.
        what_to_do: the end of the sentence.

    Raises:
        IntentConflict: there are some.
    """
    used = {site: count for site, count in sorted(ports.items()) if count}
    if used:
        where = ", ".join(f"{count} at {site}" for site, count in used.items())
        raise IntentConflict(f"The network has ports ({where}): delete them, then {what_to_do}.")
