# SPDX-License-Identifier: Apache-2.0
"""Who may do what with virtual tenant networks and sites, by default.

Tenants make VTNs of their own, without an administrator. Sites are joined by administrators;
whoever has a role in any project sees their names and states.
"""

from __future__ import annotations

from collections.abc import Iterable

from neutron_lib.policy import rules as lib_rules
from oslo_policy import policy

from isthmus.api.definitions import interconnect_site, virtual_tenant_network
from isthmus.api.definitions.interconnect_site import EVENT, EVENTS, PUBLIC, SITE, SITES
from isthmus.api.definitions.virtual_tenant_network import MEMBER, MEMBERS, VTN, VTNS

_PREFIX = virtual_tenant_network.API_PREFIX
_VTNS, _SITES = f"{_PREFIX}/{VTNS}", f"{_PREFIX}/{SITES}"
_VTN, _SITE = f"{_VTNS}/{{id}}", f"{_SITES}/{{id}}"
_MEMBERS = f"{_VTNS}/{{{VTN}_id}}/{MEMBERS}"
_MEMBER = f"{_MEMBERS}/{{id}}"
_OPERATORS_OWN = ("epoch", "generation", "notice")
_ADMIN, _WRITER = lib_rules.ADMIN, lib_rules.ADMIN_OR_PROJECT_MEMBER
_READER = lib_rules.ADMIN_OR_PROJECT_READER
_ANYBODY = "role:reader"


def _rule(name: str, check: str, what: str, *operations: tuple[str, str]) -> policy.RuleDefault:
    return policy.DocumentedRuleDefault(
        name=name,
        check_str=check,
        scope_types=["project"],
        description=what,
        operations=[{"method": method, "path": path} for method, path in operations],
    )


def _vtn_rules() -> Iterable[policy.RuleDefault]:
    words = "a virtual tenant network"
    yield _rule(f"create_{VTN}", _WRITER, f"Create {words}", ("POST", _VTNS))
    yield _rule(f"update_{VTN}", _WRITER, f"Update {words}", ("PUT", _VTN))
    yield _rule(f"delete_{VTN}", _WRITER, f"Delete {words}", ("DELETE", _VTN))
    reads = (("GET", _VTNS), ("GET", _VTN))
    yield _rule(f"get_{VTN}", _READER, "Get virtual tenant networks", *reads)
    for name in _OPERATORS_OWN:
        yield _rule(f"get_{VTN}:{name}", _ADMIN, f"Get ``{name}`` of {words}", *reads)
    yield _rule(
        f"take_over_{VTN}",
        _ADMIN,
        f"Make this site the owner of {words}",
        ("PUT", f"{_VTN}/take_over"),
    )
    tags = f"{_VTN}/tags"
    for verb, check, operations in (
        ("create", _WRITER, (("POST", tags),)),
        ("update", _WRITER, (("PUT", tags), ("PUT", f"{tags}/{{tag}}"))),
        ("delete", _WRITER, (("DELETE", tags), ("DELETE", f"{tags}/{{tag}}"))),
        ("get", _READER, (("GET", tags), ("GET", f"{tags}/{{tag}}"))),
    ):
        yield _rule(
            f"{verb}_{VTN}:tags", check, f"{verb.capitalize()} tags of {words}", *operations
        )


def _member_rules() -> Iterable[policy.RuleDefault]:
    name, words = f"{VTN}_{MEMBER}", "a member of a virtual tenant network"
    yield _rule(
        f"create_{name}", _WRITER, "Add a member to a virtual tenant network", ("POST", _MEMBERS)
    )
    yield _rule(
        f"create_{name}:site_project_id",
        _ADMIN,
        f"Set ``site_project_id`` of {words}",
        ("POST", _MEMBERS),
    )
    yield _rule(f"delete_{name}", _WRITER, f"Remove {words}", ("DELETE", _MEMBER))
    yield _rule(
        f"get_{name}",
        _READER,
        "Get members of a virtual tenant network",
        ("GET", _MEMBERS),
        ("GET", _MEMBER),
    )
    for attribute in ("bgpvpn_id", "drift"):
        yield _rule(
            f"get_{name}:{attribute}",
            _ADMIN,
            f"Get ``{attribute}`` of {words}",
            ("GET", _MEMBERS),
            ("GET", _MEMBER),
        )
    for action in virtual_tenant_network.ACTION_MAP[MEMBERS]:
        yield _rule(
            f"{action}_{name}",
            _WRITER,
            f"{action.capitalize()} that this site becomes {words}",
            ("PUT", f"{_MEMBER}/{action}"),
        )


def _site_rules() -> Iterable[policy.RuleDefault]:
    yield _rule(
        f"create_{SITE}", _ADMIN, "Invite a site, or accept an invitation", ("POST", _SITES)
    )
    yield _rule(f"update_{SITE}", _ADMIN, "Update a site", ("PUT", _SITE))
    yield _rule(f"delete_{SITE}", _ADMIN, "Forget a site", ("DELETE", _SITE))
    reads = (("GET", _SITES), ("GET", _SITE))
    yield _rule(f"get_{SITE}", _ANYBODY, "Get sites", *reads)
    attributes = interconnect_site.RESOURCE_ATTRIBUTE_MAP[SITES]
    for name in sorted(attributes.keys() - PUBLIC):
        if attributes[name]["is_visible"]:
            yield _rule(f"get_{SITE}:{name}", _ADMIN, f"Get ``{name}`` of a site", *reads)
    for action in interconnect_site.ACTIONS:
        yield _rule(
            f"{action}_{SITE}",
            _ADMIN,
            f"{action.capitalize()} a site",
            ("PUT", f"{_SITE}/{action}"),
        )


def _event_rules() -> Iterable[policy.RuleDefault]:
    path = f"{_PREFIX}/{EVENTS}"
    yield _rule(
        f"get_{EVENT}",
        _ADMIN,
        "Get what happened to sites and virtual tenant networks",
        ("GET", path),
        ("GET", f"{path}/{{id}}"),
    )


def list_rules() -> list[policy.RuleDefault]:
    """Return every rule."""
    return [*_vtn_rules(), *_member_rules(), *_site_rules(), *_event_rules()]
