# SPDX-License-Identifier: Apache-2.0
"""``openstack`` that is warm: a process that has loaded it forks for each command.

    python -m tests.walks.shell <socket>

A page's commands run in bash, as its reader's do; loading the client a hundred times over would
take minutes. ``openstack`` on their path is ``_CLIENT``, which hands arguments, environment and
terminal to that process.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import socket
import sys
import warnings
from contextlib import redirect_stderr, redirect_stdout, suppress
from pathlib import Path

_CLIENT = """#!{python} -SE
import array, json, os, socket, sys
peer = socket.socket(socket.AF_UNIX)
peer.connect({socket!r})
asked = json.dumps([sys.argv[1:], dict(os.environ), os.getcwd()]).encode()
peer.sendmsg([asked], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [0, 1, 2]))])
peer.shutdown(socket.SHUT_WR)
sys.exit(int(peer.recv(16) or b"70"))
"""


def install(folder: Path, listening: Path) -> None:
    """Put ``openstack`` into a folder of the path."""
    file = folder / "openstack"
    file.write_text(_CLIENT.format(python=sys.executable, socket=str(listening)))
    file.chmod(0o755)


def _answer(peer: socket.socket) -> int:
    """Be the command that is asked for; return its exit status."""
    asked, terminal, *_ = socket.recv_fds(peer, 1 << 20, 3)
    while more := peer.recv(1 << 20):
        asked += more
    arguments, environment, folder = json.loads(asked)
    for number, descriptor in enumerate(terminal):
        os.dup2(descriptor, number)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    from openstackclient import shell

    status = int(shell.main(arguments) or 0)
    sys.stdout.flush()
    sys.stderr.flush()
    return status


def main(listening: str) -> None:
    """Answer commands until the process is ended."""
    warnings.simplefilter("ignore")
    from openstackclient import shell

    # Loads every client's plug-in.
    nowhere = Path(os.devnull).open("w")  # noqa: SIM115  logging may keep it
    with redirect_stdout(nowhere), redirect_stderr(nowhere), suppress(SystemExit):
        shell.main(["--help"])
    # Which logs to the terminal of that moment, and complains of other clients' entry points.
    logging.getLogger().handlers.clear()
    logging.getLogger("stevedore.extension").disabled = True
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(listening)
        server.listen()
        while True:
            peer, _ = server.accept()
            if os.fork() == 0:
                server.close()
                status = 70
                try:
                    status = _answer(peer)
                except SystemExit as ended:
                    status = ended.code if isinstance(ended.code, int) else 1
                finally:
                    peer.send(str(status).encode())
                    os._exit(0)
            peer.close()


if __name__ == "__main__":
    main(sys.argv[1])
