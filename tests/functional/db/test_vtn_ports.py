# SPDX-License-Identifier: Apache-2.0
"""What Neutron tells of ports on the networks of virtual tenant networks, on a real database."""

from __future__ import annotations

from typing import TYPE_CHECKING

from isthmus.model.report import Status

if TYPE_CHECKING:
    from tests.cloud import Cloud


def test_the_first_port_and_the_end_of_the_last_are_told(cloud: Cloud) -> None:
    """Each time anew; so a network can be deleted as soon as it is empty."""
    from tests.vtn_site import Region

    cloud.host("pe-1")
    west = Region(cloud)
    vtn_id = west.create()
    west.work()
    network_id = str(west.said(vtn_id).network_id)
    for _ in range(3):
        port = cloud.port(network_id, "pe-1")
        west.realise(vtn_id)
        assert west.said(vtn_id).ports == 1
        assert cloud.request("DELETE", f"/ports/{port['id']}").status == 204
        west.work()
        assert west.said(vtn_id).ports == 0
    assert west.said(vtn_id).status is Status.ACTIVE
