# SPDX-License-Identifier: Apache-2.0
"""What the API reference says of each attribute; a name means the same nearly everywhere."""

COLLECTIONS = {
    "bgpvpns": "A VPN. Two of them, in two regions or in one, are one VPN where what one exports"
    " the other imports.",
    "network_associations": "Puts a network into a VPN: its subnets are reachable from there.",
    "router_associations": "Puts a router into a VPN: the subnets of all its interfaces are"
    " reachable from there.",
    "port_associations": "Puts a port into a VPN, with prefixes reachable behind it.",
    "provider_edges": "What each provider edge does for a VPN.",
}

ATTRIBUTES = {
    "address": "The PE's address in the core, next hop of its routes.",
    "attachment_mode": "``gateway``: gateways serve the network; ``distributed``: each host's own "
    "PE does; null: as the region's option says. One for all associations of the network.",
    "admin_state_up": "False: it is kept, and nothing of it is carried.",
    "advertise_extra_routes": "Whether the router's own extra routes are advertised too.",
    "advertise_fixed_ips": "Whether the port's fixed addresses are advertised.",
    "allocate_route_distinguisher": "Whether a route distinguisher is taken from the operator's"
    " pool.",
    "allocate_route_target": "Whether a route target is taken from the operator's pool.",
    "created_at": "When it was made.",
    "description": "In the caller's words.",
    "export_targets": "Route targets put on routes advertised, beside `route_targets`.",
    "generation_asked": "Number of the newest change the PE has to have in force.",
    "generation_in_force": "Number of the change the PE has in force.",
    "id": "UUID.",
    "import_targets": "Routes with one of these are taken in, beside `route_targets`.",
    "labels": "MPLS labels the PE gave out for this VPN.",
    "last_error": "What the PE's switch or BGP daemon last refused; empty if nothing was.",
    "local_pref": "BGP LOCAL_PREF (RFC 4271 §5.1.5) of the VPN's routes; the highest wins.",
    "mtu": "Largest IP packet that is carried from end to end, in octets.",
    "name": "Need not be unique.",
    "network_id": "The network.",
    "networks": "Networks associated with the VPN.",
    "port_id": "The port.",
    "ports": "Ports associated with the VPN.",
    "project_id": "Whose it is.",
    "revision_number": "Grows with each change; `If-Match: revision_number=N` makes a change"
    " conditional.",
    "route_distinguishers": "Dealt out to PEs in turn (RFC 4364 §4.2); empty: each PE makes its"
    " own.",
    "route_targets": "Both put on routes advertised and taken in (RFC 4364 §4.3.1).",
    "router_id": "The router.",
    "routers": "Routers associated with the VPN.",
    "routes": "Prefixes behind the port (`type` `prefix`), or VPNs whose routes it passes on"
    " (`type` `bgpvpn`), each with a `local_pref` of its own if wanted.",
    "routes_received": "How many routes of other PEs are in force there.",
    "routes_sent": "How many routes the PE advertises for this VPN.",
    "shared": "Whether the caller has it by an RBAC policy of somebody else's.",
    "status": "`PENDING`, `ACTIVE`, `DEGRADED`, `DOWN` or `ERROR`, as PEs report it; `docs/use.md`"
    " says what each means.",
    "status_reason": "Why, in a sentence; administrators are told names of equipment.",
    "not-tags": "In a list: those without all of these tags.",
    "not-tags-any": "In a list: those without any of these tags.",
    "tags-any": "In a list: those with one of these tags.",
    "tags": "Words to find it by; set by `PUT …/tags`.",
    "tenant_id": "The same as `project_id`.",
    "type": "`l3`.",
    "updated_at": "When it was last changed.",
    "vni": "VXLAN network identifier; kept and shown.",
}

# Where it does not.
ELSEWHERE = {
    ("provider_edges", "id"): "The same as `name`.",
    ("provider_edges", "name"): "Of the PE: what Neutron calls its host.",
    ("provider_edges", "status"): "Of this VPN on this PE, in the words of a VPN's.",
}


def meaning(collection: str, attribute: str) -> str:
    """Return what an attribute of a collection means.

    Raises:
        KeyError: nobody has said so yet.
    """
    return ELSEWHERE.get((collection, attribute)) or ATTRIBUTES[attribute]
