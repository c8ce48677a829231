# SPDX-License-Identifier: Apache-2.0
"""Requests about associations, and what PEs were asked in consequence."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from isthmus.model.intent import NetworkAttachment

if TYPE_CHECKING:
    from tests.cloud import Answer, Cloud
    from tests.fakes.driver import FlakyDriver

RED, BLUE = "red-project", "blue-project"
VPNS = "/bgpvpn/bgpvpns"


def associate(cloud: Cloud, vpn_id: str, kind: str, target_id: str, **attributes: Any) -> Answer:
    """Ask for an association, as a member of the project."""
    body = {f"{kind}_association": {f"{kind}_id": target_id, **attributes}}
    return cloud.request("POST", f"{VPNS}/{vpn_id}/{kind}_associations", body, RED)


def associated(cloud: Cloud, kind: str, target_id: str, **attributes: Any) -> tuple[str, str]:
    """Put something into a VPN of its own; return the ids of VPN and association."""
    vpn_id = str(cloud.vpn()["id"])
    answer = associate(cloud, vpn_id, kind, target_id, **attributes)
    return vpn_id, str(cloud.made(answer, f"{kind}_association")["id"])


def change(cloud: Cloud, vpn_id: str, kind: str, association_id: str, **attributes: Any) -> Answer:
    """Ask for a change of an association, as a member of the project."""
    path = f"{VPNS}/{vpn_id}/{kind}_associations/{association_id}"
    return cloud.request("PUT", path, {f"{kind}_association": attributes}, RED)


def dissociate(cloud: Cloud, vpn_id: str, kind: str) -> None:
    """Take everything of a kind out of a VPN."""
    path = f"{VPNS}/{vpn_id}/{kind}_associations"
    for association in cloud.request("GET", path)[f"{kind}_associations"]:
        assert cloud.request("DELETE", f"{path}/{association['id']}", project=RED).status == 204


def wanted(driver: FlakyDriver) -> NetworkAttachment:
    """What was last asked of PEs for the one network or router there is."""
    (attachment,) = driver.applied[-1].attachments
    return attachment


def prefixes(driver: FlakyDriver) -> list[str]:
    """What PEs are to know behind it."""
    return [str(bound.prefix.prefix) for bound in wanted(driver).prefixes]
