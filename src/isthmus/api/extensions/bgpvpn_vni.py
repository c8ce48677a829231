# SPDX-License-Identifier: Apache-2.0
"""Adds ``vni`` to VPNs."""

from neutron_lib.api import extensions

from isthmus.api.definitions import bgpvpn_vni


class Bgpvpn_vni(extensions.APIExtensionDescriptor):  # noqa: N801  Neutron wants the file's name
    """The VNI of a VPN."""

    api_definition = bgpvpn_vni
