# SPDX-License-Identifier: Apache-2.0
"""How ``openstack`` finds the commands: entry point group ``openstack.isthmus.v2``.

They speak to Neutron, so its version option is theirs.
"""

from __future__ import annotations

import argparse
from typing import Any

API_NAME = "isthmus"
API_VERSION_OPTION = "os_network_api_version"
DEFAULT_API_VERSION = "2.0"
API_VERSIONS = ("2.0", "2")


def make_client(instance: Any) -> Any:
    """Return the session that the resources of ``isthmus.client.sdk`` take."""
    return instance.sdk_connection.network


def build_option_parser(parser: argparse.ArgumentParser) -> argparse.ArgumentParser:
    """Add no global option."""
    return parser
