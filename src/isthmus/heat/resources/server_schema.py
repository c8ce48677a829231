# SPDX-License-Identifier: Apache-2.0
"""What a template may say of a server, and read of it; names are OS::Nova::Server's."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from heat.engine import attributes, constraints, properties

from isthmus.heat.resources import schemas
from isthmus.heat.resources.at_site import REGION, SITE
from isthmus.heat.resources.schemas import LIVE
from isthmus.heat.translate.server import Rule
from isthmus.heat.translate.server_changes import Policy

_Schema, _Shown = properties.Schema, attributes.Schema


def _policy(description: str, policies: Iterable[Policy]) -> Any:
    """Return the schema of an update policy; the first is the default."""
    names = [str(policy) for policy in policies]
    return _Schema(
        _Schema.STRING,
        description,
        default=names[0],
        update_allowed=True,
        constraints=[constraints.AllowedValues(names)],
    )


def _address(description: str, **more: Any) -> Any:
    is_address = [constraints.CustomConstraint("ip_addr")]
    return _Schema(_Schema.STRING, description, constraints=is_address, **more)


# Of servers of a group, too.
OF_EACH: dict[str, Any] = {
    "virtual_tenant_network": _Schema(
        _Schema.STRING,
        "The network (name or id).",
        required=True,
        constraints=[constraints.CustomConstraint("isthmus.virtual_tenant_network")],
    ),
    "flavor": _Schema(
        _Schema.STRING,
        "The flavor there (name or id); another one as flavor_update_policy says.",
        required=True,
        update_allowed=True,
    ),
    "flavor_update_policy": _policy(
        "RESIZE: it gets what the other flavor has, and is off meanwhile; REPLACE: another server.",
        (Policy.RESIZE, Policy.REPLACE),
    ),
    "image": _Schema(
        _Schema.STRING,
        "The image there (name or id); another one as image_update_policy says.",
        required=True,
        update_allowed=True,
    ),
    "image_update_policy": _policy(
        "REBUILD: it starts anew from the other image, with its id and addresses; "
        "REPLACE: another server.",
        (Policy.REBUILD, Policy.REPLACE),
    ),
    "key_name": _Schema(_Schema.STRING, "The key pair there."),
    "user_data": _Schema(
        _Schema.STRING,
        "What the server is told at its first start, or the id of a software config of Heat's; "
        "another as user_data_update_policy says.",
        update_allowed=True,
    ),
    "user_data_format": _Schema(
        _Schema.STRING,
        "RAW: user data are passed on as they are.",
        default="RAW",
        constraints=[constraints.AllowedValues(["RAW"])],
    ),
    "user_data_update_policy": _policy(
        "REPLACE: another server; IGNORE: it goes on; REBUILD: it starts anew from its image.",
        (Policy.REPLACE, Policy.IGNORE, Policy.REBUILD),
    ),
    "security_groups": _Schema(
        _Schema.LIST,
        "Security groups there (names or ids), of the ports that are made for it; ports given to "
        "it keep theirs.",
        update_allowed=True,
        schema=_Schema(_Schema.STRING),
    ),
    "networks": _Schema(
        _Schema.LIST,
        "What else it is on there, after the virtual tenant network.",
        update_allowed=True,
        schema=_Schema(
            _Schema.MAP,
            schema={
                "network": _Schema(_Schema.STRING, "The network there (name or id)."),
                "fixed_ip": _address("Its address on that network."),
                "port": _Schema(_Schema.STRING, "A port there, instead of a network (name or id)."),
            },
        ),
    ),
    "availability_zone": _Schema(_Schema.STRING, "The availability zone there."),
    "config_drive": _Schema(_Schema.BOOLEAN, "Whether it is told on a drive of its own."),
    "scheduler_hints": _Schema(_Schema.MAP, "What the scheduler there is to bear in mind."),
    "metadata": _Schema(
        _Schema.MAP, "Words of your own; what is no text becomes JSON.", update_allowed=True
    ),
    "tags": _Schema(
        _Schema.LIST,
        "Words to find it by there.",
        update_allowed=True,
        schema=_Schema(_Schema.STRING, constraints=[constraints.Length(min=1, max=60)]),
    ),
    "failure_policy": schemas.failure_policy(
        "Where the region does not answer: wait, as long as the stack's timeout lets it, or fail "
        "at once with a reason that names it; another attempt goes on from there.",
    ),
}
PROPERTIES: dict[str, Any] = {
    **OF_EACH,
    "name": schemas.NAME,
    SITE: _Schema(
        _Schema.STRING,
        "Where it is put: a member of the network; by rule if left out.",
        constraints=[constraints.CustomConstraint("isthmus.site")],
    ),
    "rule": _Schema(
        _Schema.STRING,
        "near: at this site, if it is a member; spread: at the member with the fewest of the "
        "stack's servers, the first by name of several.",
        default=str(Rule.NEAR),
        constraints=[constraints.AllowedValues([str(rule) for rule in Rule])],
    ),
    REGION: _Schema(
        _Schema.STRING, "What Keystone's catalog calls that site; the same if left out."
    ),
    "port": _Schema(
        _Schema.STRING,
        "A port there, on the virtual tenant network's part (name or id), instead of one made for "
        "it.",
        update_allowed=True,
    ),
    "fixed_ip": _address(
        "Its address on the virtual tenant network, of that site's part.", update_allowed=True
    ),
}
ATTRIBUTES: dict[str, Any] = {
    SITE: _Shown("Where it is.", type=_Shown.STRING),
    "addresses": _Shown(
        "As the compute API has them, by name and by id of each network, with port, network and "
        "subnets.",
        type=_Shown.MAP,
        **LIVE,
    ),
    "networks": _Shown(
        "Its addresses, by name and by id of each network.", type=_Shown.MAP, **LIVE
    ),
    "first_address": _Shown("Its first address.", type=_Shown.STRING, **LIVE),
    "status": _Shown("As the compute API has it.", type=_Shown.STRING, **LIVE),
    "name": _Shown("Its name.", type=_Shown.STRING),
    "instance_name": _Shown(
        "What its hypervisor calls it, where that is told.", type=_Shown.STRING
    ),
    "accessIPv4": _Shown("The IPv4 address it is said to be reached by.", type=_Shown.STRING),
    "accessIPv6": _Shown("The IPv6 address it is said to be reached by.", type=_Shown.STRING),
    "console_urls": _Shown(
        "URLs of its consoles: novnc, spice-html5, rdp-html5, serial and webmks.",
        type=_Shown.MAP,
        **LIVE,
    ),
    "tags": _Shown("Its tags.", type=_Shown.LIST, **LIVE),
}
