# SPDX-License-Identifier: Apache-2.0
"""The operator's page on policies says what is true."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.cloud import Cloud

PAGE = Path(__file__).resolve().parents[2] / "docs" / "operate" / "policy.md"
VPNS = "/bgpvpn/bgpvpns"


@pytest.fixture
def relaxed(cloud: Cloud, tmp_path: Path) -> Iterator[Cloud]:
    """A region whose ``policy.yaml`` is the page's example."""
    from neutron import policy

    found = re.search(r"```yaml\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert found
    file = tmp_path / "policy.yaml"
    file.write_text(found[1])
    policy.refresh(policy_file=str(file))
    yield cloud
    policy.refresh()


def test_managers_who_may_make_vpns_have_no_say_in_route_targets(relaxed: Cloud) -> None:
    """As the example promises."""
    from tests.cloud import Caller

    manager = Caller("red-project", ("manager", "member", "reader"))
    member = Caller("red-project", ("member", "reader"))

    def made(body: dict[str, Any], caller: Caller = manager) -> int:
        return relaxed.request("POST", VPNS, {"bgpvpn": body}, caller).status

    assert made({"name": "mine"}) == 201
    assert made({"name": "mine"}, member) == 403
    for attribute in ("route_targets", "import_targets", "export_targets"):
        assert made({attribute: ["64500:1"]}) == 403
    assert made({"route_distinguishers": ["64500:1"]}) == 403
    assert made({"vni": 5}) == 403
    assert made({"project_id": "blue-project"}) in (400, 403)
