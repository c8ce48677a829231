# SPDX-License-Identifier: Apache-2.0
"""Who may do what by default; an operator overrides it in ``policy.yaml``.

VPNs are made by administrators for a project; the project reads them, renames them and associates
its own networks. Route targets, route distinguishers and VNIs are the operator's alone.
"""

from collections.abc import Iterable

from neutron_lib.policy import rules as lib_rules
from oslo_policy import policy

from isthmus.api import vtn_policies
from isthmus.api.definitions import mpls_vpn

_VPNS = "/bgpvpn/bgpvpns"
_VPN = "/bgpvpn/bgpvpns/{id}"
_OPERATORS_OWN = (
    "route_targets",
    "import_targets",
    "export_targets",
    "route_distinguishers",
    "vni",
)
_PATHS = {"create": ("POST",), "update": ("PUT",), "delete": ("DELETE",), "get": ("GET", "GET")}

# A project a VPN is shared with may look at it.
_READER_OR_GUEST = f"({lib_rules.ADMIN_OR_PROJECT_READER}) or (role:reader and True:%(shared)s)"


def _rule(name: str, check: str, what: str, collection: str, item: str) -> policy.RuleDefault:
    verb = name.partition("_")[0]
    paths = {"create": [collection], "get": [collection, item]}.get(verb, [item])
    return policy.DocumentedRuleDefault(
        name=name,
        check_str=check,
        scope_types=["project"],
        description=what,
        operations=[
            {"method": method, "path": path}
            for method, path in zip(_PATHS[verb], paths, strict=True)
        ],
    )


def _vpn_rules() -> Iterable[policy.RuleDefault]:
    member, reader = lib_rules.ADMIN_OR_PROJECT_MEMBER, lib_rules.ADMIN_OR_PROJECT_READER
    yield _rule("create_bgpvpn", lib_rules.ADMIN, "Create a BGP VPN", _VPNS, _VPN)
    yield _rule("update_bgpvpn", member, "Update a BGP VPN", _VPNS, _VPN)
    yield _rule("delete_bgpvpn", lib_rules.ADMIN, "Delete a BGP VPN", _VPNS, _VPN)
    yield _rule("get_bgpvpn", _READER_OR_GUEST, "Get BGP VPNs", _VPNS, _VPN)
    yield policy.DocumentedRuleDefault(
        name="share_route_target",
        check_str=lib_rules.ADMIN,
        scope_types=["project"],
        description="Give a BGP VPN a route target that a VPN of another project has",
        operations=[{"method": "POST", "path": _VPNS}, {"method": "PUT", "path": _VPN}],
    )
    for verb, check in (
        ("create", member),
        ("update", member),
        ("delete", member),
        ("get", reader),
    ):
        what = f"{verb.capitalize()} tags of a BGP VPN"
        yield _rule(f"{verb}_bgpvpn:tags", check, what, f"{_VPN}/tags", f"{_VPN}/tags/{{tag}}")
    yield _rule(
        "get_bgpvpn_provider_edge",
        lib_rules.ADMIN,
        "Get what each provider edge does for a BGP VPN",
        f"{_VPN}/provider_edges",
        f"{_VPN}/provider_edges/{{name}}",
    )
    for attribute in _OPERATORS_OWN:
        for verb, what in (("create", "Set"), ("update", "Update"), ("get", "Get")):
            yield _rule(
                f"{verb}_bgpvpn:{attribute}",
                lib_rules.ADMIN,
                f"{what} ``{attribute}`` of a BGP VPN",
                _VPNS,
                _VPN,
            )


def _association_rules(kind: str) -> Iterable[policy.RuleDefault]:
    collection = "/bgpvpn/bgpvpns/{bgpvpn_id}/" + f"{kind}_associations"
    item = f"{collection}/{{id}}"
    for verb, check in (
        ("create", lib_rules.ADMIN_OR_PROJECT_MEMBER),
        ("update", lib_rules.ADMIN_OR_PROJECT_MEMBER),
        ("delete", lib_rules.ADMIN_OR_PROJECT_MEMBER),
        ("get", lib_rules.ADMIN_OR_PROJECT_READER),
    ):
        what = f"{verb.capitalize()} a {kind} association of a BGP VPN"
        yield _rule(f"{verb}_bgpvpn_{kind}_association", check, what, collection, item)
    if kind == "network":
        for verb, what in (("create", "Set"), ("update", "Update"), ("get", "Get")):
            yield _rule(
                f"{verb}_bgpvpn_network_association:{mpls_vpn.ATTACHMENT_MODE}",
                lib_rules.ADMIN,
                f"{what} ``{mpls_vpn.ATTACHMENT_MODE}`` of a network association",
                collection,
                item,
            )


def list_rules() -> list[policy.RuleDefault]:
    """Return every rule, for the entry points ``neutron.policies`` and ``oslo.policy.policies``."""
    kinds = ("network", "router", "port")
    return [
        *_vpn_rules(),
        *(rule for kind in kinds for rule in _association_rules(kind)),
        *vtn_policies.list_rules(),
    ]
