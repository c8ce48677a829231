# SPDX-License-Identifier: Apache-2.0
"""A switch's ports in memory, that fail on purpose."""

from __future__ import annotations

from collections.abc import Callable

from isthmus.model.errors import SwitchUnreachable
from isthmus.pe_agent.openflow.writer import SwitchPorts

CORE_OFPORT = 1
FIRST_CIRCUIT_OFPORT = 100


class FakePlugger:
    """A ``PortPlugger`` with a memory.

    Attributes:
        fail_next_plug: the next ``plug`` does nothing and raises.
        is_slow: circuits get their OpenFlow ports only when ``settle`` is called.
        touched: every circuit that was plugged or unplugged, in order.
    """

    def __init__(self) -> None:
        self.fail_next_plug = False
        self.is_slow = False
        self.touched: list[str] = []
        self._ports: SwitchPorts | None = None
        self._plugged: dict[str, int] = {}
        self._next_ofport = FIRST_CIRCUIT_OFPORT
        self._hosts: frozenset[str] = frozenset()
        self._installed: frozenset[str] = frozenset()
        self._core: int | None = CORE_OFPORT
        self._life = 1
        self._has_core_link = True
        self._on_change: Callable[[], None] = lambda: None

    def start(self, on_change: Callable[[], None]) -> None:
        """Read the switch; at once, unlike the real one."""
        self._on_change = on_change
        self.settle()

    def plug(self, circuits: frozenset[str]) -> None:
        """Make ``circuits`` all that is plugged."""
        if self.fail_next_plug:
            self.fail_next_plug = False
            raise SwitchUnreachable("The database does not answer.")
        for port_id in sorted(self._plugged.keys() - circuits):
            del self._plugged[port_id]
            self.touched.append(port_id)
        for port_id in sorted(circuits - self._plugged.keys()):
            self._plugged[port_id] = self._next_ofport
            self._next_ofport += 1
            self.touched.append(port_id)
        if not self.is_slow:
            self.settle()

    def ports(self) -> SwitchPorts | None:
        """Return what is plugged."""
        return self._ports

    def stop(self) -> None:
        """Stop following."""
        self._on_change = lambda: None

    def settle(self) -> None:
        """Let the switch take in what was asked of it."""
        before = self._ports
        self._ports = SwitchPorts(
            self._core,
            dict(self._plugged),
            self._hosts,
            str(self._life),
            self._has_core_link,
            self._installed & self._hosts,
        )
        if self._ports != before:
            self._on_change()

    def plug_vm(self, *port_ids: str) -> None:
        """Plug VMs into the integration bridge, as Nova does."""
        self._hosts |= set(port_ids)
        self.settle()

    def unplug_vm(self, *port_ids: str) -> None:
        """Unplug VMs."""
        self._hosts -= set(port_ids)
        self.settle()

    def install_vm(self, *port_ids: str) -> None:
        """Let OVN have flows for VMs."""
        self._installed |= set(port_ids)
        self.settle()

    def set_core_link(self, *, is_up: bool) -> None:
        """Take the link of the core bridge's NIC away, or give it back."""
        self._has_core_link = is_up
        self.settle()

    def restart(self) -> None:
        """Restart the switch: plugs stay, flows are gone."""
        self._life += 1
        self.settle()
