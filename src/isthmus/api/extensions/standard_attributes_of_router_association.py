# SPDX-License-Identifier: Apache-2.0
"""Adds Neutron's standard attributes to router associations."""

from neutron_lib.api import extensions

from isthmus.api.definitions import standard_attributes


class Standard_attributes_of_router_association(extensions.APIExtensionDescriptor):  # noqa: N801  Neutron wants the file's name
    """Description, revision and times."""

    api_definition = standard_attributes.OF_ROUTER_ASSOCIATION
