# SPDX-License-Identifier: Apache-2.0
"""A real etcd of a test's own: on loopback, in a folder that goes with it, on free ports."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from pathlib import Path

PATIENCE_S = 60.0
# etcd waits for its disk with every write.
_MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None


def free_port() -> int:
    """Return a TCP port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class Etcd:
    """One member, started when it is made.

    Args:
        tls: folder with ca.crt, server.crt and server.key; None for no TLS.
    """

    def __init__(self, tls: Path | None = None) -> None:
        self._data = Path(tempfile.mkdtemp(prefix="isthmus-etcd-", dir=_MEMORY))
        self._tls = tls
        self._process: subprocess.Popen[bytes] | None = None
        self.client_port, self._peer_port = free_port(), free_port()
        self.start()

    @property
    def endpoint(self) -> str:
        """Return where clients find it."""
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.client_port}"

    def start(self) -> None:
        """Start it with the data it has, and wait until it listens."""
        peers = f"http://127.0.0.1:{self._peer_port}"
        command = [
            "etcd", "--data-dir", str(self._data / "data"), "--logger", "zap",
            "--listen-client-urls", self.endpoint, "--advertise-client-urls", self.endpoint,
            "--listen-peer-urls", peers, "--initial-advertise-peer-urls", peers,
            # So that one that lost its data is another cluster, as etcd's own manual has it.
            "--initial-cluster-token", os.urandom(8).hex(),
            "--initial-cluster", f"default={peers}",
        ]  # fmt: skip
        if self._tls:
            command += [
                "--client-cert-auth", "--trusted-ca-file", str(self._tls / "ca.crt"),
                "--cert-file", str(self._tls / "server.crt"),
                "--key-file", str(self._tls / "server.key"),
            ]  # fmt: skip
        log = (self._data / "log").open("ab")
        self._process = subprocess.Popen(command, stdout=log, stderr=log)
        log.close()
        deadline = time.monotonic() + PATIENCE_S
        while not self._listens():
            if time.monotonic() > deadline or self._process.poll() is not None:
                raise AssertionError(f"etcd did not start: {(self._data / 'log').read_text()}")
            time.sleep(0.05)

    def compact(self) -> None:
        """Forget what led to the present."""
        control = [
            "etcdctl", "--endpoints", self.endpoint, "get", "x", "--write-out", "fields"
        ]  # fmt: skip
        environment = {**os.environ, "ETCDCTL_API": "3"}
        told = subprocess.run(
            control, env=environment, capture_output=True, text=True, check=True, timeout=30
        ).stdout
        revision = next(line.split()[-1] for line in told.splitlines() if '"Revision"' in line)
        subprocess.run(
            ["etcdctl", "--endpoints", self.endpoint, "compact", revision],
            env=environment, check=True, capture_output=True, timeout=30,
        )  # fmt: skip

    def silence(self) -> None:
        """Have it say nothing, its connections as they are."""
        self._signal(signal.SIGSTOP)
        if self._process is not None:
            # Some of its threads run on for a moment, and may answer yet.
            os.waitid(os.P_PID, self._process.pid, os.WSTOPPED)

    def speak(self) -> None:
        """Have it go on."""
        self._signal(signal.SIGCONT)

    def kill(self) -> None:
        """End it the hard way; its data stay."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def lose_everything(self) -> None:
        """Come back empty, as another cluster."""
        self.kill()
        shutil.rmtree(self._data / "data")
        self.start()

    def remove(self) -> None:
        """End it and leave nothing behind."""
        self.kill()
        shutil.rmtree(self._data, ignore_errors=True)

    def _signal(self, number: int) -> None:
        if self._process is not None:
            self._process.send_signal(number)

    def _listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.client_port)) == 0
