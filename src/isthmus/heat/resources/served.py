# SPDX-License-Identifier: Apache-2.0
"""What all resources have in common: they are served by Neutron's API and put in force later.

handle_*          one request; what it answers is remembered by id alone
check_*_complete  reads the status until it is in force (translate/progress.py)
handle_delete     takes what is gone for deleted; done when nobody shows it any more
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from heat.common import exception
from openstack import exceptions

from isthmus.heat.clients import CLIENT_NAME
from isthmus.heat.resources.retried import Retried
from isthmus.heat.translate import progress

# Everything takes a moment.
TOLD_AFTER_S = 5.0


class Served(Retried):
    """A resource of Neutron's API that takes a while to be in force."""

    default_client_name = CLIENT_NAME
    sdk: ClassVar[Any]
    """The class of openstacksdk's."""
    words: ClassVar[Any]
    """The module of ``heat.translate`` that has ``body_of`` and ``live`` of it."""

    @property
    def network(self) -> Any:
        """What openstacksdk's resources take as their session."""
        return self.client().network

    def identify(self, **attributes: Any) -> Any:
        """Return openstacksdk's object that stands for the resource, nothing read."""
        return self.sdk.existing(id=self.resource_id, **attributes)

    def read(self) -> Any:
        """Return openstacksdk's object, as the API shows it.

        Raises:
            openstack.exceptions.NotFoundException: there is none.
        """
        return self.identify().fetch(self.network)

    def is_in_force(self) -> bool:
        """Whether what was asked for is in force.

        Raises:
            Error: it won't be.
        """
        return self._judge(self._show_resource(), progress.is_done)

    def check_create_complete(self, _made: Any) -> bool:
        """Whether it is in force."""
        return self.is_in_force()

    def check_update_complete(self, is_changed: Any) -> bool:
        """Whether the change is in force."""
        return not is_changed or self.is_in_force()

    def handle_delete(self) -> bool:
        """Ask for its deletion; True if there was anything to delete."""
        if self.resource_id is None:
            return False
        with self.client_plugin().ignore_not_found:
            self.identify().delete(self.network)
            return True
        return False

    def check_delete_complete(self, is_asked: Any) -> bool:
        """Whether it is gone everywhere."""
        if not is_asked:
            return True
        try:
            shown = self._show_resource()
        except exceptions.NotFoundException:
            return True
        return self._judge(shown, progress.is_gone)

    def handle_check(self) -> None:
        """Look whether it is in force, as it is said to be."""
        if not self.is_in_force():
            shown = self._show_resource()
            raise exception.Error(f"{shown['status']}: {shown.get('status_reason') or ''}")

    def handle_suspend(self) -> bool:
        """Take it down: it is kept, and carries nothing."""
        return self._set_up(is_up=False)

    def check_suspend_complete(self, is_asked: Any) -> bool:
        """Whether it is down."""
        return not is_asked or self.is_in_force()

    def handle_resume(self) -> bool:
        """Have it as the template says."""
        return self._set_up(is_up=bool(self.properties["admin_state_up"]))

    def check_resume_complete(self, is_asked: Any) -> bool:
        """Whether it is as the template says."""
        return not is_asked or self.is_in_force()

    def needs_replace_failed(self) -> bool:
        """Whether what failed has to be made anew: only if there is nothing of it."""
        if self.resource_id is None:
            return True
        with self.client_plugin().ignore_not_found:
            self.read()
            return False
        return True

    def get_live_state(self, resource_properties: Any) -> dict[str, Any]:
        """Return the properties that are not as the template says."""
        found: dict[str, Any] = super().get_live_state(resource_properties)
        # Heat puts them in, but goes on to read what names in the former ones became.
        resource_properties.data.update(found)
        known = resource_properties.translation.resolved_translations
        for path in [path for path in known if path.partition(".")[0] in found]:
            del known[path]
        return found

    def parse_live_resource_data(
        self, resource_properties: Any, resource_data: Mapping[str, Any]
    ) -> dict[str, Any]:
        """Return the properties that are not as the template says."""
        found: dict[str, Any] = self.words.live(resource_properties, resource_data)
        return found

    def change(self, body: Mapping[str, Any]) -> None:
        """Change attributes, named as the API names them."""
        if body:
            changed = self.identify()
            changed._update(**body)  # noqa: SLF001  openstacksdk's own way to set by API names
            changed.commit(self.network)

    def _set_up(self, *, is_up: bool) -> bool:
        self.change({"admin_state_up": is_up})
        return True

    def _judge(self, shown: Mapping[str, Any], is_so: Callable[[Mapping[str, Any]], bool]) -> bool:
        try:
            is_reached = is_so(shown)
        except progress.Failed as failed:
            # Not ResourceInError: on that one Heat deletes it and makes it anew, again and again,
            # which mends nothing of this and ends what works of it.
            raise exception.Error(f"{failed.status}: {failed.reason}") from failed
        self.awaits("" if is_reached else progress.sentence_of(shown), TOLD_AFTER_S)
        return is_reached

    def _show_resource(self) -> dict[str, Any]:
        shown: dict[str, Any] = self.read().to_dict(computed=False, original_names=True)
        return shown

    def _resolve_attribute(self, name: str) -> Any:
        if self.resource_id is None:
            return None
        return self._show_resource().get(name)


class Named(Served):
    """One with a name and tags, both the template's to give."""

    def handle_create(self) -> None:
        """Ask for it."""
        body = self.words.body_of(self.properties, self.physical_resource_name())
        made = self.sdk.new(**body).create(self.network)
        self.resource_id_set(made.id)
        if self.properties["tags"]:
            made.set_tags(self.network, self.properties["tags"])
