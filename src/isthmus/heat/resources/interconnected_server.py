# SPDX-License-Identifier: Apache-2.0
"""``OS::Isthmus::InterconnectedServer``: a server on a network over several clouds, in any of them.

    handle_create          where it goes
    check_create_complete  waits for the network there, makes it (once), waits until it runs

Each step that a region does not answer to is repeated, or fails and names the region, as
``failure_policy`` says.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from heat.common import exception
from heat.engine import attributes, constraints, properties, support
from openstack import exceptions

from isthmus.client import sdk
from isthmus.heat import reach
from isthmus.heat.clients import CLIENT_NAME
from isthmus.heat.resources import schemas, spread
from isthmus.heat.resources.retried import Retried
from isthmus.heat.resources.schemas import LIVE
from isthmus.heat.translate import progress
from isthmus.heat.translate import server as translate

_Schema, _Shown = properties.Schema, attributes.Schema
_SITE, _REGION, _ASKED = "site", "region", "asked"
# Longer than a region that was slow to answer goes on with what it was asked for.
_UNANSWERED_S = 60.0
_SERVERS: dict[str, Any] = {
    "flavor": _Schema(_Schema.STRING, "The flavor there (name or id).", required=True),
    "image": _Schema(_Schema.STRING, "The image there (name or id).", required=True),
    "key_name": _Schema(_Schema.STRING, "The key pair there."),
    "user_data": _Schema(_Schema.STRING, "What the server is told at its first start."),
    "security_groups": _Schema(
        _Schema.LIST, "Security groups there (names or ids).", schema=_Schema(_Schema.STRING)
    ),
    "availability_zone": _Schema(_Schema.STRING, "The availability zone there."),
    "config_drive": _Schema(_Schema.BOOLEAN, "Whether it is told on a drive of its own."),
    "metadata": _Schema(_Schema.MAP, "Words of your own.", update_allowed=True),
    "failure_policy": schemas.failure_policy(
        "Where the region does not answer: wait, as long as the stack's timeout lets it, or fail "
        "at once with a reason that names it; another attempt goes on from there.",
    ),
}
_NETWORK: dict[str, Any] = {
    "virtual_tenant_network": _Schema(
        _Schema.STRING,
        "The network (name or id).",
        required=True,
        constraints=[constraints.CustomConstraint("isthmus.virtual_tenant_network")],
    )
}
OF_GROUP: Mapping[str, Any] = _NETWORK | _SERVERS


class InterconnectedServer(Retried):
    """A server on a virtual tenant network, at one of its sites.

    At another site it acts through that region's APIs, with the rights of the stack's user; what
    image, flavor, key pair and security groups are called there is what counts.
    """

    default_client_name = CLIENT_NAME
    support_status = support.SupportStatus(version="27.0.0")
    required_service_extension = "virtual-tenant-network"

    properties_schema: ClassVar[dict[str, Any]] = {
        **_NETWORK,
        **_SERVERS,
        "name": schemas.NAME,
        _SITE: _Schema(
            _Schema.STRING,
            "Where it is put: a member of the network; by rule if left out.",
            constraints=[constraints.CustomConstraint("isthmus.site")],
        ),
        "rule": _Schema(
            _Schema.STRING,
            "near: at this site, if it is a member; spread: at the member with the fewest of the "
            "stack's servers, the first by name of several.",
            default=str(translate.Rule.NEAR),
            constraints=[constraints.AllowedValues([str(rule) for rule in translate.Rule])],
        ),
        _REGION: _Schema(
            _Schema.STRING, "What Keystone's catalog calls that site; the same if left out."
        ),
    }
    attributes_schema: ClassVar[dict[str, Any]] = {
        _SITE: _Shown("Where it is.", type=_Shown.STRING),
        "addresses": _Shown("As the compute API has them.", type=_Shown.MAP, **LIVE),
        "networks": _Shown("Its addresses, by network.", type=_Shown.MAP, **LIVE),
        "first_address": _Shown("Its first address.", type=_Shown.STRING, **LIVE),
        "status": _Shown("As the compute API has it.", type=_Shown.STRING, **LIVE),
        "name": _Shown("Its name.", type=_Shown.STRING),
    }

    @property
    def region(self) -> Any:
        """The connection to its region."""
        return self.client_plugin().connection(self.properties[_REGION] or self._site())

    @property
    def compute(self) -> Any:
        """The compute API of its region."""
        return self.region.compute

    def translation_rules(self, properties: Any) -> list[Any]:
        """Have names become ids."""
        finders = {"virtual_tenant_network": "find_vtn", _SITE: "find_site"}
        return schemas.resolved(properties, self.client_plugin(), finders)

    def handle_create(self) -> None:
        """Decide where it goes, once for all."""
        site = self.properties[_SITE]
        if not site:
            network = self.client().network
            vtn = sdk.VirtualTenantNetwork.existing(id=self.properties["virtual_tenant_network"])
            members = vtn.fetch(network).members
            if self.properties["rule"] == translate.Rule.SPREAD:
                site = translate.least(members, spread.placed(self, _SITE), self.id)
            else:
                own = next(iter(sdk.InterconnectSite.list(network, state="OWN")), None)
                site = translate.near(members, own.name if own is not None else "")
        self.data_set(_SITE, site)

    def check_create_complete(self, _made: Any) -> bool:
        """Go on as far as the network and the region let it; True if it runs."""
        return self._patiently(self._go_on)

    def handle_update(self, json_snippet: Any, tmpl_diff: Any, prop_diff: Mapping[str, Any]) -> Any:
        """Remember what is different."""
        del json_snippet, tmpl_diff
        return dict(prop_diff)

    def check_update_complete(self, difference: Mapping[str, Any]) -> bool:
        """Make it so; finish what was not made before."""

        def change() -> bool:
            if self.resource_id is not None and "name" in difference:
                name = difference["name"] or self.physical_resource_name()
                self.compute.update_server(self.resource_id, name=name)
            if self.resource_id is not None and "metadata" in difference:
                mark = {translate.MARK: self.uuid}
                words = {**(difference["metadata"] or {}), **mark}
                self.compute.set_server_metadata(self.resource_id, **words)
            return self._go_on()

        return self._patiently(change)

    def handle_delete(self) -> bool:
        """Have it deleted by `check_delete_complete`, which repeats what was not answered."""
        return self.resource_id is not None or _ASKED in self.data()

    def check_delete_complete(self, was_made: Any) -> bool:
        """Delete it; True if there is none any more."""
        return not was_made or self._patiently(self._take_away)

    def handle_suspend(self) -> set[str]:
        """Have it suspended by `check_suspend_complete`, which repeats what was not answered."""
        return set()

    def check_suspend_complete(self, answered: set[str]) -> bool:
        """Suspend it; True if it is."""
        return self._patiently(lambda: self._bring_to("SUSPENDED", answered))

    def handle_resume(self) -> set[str]:
        """Have it resumed, likewise."""
        return set()

    def check_resume_complete(self, answered: set[str]) -> bool:
        """Resume it; True if it runs."""
        return self._patiently(lambda: self._bring_to("ACTIVE", answered))

    def handle_check(self) -> None:
        """Look whether it runs."""
        try:
            is_running = self._is("ACTIVE")
        except Exception as error:
            if not reach.is_out(error):
                raise
            raise exception.Error(f"{self._silence()} {error}") from error
        if not is_running:
            raise exception.Error(f"The server at {self._site()} does not run.")

    def needs_replace_failed(self) -> bool:
        """Whether what failed has to be made anew: only if it can't run any more."""
        if self.resource_id is None:
            # Without a site nothing was begun.
            return _SITE not in self.data()
        try:
            return bool(self.compute.get_server(self.resource_id).status == "ERROR")
        except exceptions.NotFoundException:
            return True
        except Exception as error:
            if not reach.is_out(error):
                raise
            return False

    def _go_on(self) -> bool:
        if self.resource_id is not None:
            return self._is("ACTIVE")
        network_id = self._network()
        if network_id is None:
            return False
        if found := self._marked():
            self.resource_id_set(found[0].id)
        elif not self._may_be_under_way():
            self.resource_id_set(self._make(network_id).id)
        return False

    def _network(self) -> str | None:
        listed = sdk.Member.list(
            self.client().network,
            virtual_tenant_network_id=self.properties["virtual_tenant_network"],
        )
        members = [each.to_dict(computed=False, original_names=True) for each in listed]
        try:
            return translate.network_at(members, self._site())
        except LookupError as error:
            raise exception.Error(str(error)) from error

    def _marked(self) -> list[Any]:
        """Return what was made before, and nobody remembered."""
        if _ASKED not in self.data():
            return []
        return [
            server
            for server in self.compute.servers(name=self._name())
            if (server.metadata or {}).get(translate.MARK) == self.uuid
        ]

    def _may_be_under_way(self) -> bool:
        """Whether there may be one soon that was asked for without an answer."""
        asked = float(self.data().get(_ASKED, 0))
        return time.time() < asked + _UNANSWERED_S

    def _make(self, network_id: str) -> Any:
        region, given = self.region, self.properties
        image = region.image.find_image(given["image"], ignore_missing=False)
        flavor = region.compute.find_flavor(given["flavor"], ignore_missing=False)
        body = translate.body_of(given, self._name(), network_id, self.uuid)
        # From here on there may be one that nobody knows the id of.
        self.data_set(_ASKED, str(time.time()))
        try:
            return region.compute.create_server(image_id=image.id, flavor_id=flavor.id, **body)
        except Exception as error:
            if not reach.is_out(error):
                self.data_delete(_ASKED)
            raise

    def _take_away(self) -> bool:
        if self.resource_id is not None and self._is_left(self.resource_id):
            return False
        left = [server.id for server in self._marked()]
        for server_id in left:
            self._is_left(server_id)
        return not left and (self.resource_id is not None or not self._may_be_under_way())

    def _is_left(self, server_id: str) -> bool:
        """Whether a server is still there; has it deleted."""
        try:
            server = self.compute.get_server(server_id)
            # Of one that is being deleted the task says so; asked again it says no.
            if server.task_state != "deleting":
                self.compute.delete_server(server_id, ignore_missing=True)
        except exceptions.NotFoundException:
            return False
        return True

    def _is(self, status: str) -> bool:
        return bool(self._seen().status == status)

    def _seen(self) -> Any:
        shown = self.compute.get_server(self.resource_id)
        if shown.status == "ERROR":
            why = translate.why_failed({"fault": shown.fault})
            raise exception.Error(f"The server at {self._site()} failed: {why}")
        return shown

    def _bring_to(self, status: str, answered: set[str]) -> bool:
        if self.resource_id is None:
            raise exception.Error(f"There is no server at {self._site()} yet.")
        shown = self._seen()
        if shown.status == status:
            return True
        if shown.task_state is None and status in answered:
            text = f"The server at {self._site()} did not become {status}: it is {shown.status}."
            raise exception.Error(text)
        if shown.task_state is None:
            ask = {"SUSPENDED": "suspend_server", "ACTIVE": "resume_server"}[status]
            getattr(self.compute, ask)(self.resource_id)
            answered.add(status)
        return False

    def _patiently(self, step: Callable[[], bool]) -> bool:
        try:
            is_done = step()
        except Exception as error:
            if not reach.is_out(error):
                raise
            if self.properties["failure_policy"] == progress.FailurePolicy.FAIL:
                raise exception.Error(f"{self._silence()} {error}") from error
            self.awaits(self._silence())
            return False
        self.awaits("")
        return is_done

    def _silence(self) -> str:
        return f"The region of the site {self._site()} does not answer."

    def _site(self) -> str:
        return str(self.data().get(_SITE) or self.properties[_SITE])

    def _name(self) -> str:
        return str(self.properties["name"] or self.physical_resource_name())

    def _show_resource(self) -> dict[str, Any]:
        shown: dict[str, Any] = self.compute.get_server(self.resource_id).to_dict()
        return shown

    def _resolve_attribute(self, name: str) -> Any:
        if name == _SITE:
            return self.data().get(_SITE)
        if self.resource_id is None:
            return None
        shown = self._show_resource()
        addresses = shown.get("addresses") or {}
        if name == "networks":
            return translate.networks_of(addresses)
        if name == "first_address":
            return translate.first_address(addresses)
        return shown.get(name)
