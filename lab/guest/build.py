# SPDX-License-Identifier: Apache-2.0
"""Build the guest's kernel and initramfs, once, into the cache."""

from __future__ import annotations

import gzip
import hashlib
import os
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from lab import places

_HERE = Path(__file__).parent
_DRIVERS = ("virtio_pci", "virtio_net", "virtio_blk", "virtio_scsi", "sr_mod", "isofs")
_APPLETS = """
[ arping awk basename cat chmod cp cttyhack cut date dd dmesg echo env expr false find free grep
head hostname httpd id ifconfig insmod ip kill killall ln ls lsmod md5sum mkdir mount mv nc netstat
nohup od pidof poweroff printf ps rm route sed seq setsid sh sha256sum sleep sort stat stty tail
tee test time timeout top touch tr traceroute true udhcpc umount uname uniq uptime usleep vi wc
wget which xargs yes
"""
#: Real ones where busybox's are too weak: intervals below a second, throughput.
_PROGRAMS = ("ping", "iperf3")


@dataclass(frozen=True, slots=True)
class GuestImage:
    """What a guest boots from."""

    kernel: Path
    initramfs: Path
    disk: Path


def ensure_built() -> GuestImage:
    """The guest image, built unless the cache has the one these sources make."""
    sources = [_HERE / "init", _HERE / "udhcpc.sh", Path(__file__)]
    digest = hashlib.sha256(b"".join(file.read_bytes() for file in sources)).hexdigest()[:16]
    folder = places.CACHE / "guest" / digest
    image = GuestImage(folder / "vmlinuz", folder / "initramfs.gz", folder / "empty.raw")
    if image.initramfs.exists():
        return image
    folder.mkdir(parents=True, exist_ok=True)
    kernel = _unpacked_kernel(places.CACHE / "guest")
    tree = folder / "tree"
    shutil.rmtree(tree, ignore_errors=True)
    _fill(tree, kernel)
    shutil.copy(next(kernel.glob("boot/vmlinuz-*")), image.kernel)
    with image.disk.open("wb") as disk:
        disk.truncate(1 << 20)
    _pack(tree, image.initramfs)
    shutil.rmtree(tree)
    return image


def _unpacked_kernel(cache: Path) -> Path:
    """Debian's newest cloud kernel; not installed, only unpacked."""
    kernel = cache / "kernel"
    if not (kernel / "boot").exists():
        depends = _output("apt-cache", "depends", "linux-image-cloud-amd64")
        found = re.search(r"Depends: (linux-image-\S+)", depends)
        if found is None:
            raise FileNotFoundError("apt knows no linux-image-cloud-amd64: run apt-get update")
        fetch = ["apt-get", "-o", "APT::Sandbox::User=root", "download", found.group(1)]
        subprocess.run(fetch, cwd=cache, check=True, capture_output=True)
        package = next(cache.glob("linux-image-*.deb"))
        subprocess.run(["dpkg-deb", "-x", str(package), str(kernel)], check=True)
        package.unlink()
    return kernel


def _fill(tree: Path, kernel: Path) -> None:
    for folder in ("bin", "usr/bin", "dev", "proc", "sys", "etc", "lib", "www", "tmp"):
        (tree / folder).mkdir(parents=True)
    shutil.copy("/bin/busybox", tree / "bin")
    for applet in _APPLETS.split():
        (tree / "bin" / applet).symlink_to("busybox")
    for program in _PROGRAMS:
        _copy_program(tree, program)
    modules = _load_order(kernel)
    for module in modules:
        shutil.copy(module, tree / "lib")
    (tree / "etc" / "modules").write_text("".join(f"{module.name}\n" for module in modules))
    shutil.copy(_HERE / "init", tree / "init")
    shutil.copy(_HERE / "udhcpc.sh", tree / "etc")
    for script in (tree / "init", tree / "etc" / "udhcpc.sh"):
        script.chmod(0o755)


def _copy_program(tree: Path, name: str) -> None:
    program = shutil.which(name)
    if program is None:
        raise FileNotFoundError(f"{name} is not installed")
    shutil.copy(Path(program).resolve(), tree / "usr" / "bin" / name)
    for library in re.findall(r"(/\S+) \(0x", _output("ldd", program)):
        target = tree / library.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(Path(library).resolve(), target)


def _load_order(kernel: Path) -> list[Path]:
    """The drivers and what they need, each after what it needs."""
    version = next((kernel / "lib" / "modules").iterdir())
    depmod = [shutil.which("depmod") or "/usr/sbin/depmod", "-b", str(kernel), version.name]
    subprocess.run(depmod, check=True, capture_output=True)
    needs: dict[str, list[str]] = {}
    for line in (version / "modules.dep").read_text().splitlines():
        module, _, needed = line.partition(":")
        needs[module] = needed.split()
    order: list[str] = []
    for driver in _DRIVERS:
        path = next(path for path in needs if path.endswith(f"/{driver}.ko"))
        # modules.dep names the nearest need first
        order += [each for each in [*reversed(needs[path]), path] if each not in order]
    return [version / path for path in order]


def _pack(tree: Path, initramfs: Path) -> None:
    files = sorted(str(path.relative_to(tree)) for path in tree.rglob("*"))
    packed = subprocess.run(
        ["cpio", "--quiet", "-o", "-H", "newc", "-R", "0:0"],
        input="\n".join([".", *files]).encode(),
        cwd=tree,
        check=True,
        capture_output=True,
    )
    unfinished = initramfs.with_suffix(f".{os.getpid()}")
    with gzip.open(unfinished, "wb", compresslevel=6) as file:
        file.write(packed.stdout)
    unfinished.rename(initramfs)


def _output(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout
