# SPDX-License-Identifier: Apache-2.0
"""A change of a server, as far as it has come: one request after the other, each until it is so.

What is there is compared with what is wanted at every look, so that a change which was interrupted,
or whose request was not answered, is gone on with from wherever it is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from heat.common import exception
from openstack.exceptions import BadRequestException, ConflictException

from isthmus.heat.translate import interfaces, server, server_changes
from isthmus.heat.translate.interfaces import Wanted


@dataclass
class ServerChange:
    """What is to become of a server.

    Attributes:
        wanted: its properties, as they are to be.
        to_do: what of them is looked at, in order.
        metadata: what it is to have of these.
        name: what it is to be called.
        user_data: what it is to be told anew; None if it goes on with what it was told.
        remember: what it was told, by its digest, for the next attempt.
        asked: what the API has taken, and has to bring about.
    """

    wanted: Mapping[str, Any]
    to_do: Sequence[str]
    metadata: Mapping[str, str]
    name: str
    user_data: str | None = None
    remember: Callable[[str], object] = lambda _: None
    asked: set[str] = field(default_factory=set)

    def go_on(self, region: Any, shown: Any, networks: Sequence[Wanted]) -> bool:
        """Ask for what is missing; True if nothing is.

        Args:
            region: the connection.
            shown: the server, as the compute API shows it.
            networks: the interfaces it is to have.

        Raises:
            Error: what was asked for was not done.
        """
        if server_changes.is_busy(shown.status, shown.task_state):
            return False
        if shown.status == server_changes.TO_BE_CONFIRMED and "flavor" in self.to_do:
            self._confirm(region, shown)
            return False
        if "name" in self.to_do and shown.name != self.name:
            region.compute.update_server(shown.id, name=self.name)
        if "metadata" in self.to_do and shown.metadata != self.metadata:
            shown.replace_metadata(region.compute, dict(self.metadata))
        if "tags" in self.to_do:
            self._tag(region, shown)
        if "networks" in self.to_do and not self._plug(region, shown, networks):
            return False
        if "security_groups" in self.to_do:
            self._secure(region, shown, networks)
        if "flavor" in self.to_do and not self._resize(region, shown):
            return False
        return "image" not in self.to_do or self._rebuild(region, shown)

    def _tag(self, region: Any, shown: Any) -> None:
        wanted = list(self.wanted["tags"] or ())
        if set(wanted) != set(shown.tags or ()):
            shown.set_tags(region.compute, wanted)

    def _plug(self, region: Any, shown: Any, wanted: Sequence[Wanted]) -> bool:
        listed = [each.to_dict() for each in region.compute.server_interfaces(shown.id)]
        extra, missing = interfaces.difference(wanted, interfaces.present(listed))
        for each in extra:
            if each.port_id not in self.asked:
                region.compute.delete_server_interface(each.port_id, server=shown.id)
                self.asked.add(each.port_id)
        # Only when what may have its address is off, and one at a time.
        if missing and not extra:
            region.compute.create_server_interface(shown.id, **missing[0].attachment())
        return not extra and not missing

    def _secure(self, region: Any, shown: Any, networks: Sequence[Wanted]) -> None:
        given = {each.port_id for each in networks if each.port_id}
        names = self.wanted["security_groups"] or ["default"]
        project = region.current_project_id
        groups = [
            region.network.find_security_group(name, ignore_missing=False, project_id=project).id
            for name in names
        ]
        for port in region.network.ports(device_id=shown.id):
            if port.id not in given and set(port.security_group_ids) != set(groups):
                region.network.update_port(port, security_groups=groups)

    def _resize(self, region: Any, shown: Any) -> bool:
        flavor = region.compute.find_flavor(self.wanted["flavor"], ignore_missing=False)
        if server_changes.is_flavor(shown.flavor.to_dict(), flavor.to_dict()):
            return True
        self._once("flavor", f"It did not become {flavor.name}: it is {shown.status}.")
        region.compute.resize_server(shown.id, flavor.id)
        self.asked.add("flavor")
        return False

    def _confirm(self, region: Any, shown: Any) -> None:
        """Once: nova shows for a while yet what it was, and refuses to hear it again."""
        if "confirmation" in self.asked:
            return
        # Where that was somebody else's doing, the next look shows what became of it.
        with suppress(BadRequestException, ConflictException):
            region.compute.confirm_server_resize(shown.id)
        self.asked.add("confirmation")

    def _rebuild(self, region: Any, shown: Any) -> bool:
        image = region.image.find_image(self.wanted["image"], ignore_missing=False)
        if shown.image.id == image.id and self.user_data is None:
            return True
        self._once("image", f"It was not rebuilt from {image.name}: it is {shown.status}.")
        told = {} if self.user_data is None else {"user_data": server.encoded(self.user_data)}
        region.compute.rebuild_server(shown.id, image=image.id, **told)
        self.asked.add("image")
        if self.user_data is not None:
            self.remember(server_changes.digest(self.user_data))
            self.user_data = None
        return False

    def _once(self, what: str, complaint: str) -> None:
        if what in self.asked:
            raise exception.Error(complaint)
