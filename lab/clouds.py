# SPDX-License-Identifier: Apache-2.0
"""The ``clouds.yaml`` that openstackclient, openstacksdk and Terraform read."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import yaml

from lab import places, settings
from lab.topology import Site, Topology


def document(topology: Topology, sites: Iterable[Site]) -> dict[str, Any]:
    """One cloud for each account in each region, named ``<region>-<account>``. Pure."""

    def cloud(site: Site, account: str) -> dict[str, Any]:
        return {
            "region_name": site.name,
            "identity_api_version": "3",
            "auth": {
                "auth_url": f"{settings.keystone_url(topology.keystone_of(site))}/v3",
                "username": account,
                "password": topology.management.password,
                "project_name": account,
                "user_domain_id": "default",
                "project_domain_id": "default",
            },
        }

    return {
        "clouds": {
            f"{site.name}-{account}": cloud(site, account)
            for site in sites
            for account in ("admin", *topology.keystone_of(site).projects)
        }
    }


def write(topology: Topology, sites: Iterable[Site]) -> None:
    """Write the file for what is there of this lab."""
    text = yaml.safe_dump(document(topology, sites), sort_keys=False)
    places.CLOUDS_YAML.write_text(f"# Written by `python -m lab up`.\n{text}", encoding="utf-8")


def connect(topology: Topology, site: str, account: str = "admin") -> Any:
    """An openstacksdk connection to a region, whatever the shell's environment says."""
    # It takes a second to import; who only reads the document is spared it.
    import openstack

    cloud = document(topology, [topology.site(site)])["clouds"][f"{site}-{account}"]
    return openstack.connect(load_yaml_config=False, load_envvars=False, **cloud)
