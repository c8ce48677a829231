# SPDX-License-Identifier: Apache-2.0
"""``OS::Isthmus::InterconnectedServer``: a server on a network over several clouds, in any of them.

    handle_create          where it goes
    check_create_complete  waits for the network there, makes it (once), waits until it runs
    check_update_complete  the same, then asks for one change after the other (server_change.py)

Each step that a region does not answer to is repeated, or fails and names the region, as
``failure_policy`` says.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Collection, Mapping
from typing import Any, ClassVar

from heat.common import exception
from heat.engine import support
from heat.rpc import api as rpc_api
from openstack import exceptions
from oslo_utils import uuidutils

from isthmus.client import sdk
from isthmus.heat import reach
from isthmus.heat.resources import schemas, server_schema, spread
from isthmus.heat.resources.at_site import SITE, AtSite
from isthmus.heat.resources.consoles import Consoles
from isthmus.heat.resources.server_addresses import with_networks
from isthmus.heat.resources.server_change import ServerChange
from isthmus.heat.translate import interfaces, server_changes
from isthmus.heat.translate import server as translate
from isthmus.heat.translate.interfaces import Present, Wanted
from isthmus.heat.translate.server_changes import Policy

_VTN, _ASKED, _TOLD = "virtual_tenant_network", "asked", "told"
# Longer than a region that was slow to answer goes on with what it was asked for.
_UNANSWERED_S = 60.0


class InterconnectedServer(AtSite):
    """A server on a virtual tenant network, at one of its sites.

    At another site it acts through that region's APIs, with the rights of the stack's user; what
    image, flavor, key pair, networks, ports and security groups are called there is what counts.
    """

    support_status = support.SupportStatus(version="27.0.0")
    required_service_extension = "virtual-tenant-network"
    properties_schema: ClassVar[dict[str, Any]] = server_schema.PROPERTIES
    attributes_schema: ClassVar[dict[str, Any]] = server_schema.ATTRIBUTES

    def translation_rules(self, properties: Any) -> list[Any]:
        """Have names become ids."""
        finders = {_VTN: "find_vtn", SITE: "find_site"}
        return schemas.resolved(properties, self.client_plugin(), finders)

    def add_dependencies(self, deps: Any) -> None:
        """Come after the subnets of whatever else it is on."""
        super().add_dependencies(deps)
        listed = self.properties.get("networks") or ()
        named = {each.get("network") for each in listed} - {None}
        self.required(
            deps, ["OS::Neutron::Subnet"], lambda other: other.properties.get("network") in named
        )

    def validate(self) -> None:
        """Check that its interfaces can be as they are described.

        Raises:
            StackValidationFailed: they can't.
        """
        super().validate()
        if sentence := interfaces.check(self.properties):
            raise exception.StackValidationFailed(message=sentence)

    def handle_create(self) -> None:
        """Decide where it goes, once for all."""
        site = self.properties[SITE]
        if not site:
            network = self.client().network
            vtn = sdk.VirtualTenantNetwork.existing(id=self.properties[_VTN])
            members = vtn.fetch(network).members
            if self.properties["rule"] == translate.Rule.SPREAD:
                site = translate.least(members, spread.placed(self, SITE), self.id)
            else:
                own = next(iter(sdk.InterconnectSite.list(network, state="OWN")), None)
                site = translate.near(members, own.name if own is not None else "")
        self.data_set(SITE, site)
        # Remembered, as a name in a template may mean another network later.
        self.data_set(_VTN, self.properties[_VTN])

    def check_create_complete(self, _made: Any) -> bool:
        """Go on as far as the network and the region let it; True if it runs."""
        return self.patiently(lambda: self._go_on(self.properties))

    def needs_replace_with_prop_diff(
        self, changed: Collection[str], after: Mapping[str, Any], before: Mapping[str, Any]
    ) -> bool:
        """Whether what changes makes another server, by the policies."""
        del before
        if self.resource_id is None:
            return False
        policies = ((key, after[f"{key}_update_policy"]) for key in ("flavor", "image"))
        is_told_anew = "user_data" in changed and not self._is_told(after)
        by_data = is_told_anew and after["user_data_update_policy"] == Policy.REPLACE
        return by_data or any(key in changed and is_ == Policy.REPLACE for key, is_ in policies)

    def handle_update(
        self, json_snippet: Any, tmpl_diff: Any, prop_diff: Mapping[str, Any]
    ) -> ServerChange:
        """Remember what it is to be; all of it, where it is not known what it is."""
        del tmpl_diff
        wanted = json_snippet.properties(self.properties_schema, self.context)
        changed = set(prop_diff)
        if self.has_failed:
            changed |= {key for key, each in self.properties_schema.items() if each.update_allowed}
        policies = {"user_data": wanted["user_data_update_policy"]}
        # What is not made yet is told when it is.
        is_told = self.resource_id is None or self._is_told(wanted)
        to_do = server_changes.to_do(changed, policies, is_told_already=is_told)
        is_rebuilt = policies["user_data"] == Policy.REBUILD and "user_data" in changed
        return ServerChange(
            wanted,
            to_do,
            server_changes.metadata_of(wanted["metadata"], self.uuid),
            str(wanted["name"] or self.physical_resource_name()),
            self._user_data(wanted) if is_rebuilt and not is_told else None,
            lambda digest: self.data_set(_TOLD, digest),
        )

    def check_update_complete(self, change: ServerChange) -> bool:
        """Make it so; finish what was not made before."""

        def go_on() -> bool:
            if self.resource_id is None:
                return self._go_on(change.wanted)
            wanted = self._networks(change.wanted) if "networks" in change.to_do else []
            return wanted is not None and change.go_on(self.region, self._seen(), wanted)

        return self.patiently(go_on)

    def prepare_for_replace(self) -> None:
        """Give up ports and addresses that the server that takes its place is to have."""
        if self.resource_id is None or not interfaces.is_choosy(self.properties):
            return
        wanted = self._networks(self.properties) or []
        with contextlib.suppress(exceptions.NotFoundException):
            for each in interfaces.bound(wanted, self._present()):
                self.compute.delete_server_interface(each.port_id, server=self.resource_id)
            end = time.monotonic() + _UNANSWERED_S
            while interfaces.bound(wanted, self._present()) and time.monotonic() < end:
                time.sleep(1)

    def handle_delete(self) -> bool:
        """Have it deleted by `check_delete_complete`, which repeats what was not answered."""
        return self.resource_id is not None or _ASKED in self.data()

    def check_delete_complete(self, was_made: Any) -> bool:
        """Delete it; True if there is none any more."""
        return not was_made or self.patiently(self._take_away)

    def handle_suspend(self) -> set[str]:
        """Have it suspended by `check_suspend_complete`, which repeats what was not answered."""
        return set()

    def check_suspend_complete(self, answered: set[str]) -> bool:
        """Suspend it; True if it is."""
        return self.patiently(lambda: self._bring_to("SUSPENDED", answered))

    def handle_resume(self) -> set[str]:
        """Have it resumed, likewise."""
        return set()

    def check_resume_complete(self, answered: set[str]) -> bool:
        """Resume it; True if it runs."""
        return self.patiently(lambda: self._bring_to("ACTIVE", answered))

    def handle_check(self) -> None:
        """Look whether it runs."""
        if not self.at_once(lambda: self._is("ACTIVE")):
            raise exception.Error(f"The server at {self.site()} does not run.")

    def needs_replace_failed(self) -> bool:
        """Whether what failed has to be made anew: only if it can't run any more."""
        if self.resource_id is None:
            # Without a site nothing was begun.
            return SITE not in self.data()
        try:
            return bool(self.compute.get_server(self.resource_id).status == "ERROR")
        except exceptions.NotFoundException:
            return True
        except Exception as error:
            if not reach.is_out(error):
                raise
            return False

    def get_live_resource_data(self) -> Any:
        """Return the server, as the compute API shows it.

        Raises:
            EntityNotFound: there is none any more.
        """
        try:
            return self.compute.get_server(self.resource_id)
        except exceptions.NotFoundException as error:
            raise exception.EntityNotFound(entity="Resource", name=self.name) from error

    def parse_live_resource_data(self, resource_properties: Any, shown: Any) -> dict[str, Any]:
        """Return the properties that are not as the template says."""
        told = shown.to_dict(computed=False, original_names=True)
        found = server_changes.live(resource_properties, told)
        flavor = self.compute.find_flavor(resource_properties["flavor"], ignore_missing=False)
        if not server_changes.is_flavor(shown.flavor.to_dict(), flavor.to_dict()):
            found["flavor"] = shown.flavor.original_name or shown.flavor.id
        image = self.region.image.find_image(resource_properties["image"], ignore_missing=False)
        if shown.image.id != image.id:
            found["image"] = shown.image.id
        wanted, has = self._networks(resource_properties), self._present()
        if wanted is not None and any(interfaces.difference(wanted, has)):
            found["networks"] = interfaces.live(has)
        return found

    def _go_on(self, given: Mapping[str, Any]) -> bool:
        if self.resource_id is not None:
            return self._is("ACTIVE") and self._is_tagged(given)
        networks = self._networks(given)
        if networks is None:
            return False
        if found := self._marked():
            self.resource_id_set(found[0].id)
        elif not self._may_be_under_way():
            self.resource_id_set(self._make(given, networks).id)
        return False

    def _is_tagged(self, given: Mapping[str, Any]) -> bool:
        if given["tags"]:
            server = self.compute.get_server(self.resource_id)
            server.set_tags(self.compute, list(given["tags"]))
        return True

    def _networks(self, given: Mapping[str, Any]) -> list[Wanted] | None:
        """Return what it has to be on; None while the network is not there yet."""
        network_id = self._network()
        if network_id is None:
            return None

        def port(name: str | None) -> str:
            if not name:
                return ""
            return str(self.region.network.find_port(name, ignore_missing=False).id)

        def other(each: Mapping[str, Any]) -> Wanted:
            if each.get("port"):
                return Wanted(port_id=port(each["port"]))
            if not each.get("network"):
                raise exception.Error("Each of networks is a network or a port, one of them.")
            found = self.region.network.find_network(each["network"], ignore_missing=False)
            return Wanted(str(found.id), address=each.get("fixed_ip") or "")

        own = Wanted(network_id, port(given["port"]), given["fixed_ip"] or "")
        return [own, *map(other, given["networks"] or ())]

    def _present(self) -> list[Present]:
        return interfaces.present(self._interfaces())

    def _interfaces(self) -> list[dict[str, Any]]:
        return [each.to_dict() for each in self.compute.server_interfaces(self.resource_id)]

    def _network(self) -> str | None:
        vtn_id = self.data().get(_VTN) or self.properties[_VTN]
        listed = sdk.Member.list(self.client().network, virtual_tenant_network_id=vtn_id)
        members = [each.to_dict(computed=False, original_names=True) for each in listed]
        try:
            return translate.network_at(members, self.site())
        except LookupError as error:
            raise exception.Error(str(error)) from error

    def _user_data(self, given: Mapping[str, Any]) -> str:
        """Return what it is told: a text, or what Heat has of an id."""
        said = str(given["user_data"] or "")
        if uuidutils.is_uuid_like(said):
            with self.rpc_client().ignore_error_by_name("NotFound"):
                config = self.rpc_client().show_software_config(self.context, said)
                return str(config[rpc_api.SOFTWARE_CONFIG_CONFIG])
        return said

    def _is_told(self, given: Mapping[str, Any]) -> bool:
        """Whether it was told the user data."""
        return bool(self.data().get(_TOLD) == server_changes.digest(self._user_data(given)))

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

    def _make(self, given: Mapping[str, Any], networks: list[Wanted]) -> Any:
        region = self.region
        image = region.image.find_image(given["image"], ignore_missing=False)
        flavor = region.compute.find_flavor(given["flavor"], ignore_missing=False)
        told = self._user_data(given)
        body = translate.body_of(given, self._name(), [each.body() for each in networks], told)
        body["metadata"] = server_changes.metadata_of(given["metadata"], self.uuid)
        self.data_set(_TOLD, server_changes.digest(told))
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
            raise exception.Error(f"The server at {self.site()} failed: {why}")
        return shown

    def _bring_to(self, status: str, answered: set[str]) -> bool:
        if self.resource_id is None:
            raise exception.Error(f"There is no server at {self.site()} yet.")
        shown = self._seen()
        if shown.status == status:
            return True
        if shown.task_state is None and status in answered:
            text = f"The server at {self.site()} did not become {status}: it is {shown.status}."
            raise exception.Error(text)
        if shown.task_state is None:
            ask = {"SUSPENDED": "suspend_server", "ACTIVE": "resume_server"}[status]
            getattr(self.compute, ask)(self.resource_id)
            answered.add(status)
        return False

    def _name(self) -> str:
        return str(self.properties["name"] or self.physical_resource_name())

    def _show_resource(self) -> dict[str, Any]:
        shown: dict[str, Any] = self.compute.get_server(self.resource_id).to_dict()
        return shown

    def _resolve_attribute(self, name: str) -> Any:
        if name == SITE:
            return self.data().get(SITE)
        if self.resource_id is None:
            return None
        if name == "console_urls":
            return Consoles(self.compute, self.resource_id)
        return self.read(lambda: self._shown(name))

    def _shown(self, name: str) -> Any:
        shown = self.compute.get_server(self.resource_id)
        addresses = shown.addresses or {}
        if name == "first_address":
            return translate.first_address(addresses)
        if name == "networks":
            return translate.networks_of(interfaces.addresses_of(addresses, self._interfaces()))
        if name == "addresses":
            return with_networks(addresses, self._interfaces(), self.region.network)
        return shown.to_dict(computed=False, original_names=True).get(_SHOWN.get(name, name))


_SHOWN = {"instance_name": "OS-EXT-SRV-ATTR:instance_name"}
