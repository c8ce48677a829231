# SPDX-License-Identifier: Apache-2.0
"""The ``clouds.yaml`` that openstackclient, openstacksdk and Terraform read."""

from __future__ import annotations

from typing import Any

import yaml

from lab import places, settings
from lab.topology import Topology


def document(topology: Topology) -> dict[str, Any]:
    """One cloud for each account in each region, named ``<region>-<account>``. Pure."""

    def cloud(region: str, account: str) -> dict[str, Any]:
        return {
            "region_name": region,
            "identity_api_version": "3",
            "auth": {
                "auth_url": f"{settings.keystone_url(topology)}/v3",
                "username": account,
                "password": topology.management.password,
                "project_name": account,
                "user_domain_id": "default",
                "project_domain_id": "default",
            },
        }

    accounts = ("admin", *topology.projects)
    return {
        "clouds": {
            f"{site.name}-{account}": cloud(site.name, account)
            for site in topology.sites
            for account in accounts
        }
    }


def write(topology: Topology) -> None:
    """Write the file for this lab."""
    text = yaml.safe_dump(document(topology), sort_keys=False)
    places.CLOUDS_YAML.write_text(f"# Written by `python -m lab up`.\n{text}", encoding="utf-8")


def connect(topology: Topology, site: str, account: str = "admin") -> Any:
    """An openstacksdk connection to a region, whatever the shell's environment says."""
    # It takes a second to import; who only reads the document is spared it.
    import openstack

    cloud = document(topology)["clouds"][f"{site}-{account}"]
    return openstack.connect(load_yaml_config=False, load_envvars=False, **cloud)
