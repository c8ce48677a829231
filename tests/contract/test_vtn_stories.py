# SPDX-License-Identifier: Apache-2.0
"""Whatever two sites do with their networks, apart and together, in the end they agree.

This site through its API, with its worker; the other by what a site does with documents. Each story
is made up: requests at both, news carried over or not, owners taken for dead.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from isthmus.model.errors import IsthmusError
from isthmus.model.vtn import ownership, requests
from isthmus.model.vtn.documents import Change, Operation

if TYPE_CHECKING:
    from tests.cloud import Answer, Cloud
    from tests.vtn_site import Peer, Region

VTNS = "/vtn/virtual_tenant_networks"
RED = "red-project"
SITES = ("west", "east")
DEEP = settings.get_current_profile_name() == "deep"


@dataclass(frozen=True)
class Step:
    """Something that happens.

    Attributes:
        what: a change, or ``meet``: everything is carried everywhere.
        at: the site where it is asked for.
        which: number of the network.
        value: of the change.
    """

    what: str
    at: str = "west"
    which: int = 0
    value: int = 0


changes = st.builds(
    Step,
    st.sampled_from(["make", "rename", "down", "join", "leave", "delete", "take over"]),
    st.sampled_from(SITES),
    st.integers(0, 2),
    st.integers(0, 3),
)
steps = st.one_of(changes, changes, st.just(Step("meet")), st.just(Step("hear")))


class World:
    """Two sites; it judges every answer."""

    def __init__(self, cloud: Cloud, west: Region, east: Peer) -> None:
        self.cloud, self.west, self.east = cloud, west, east
        self.ids: list[str] = []
        self.count = 0

    def do(self, step: Step) -> None:
        """Take one step."""
        from tests.vtn_site import exchange

        if step.what == "meet":
            exchange(self.west, self.east)
        elif step.what == "hear":
            self.west.hear(self.east)
        elif step.what == "make":
            self._make(step)
        elif self.ids:
            vtn_id = self.ids[step.which % len(self.ids)]
            (self._at_west if step.at == "west" else self._at_east)(step, vtn_id)

    def _make(self, step: Step) -> None:
        from tests.vtn_site import new_vtn

        self.count += 1
        members = (["west"], ["east"], ["west", "east"])[step.value % 3]
        prefix = f"10.{self.count}.0.0/24"
        if step.at == "east":
            document = new_vtn("east", members, [prefix])
            self.east.put(document)
            self.ids.append(document.vtn_id)
            return
        body = {"prefixes": [prefix], "members": members}
        answer = self._ask("POST", VTNS, {"virtual_tenant_network": body})
        self.ids.append(answer["virtual_tenant_network"]["id"])

    def _at_west(self, step: Step, vtn_id: str) -> None:
        path, vtn = f"{VTNS}/{vtn_id}", "virtual_tenant_network"
        member = {"member": {"site": SITES[step.value % 2]}}
        calls: dict[str, tuple[str, str, Any]] = {
            "rename": ("PUT", path, {vtn: {"name": f"west {step.value}"}}),
            "down": ("PUT", path, {vtn: {"admin_state_up": step.value % 2 == 0}}),
            "join": ("POST", f"{path}/members", member),
            "leave": ("DELETE", f"{path}/members/{SITES[step.value % 2]}", None),
            "delete": ("DELETE", path, None),
            "take over": ("PUT", f"{path}/take_over", {}),
        }
        self._ask(*calls[step.what])

    def _ask(self, method: str, path: str, body: Any) -> Answer:
        who = RED if path == VTNS else None
        more: dict[str, Any] = {} if body is None else {"body": body}
        answer = self.cloud.request(method, path, project=who, **more)
        assert answer.status < 500, (method, path, body, answer)
        assert answer.status < 400 or answer.sentence
        return answer

    def _at_east(self, step: Step, vtn_id: str) -> None:
        view = self.east.view(vtn_id)
        operations: dict[str, tuple[Operation, Change]] = {
            "rename": (Operation.UPDATE, Change(name=f"east {step.value}")),
            "down": (Operation.UPDATE, Change(admin_state_up=step.value % 2 == 0)),
            "join": (Operation.ADD_MEMBER, Change(member=SITES[step.value % 2])),
            "leave": (Operation.REMOVE_MEMBER, Change(member=SITES[step.value % 2])),
            "delete": (Operation.DELETE, Change()),
        }
        with suppress(IsthmusError):
            if step.what == "take over":
                self.east.put(ownership.take_over(view))
            elif view.is_owner:
                self.east.put(ownership.change(view, *operations[step.what]))
            elif view.document is not None:
                self.count += 1
                asked = requests.ask(view, f"east-{self.count}", 0.0, *operations[step.what])
                self.east.put(asked)

    def judge(self) -> None:
        """Hold what there is in the end against what may be."""
        from tests.vtn_site import exchange

        exchange(self.west, self.east)
        given_: list[Any] = []
        shown = self.cloud.request("GET", VTNS)["virtual_tenant_networks"]
        for vtn_id in self.ids:
            ours, theirs = self.west.view(vtn_id), self.east.view(vtn_id)
            assert ours.document == theirs.document
            assert ours.requests == theirs.requests == ()
            document = ours.document
            if document is not None and not document.is_deleted:
                given_ += [prefix for grant in document.members for prefix in grant.prefixes]
        living = [vtn for vtn in shown if "west" in vtn["members"]]
        assert len(given_) == len(set(given_))
        assert {network["id"] for network in self.west.networks()} == {
            vtn["network_id"] for vtn in living
        }
        assert {vtn["status"] for vtn in shown} <= {"ACTIVE", "DOWN"}, shown


@settings(
    max_examples=1000 if DEEP else 25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(story=st.lists(steps, min_size=2, max_size=14))
@pytest.mark.timeout(7200 if DEEP else 300)
def test_in_the_end_both_sites_have_the_same(cloud: Cloud, story: Sequence[Step]) -> None:
    """No prefix twice, no request forgotten, no network left over, and no 5xx on the way."""
    from tests.vtn_site import EAST, Peer, Region

    cloud.empty()
    west = Region(cloud)
    west.trust(EAST)
    world = World(cloud, west, Peer("east"))
    for step in story:
        world.do(step)
    world.judge()
