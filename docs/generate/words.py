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
    "virtual_tenant_networks": "A network that spans sites: asked for once, at any of them; each"
    " makes its own part, with a subnet of its own, and packets go between all.",
    "members": "A site of a virtual tenant network: what it was given, and what it made of it.",
    "interconnect_sites": "A site that virtual tenant networks may span, this one among them."
    " Made without `invitation` it is invited, and the answer has the invitation, once; made with"
    " one, that is accepted.",
    "interconnect_events": "Something that happened to a site or a virtual tenant network: taken"
    " over, joined, revoked, refused, put back. The newest come first.",
}

ACTIONS = {
    ("virtual_tenant_networks", "take_over"): "Make this site the owner, because the former one is"
    " gone. `vouched_gone` lists former owners that gave away nothing this site has not heard of.",
    ("members", "accept"): "Say at a site that it becomes a member, under its own project.",
    ("members", "refuse"): "Say at a site that it becomes none, or is none any more.",
    ("interconnect_sites", "invite"): "Invite again; `expires_in` is in seconds.",
    ("interconnect_sites", "confirm"): "Say that the site that answered is the one that was meant.",
    ("interconnect_sites", "revoke"): "End the peering at once.",
    ("interconnect_sites", "rotate"): "Make the certificates between the sites anew.",
    ("interconnect_sites", "recover"): "Read everything of the site anew; `recovery` says what"
    " differs. `abandon` lists ids of networks of which nobody has a document any more: what this"
    " site made of them is removed; of this site's own entry alone.",
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
    "acceptance": "Whether the site wants to be a member: `accepted`, `pending` or `refused`.",
    "asked": "What an operator asked for and is not done yet: `confirm`, `rotate` or `recover`;"
    " empty once it is done.",
    "asked_at": "When the last was asked for.",
    "done_at": "When the last was done.",
    "as_number": "The site's AS (RFC 6793).",
    "bgpvpn_id": "The VPN that was made there.",
    "certificate_expires_at": "Until when this site may read the other's documents.",
    "class_of_service": "Not supported yet: null.",
    "drift": "What somebody changed there by hand, a sentence each.",
    "endpoints": "Where its documents are read.",
    "epoch": "Counts take-overs, from 1.",
    "expires_in": "Of an invitation, in seconds.",
    "generation": "Counts what the owner wrote.",
    "heard_at": "When it was heard last.",
    "invitation": "In a request: accept this one. In its answer, if it makes one: a line to carry "
    "to the other site as a password is; it is shown nowhere else.",
    "liveness": "`UP`, `UNREACHABLE` or `DOWN`, by its heartbeats.",
    "liveness_since": "Since when.",
    "members": "Names of the sites; this one alone if left out.",
    "notice": "What does not count, or was not understood, of what sites say; a line each.",
    "owner_site": "The site whose word counts: where it was made, until another takes over.",
    "prefixes": "IPv4 and IPv6; members are given parts of them.",
    "projects": "Where `shares_identity` is false: ids of this site's projects by ids of that "
    "one's.",
    "rate_kbps": "Not supported yet: null.",
    "reason": "What is wrong with it; empty if nothing is.",
    "recovery": "Of one site alone: what differs between it and this one, a line each; empty when"
    " all is equal.",
    "shares_identity": "Whether a project's id means the same at both sites: one Keystone.",
    "sentence": "What happened.",
    "virtual_tenant_network_id": "The virtual tenant network concerned, if one is.",
    "site": "Its name.",
    "site_project_id": "The project there.",
    "state": "`OWN`, `INVITED`, `PENDING`, `CONFIRMED` or `REVOKED`.",
    "subnet_ids": "Of that network.",
}

# Where it does not.
ELSEWHERE = {
    ("provider_edges", "id"): "The same as `name`.",
    ("interconnect_events", "id"): "A number; greater is newer.",
    ("interconnect_events", "site"): "The site concerned; this one for what it did by itself.",
    ("interconnect_events", "created_at"): "When it happened.",
    ("members", "id"): "The same as `site`.",
    ("members", "prefixes"): "Given to this member alone.",
    ("members", "project_id"): "Whose the virtual tenant network is, here.",
    ("members", "network_id"): "The network that was made there.",
    ("members", "status_reason"): "Why, in a sentence.",
    ("virtual_tenant_networks", "network_id"): "The network that was made of it at this site; null"
    " where it is no member, or not yet.",
    ("virtual_tenant_networks", "status"): "The worst of its members'; `PENDING_DELETE` once it is"
    " deleted, until it is gone at every site, which is answered with 404.",
    ("virtual_tenant_networks", "type"): "Each member has a subnet of its own with `l3`; the others"
    " are not supported yet.",
    ("virtual_tenant_networks", "status_reason"): "Why, in a sentence, with what other sites said"
    " and how old that is.",
    ("interconnect_sites", "name"): "What it calls itself; it can't be changed.",
    ("provider_edges", "name"): "Of the PE: what Neutron calls its host.",
    ("provider_edges", "status"): "Of this VPN on this PE, in the words of a VPN's.",
}


def meaning(collection: str, attribute: str) -> str:
    """Return what an attribute of a collection means.

    Raises:
        KeyError: nobody has said so yet.
    """
    return ELSEWHERE.get((collection, attribute)) or ATTRIBUTES[attribute]
