# SPDX-License-Identifier: Apache-2.0
"""Adds ``shared`` to VPNs."""

from neutron_lib.api import extensions

from isthmus.api.definitions import rbac_bgpvpn


class Rbac_bgpvpn(extensions.APIExtensionDescriptor):  # noqa: N801  Neutron wants the file's name
    """VPNs that other projects may use."""

    api_definition = rbac_bgpvpn
