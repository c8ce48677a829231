# SPDX-License-Identifier: Apache-2.0
"""Adds ``status`` and ``status_reason`` to VPNs and their network associations."""

from neutron_lib.api import extensions

from isthmus.api.definitions import mpls_vpn


class Mpls_vpn(extensions.APIExtensionDescriptor):  # noqa: N801  Neutron wants the file's name
    """Status as provider edges report it."""

    api_definition = mpls_vpn
