# SPDX-License-Identifier: Apache-2.0
"""The one flow on the operator's core bridge: labelled packets for this host go to the PE bridge.

P routers send to the MAC that answers their ARP, which is the core bridge's own port's; the host
behind that port has no use for labels. All else on that bridge is the operator's.
"""

from __future__ import annotations

import logging
import subprocess
from pathlib import Path

from isthmus.pe_agent.openflow.ovs_plan import CORE_PE

LOG = logging.getLogger(__name__)

COOKIE = 0x15D0_0001
_PRIORITY = 40_000
_TIMEOUT_S = 20


class CoreTurn:
    """Keeps that flow; a core bridge that is away gets it when it is back.

    Args:
        management_socket: of the core bridge.
        core_mac: what the PE bridge takes labelled packets by.
    """

    def __init__(self, management_socket: Path, core_mac: str) -> None:
        self._socket = management_socket
        self._core_mac = core_mac
        self._complaint = ""

    def put(self, own_mac: str) -> bool:
        """Have it there for the MAC of the bridge's own port, in place of any other.

        Returns whether it is; it is not while the PE bridge is not joined to that one.
        """
        argv = ["ovs-ofctl", "-O", "OpenFlow15", "--bundle", "add-flows", f"unix:{self._socket}"]
        lines = turn(own_mac, self._core_mac)
        try:
            done = subprocess.run(
                [*argv, "-"], input=lines, capture_output=True, text=True, timeout=_TIMEOUT_S
            )
            complaint = " ".join(done.stderr.split()) if done.returncode else ""
        except (OSError, subprocess.TimeoutExpired) as error:
            complaint = str(error)
        if complaint and complaint != self._complaint:
            LOG.warning("core_bridge.flow_refused reason=%s", complaint)
        self._complaint = complaint
        return not complaint


def turn(own_mac: str, core_mac: str) -> str:
    """Return the lines of a bundle."""
    return (
        f"delete cookie={COOKIE:#x}/-1\n"
        f"add cookie={COOKIE:#x},priority={_PRIORITY},eth_type=0x8847,eth_dst={own_mac},"
        f"actions=set_field:{core_mac}->eth_dst,output:{CORE_PE}\n"
    )
