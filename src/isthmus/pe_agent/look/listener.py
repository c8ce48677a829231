# SPDX-License-Identifier: Apache-2.0
"""The agent's UNIX socket: one question a connection, a line of JSON; one answer, JSON.

Only the agent's user may connect. A question has its own thread, so that a slow reader keeps
neither the agent nor the next question waiting; beyond some at once, questions wait their turn.
"""

from __future__ import annotations

import json
import logging
import os
import socket
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from isthmus.model.errors import InvalidValue

LOG = logging.getLogger(__name__)

Answer = Callable[[Mapping[str, Any]], Mapping[str, Any]]

LONGEST_QUESTION = 4096
_MOST_AT_ONCE = 4
_QUESTION_S = 5.0
_ANSWER_S = 20.0
_PATIENCE_S = 60.0


class LookFailed(Exception):
    """The agent could not be asked; the sentence says what to do."""


class LookingGlass:
    """Answers whoever connects.

    Args:
        path: of the socket; what is there is replaced.
        answer: finds the answer, in any thread.
    """

    def __init__(self, path: Path, answer: Answer) -> None:
        self._path = path
        self._answer = answer
        self._free = threading.BoundedSemaphore(_MOST_AT_ONCE)

    def start(self) -> None:
        """Listen in a thread; a socket that can't be had is no reason not to forward."""
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._path.unlink(missing_ok=True)
            listener = socket.socket(socket.AF_UNIX)
            # Before it has a name: nobody else may connect, not even for a moment.
            os.fchmod(listener.fileno(), 0o600)
            listener.bind(str(self._path))
            self._path.chmod(0o600)
            listener.listen()
        except OSError as error:
            LOG.warning("look.not_listening path=%s error=%r", self._path, error)
            return
        threading.Thread(target=self._serve, args=(listener,), name="look", daemon=True).start()

    def _serve(self, listener: socket.socket) -> None:
        while True:
            self._free.acquire()
            try:
                connection, _ = listener.accept()
            except OSError as error:
                self._free.release()
                LOG.warning("look.not_accepted error=%r", error)
                time.sleep(1)
                continue
            threading.Thread(
                target=self._attend, args=(connection,), name="look-answer", daemon=True
            ).start()

    def _attend(self, connection: socket.socket) -> None:
        with connection:
            try:
                connection.settimeout(_QUESTION_S)
                try:
                    answer = self._answer(_receive(connection))
                except InvalidValue as error:
                    answer = {"error": error.for_operator}
                connection.settimeout(_ANSWER_S)
                _send(connection, answer)
            except Exception as error:
                LOG.warning("look.failed error=%r", error)
            finally:
                self._free.release()


def ask(path: Path, question: Mapping[str, Any]) -> dict[str, Any]:
    """Ask the agent behind the socket ``path``.

    Raises:
        LookFailed: no agent, no permission, no answer, or it refused; one sentence.
    """
    try:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(_PATIENCE_S)
            connection.connect(str(path))
            connection.sendall(json.dumps(question).encode() + b"\n")
            octets = connection.makefile("rb").read()
    except PermissionError:
        raise LookFailed(
            f"Only root and the agent's own user may look at {path}: use sudo."
        ) from None
    except (FileNotFoundError, ConnectionRefusedError):
        raise LookFailed(
            f"No agent answers at {path}: start isthmus-pe-agent, or name its configuration with "
            f"--config-file if it listens elsewhere."
        ) from None
    except OSError as error:
        raise LookFailed(f"The agent at {path} gave no answer ({error}); see its log.") from None
    try:
        answer: dict[str, Any] = json.loads(octets)
    except ValueError:
        raise LookFailed(f"The agent at {path} gave no answer; see its log.") from None
    if "error" in answer:
        raise LookFailed(str(answer["error"]))
    return answer


def _receive(connection: socket.socket) -> Mapping[str, Any]:
    octets = b""
    while not octets.endswith(b"\n"):
        part = connection.recv(LONGEST_QUESTION)
        octets += part
        if not part or len(octets) > LONGEST_QUESTION:
            raise InvalidValue("A question is one line of JSON.")
    try:
        question = json.loads(octets)
    except ValueError:
        raise InvalidValue("A question is one line of JSON.") from None
    if not isinstance(question, dict):
        raise InvalidValue("A question is a JSON object.")
    return question


def _send(connection: socket.socket, answer: Mapping[str, Any]) -> None:
    try:
        connection.sendall(json.dumps(answer).encode() + b"\n")
    except OSError as error:
        LOG.warning("look.not_heard error=%r", error)
