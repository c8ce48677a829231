# SPDX-License-Identifier: Apache-2.0
"""Intrude from where this runs: ``python -m tests.intruders knock|read|trespass``.

    knock      {"invitation", "name", "is_forged"} becomes what the site that invited says
    read       {"endpoint", "ca", "certificate", "key", "target"} becomes the keys under it
    trespass   the same becomes what was said to each attempt

Standard input is the question, standard output the answer; JSON.
"""

from __future__ import annotations

import json
import sys
from typing import Any

from isthmus.interconnect.store.etcd import EtcdStore
from isthmus.interconnect.store.etcd_client import Credentials, EtcdClient
from isthmus.model.errors import IsthmusError
from tests.intruders.guest import Guest
from tests.intruders.trespass import DONE, trespass


def _knock(asked: dict[str, Any]) -> str:
    guest = Guest(asked["invitation"], asked["name"])
    if asked["is_forged"]:
        guest.forge()
    try:
        guest.join()
    except IsthmusError as error:
        return error.for_operator
    return DONE


def _read(asked: dict[str, Any]) -> list[str]:
    client = EtcdClient([asked["endpoint"]], _credentials(asked))
    try:
        return sorted(EtcdStore(client).read(asked["target"]).entries)
    except IsthmusError as error:
        return [error.for_operator]
    finally:
        client.close()


def _trespass(asked: dict[str, Any]) -> dict[str, str]:
    return trespass(asked["endpoint"], _credentials(asked), asked["target"])


def _credentials(asked: dict[str, Any]) -> Credentials:
    ca, certificate, key = (asked[name].encode() for name in ("ca", "certificate", "key"))
    return Credentials(ca, certificate, key)


if __name__ == "__main__":
    verbs = {"knock": _knock, "read": _read, "trespass": _trespass}
    json.dump(verbs[sys.argv[1]](json.load(sys.stdin)), sys.stdout)
