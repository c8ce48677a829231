# SPDX-License-Identifier: Apache-2.0
"""Where the servers of a stack are, or are to be, as Heat's own rows have it."""

from __future__ import annotations

from typing import Any

from heat.objects import resource as rows

from isthmus.heat.translate.server import Placed, Rule


def placed(server: Any, key: str) -> list[Placed]:
    """Return the servers of a server's stack, itself among them.

    Heat looks at a stack's resources side by side, in several workers: that is why the rows are
    read anew.

    Args:
        server: one of the stack's.
        key: of the resources' data, and the property, that have the site.
    """
    found = rows.Resource.get_all_active_by_stack(server.context, server.stack.id)
    chosen = {
        number: {each.key: each.value for each in row.data}.get(key)
        for number, row in found.items()
    }
    wanted = {other.name: _wanted(other, key) for other in server.stack.values() if _is(other)}
    return [
        Placed(number, row.name, chosen[number] or wanted[row.name])
        for number, row in found.items()
        if row.name in wanted and (chosen[number] or wanted[row.name] is not _ELSEWHERE)
    ]


# By another rule, which nobody knows the outcome of yet.
_ELSEWHERE = ""


def _is(other: Any) -> bool:
    return bool(other.has_interface("OS::Isthmus::InterconnectedServer"))


def _wanted(other: Any, key: str) -> str | None:
    try:
        site, rule = other.properties[key], other.properties["rule"]
    except (ValueError, TypeError):
        # Bad properties are told by their own validation.
        return _ELSEWHERE
    return str(site) if site else None if rule == Rule.SPREAD else _ELSEWHERE
