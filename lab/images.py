# SPDX-License-Identifier: Apache-2.0
"""The guest's image and flavor in a region."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from lab import clouds, places
from lab.guest.build import GuestImage
from lab.topology import Site, Topology


def ensure_images(topology: Topology, site: Site, guest: GuestImage) -> None:
    """Upload kernel, initramfs and disk, and make the flavor, unless they are there."""
    done = places.STATE / site.name / "images"
    if done.exists():
        return
    cloud = clouds.connect(topology, site.name)
    kernel = _ensure_image(cloud, f"{topology.image}-kernel", "aki", guest.kernel)
    initramfs = _ensure_image(cloud, f"{topology.image}-initramfs", "ari", guest.initramfs)
    _ensure_image(
        cloud,
        topology.image,
        "raw",
        guest.disk,
        kernel_id=kernel,
        ramdisk_id=initramfs,
        os_command_line="console=ttyS0 quiet",
        hw_machine_type="q35",
        hw_rng_model="virtio",
        # the configuration drive, on a bus the guest has a driver for
        hw_cdrom_bus="scsi",
        hw_scsi_model="virtio-scsi",
    )
    flavor = topology.flavor
    if cloud.compute.find_flavor(flavor.name) is None:
        cloud.compute.create_flavor(
            name=flavor.name, ram=flavor.ram_mib, vcpus=flavor.vcpus, disk=flavor.disk_gib
        )
    done.touch()


def _ensure_image(cloud: Any, name: str, kind: str, file: Path, **properties: str) -> str:
    image = cloud.image.find_image(name)
    if image is None:
        image = cloud.image.create_image(
            name=name,
            filename=str(file),
            disk_format=kind,
            container_format="bare" if kind == "raw" else kind,
            visibility="public",
            wait=True,
            **properties,
        )
    return str(image.id)
