# SPDX-License-Identifier: Apache-2.0
"""What runs in the guest: the router P and a PE of another make, both FRR on kernel MPLS.

  our PE ── tap ── [vec0  P  east] ── [core  far  ce] ── [eth0  ce]
  192.0.2.11    192.0.2.1  203.0.113.1   203.0.113.2   10.2.0.1   10.2.0.5
  198.51.100.11                        198.51.100.21      VRF red

P tells labels to both, and hears them (labelled unicast); the far PE exchanges VPN-IPv4 routes with
ours directly. No route but by label leads P to the address of either PE alone.
"""

from __future__ import annotations

import json
from ipaddress import IPv4Address
from typing import Any

from tests.functional.transport.guest import NETWORK_DEVICE, Guest

AS_NUMBER = 64500
OURS, OUR_LINK = IPv4Address("198.51.100.11"), IPv4Address("192.0.2.11")
P = IPv4Address("192.0.2.1")
FAR, FAR_SPARE = IPv4Address("198.51.100.21"), IPv4Address("198.51.100.22")
FAR_HOST = "10.2.0.5"

_NETWORK = f"""
set -e
cd /
for node in p far ce; do ip netns add $node; ip -n $node link set lo up; done
ip link set {NETWORK_DEVICE} netns p
ip -n p link set {NETWORK_DEVICE} up
ip -n p address add {P}/24 dev {NETWORK_DEVICE}
ip link add east netns p mtu 1600 type veth peer name core mtu 1600 netns far
ip -n p link set east up
ip -n p address add 203.0.113.1/30 dev east
ip -n far link set core up
ip -n far address add 203.0.113.2/30 dev core
ip -n far address add {FAR}/32 dev lo
ip -n far address add {FAR_SPARE}/32 dev lo
ip -n far route add default via 203.0.113.1
ip -n p route add 198.51.100.8/29 via {OUR_LINK}
ip -n p route add 198.51.100.16/29 via 203.0.113.2
for node in p far; do
  ip netns exec $node sysctl -qw net.ipv4.ip_forward=1 net.mpls.platform_labels=100000
done
ip netns exec p sysctl -qw net.mpls.conf.{NETWORK_DEVICE}.input=1 net.mpls.conf.east.input=1
ip netns exec far sysctl -qw net.mpls.conf.core.input=1
ip -n far link add red type vrf table 10
ip -n far link set red up
ip link add ce netns far type veth peer name eth0 netns ce
ip -n far link set ce master red up
ip -n far address add 10.2.0.1/24 dev ce
ip -n ce link set eth0 up
ip -n ce address add {FAR_HOST}/24 dev eth0
ip -n ce route add default via 10.2.0.1
"""

_START = """
set -e
mkdir -p /run/frr/{node} /var/run/frr/{node}
cat > /run/frr/{node}.conf <<'CONFIGURATION'
{configuration}
CONFIGURATION
chown -R frr:frr /run/frr /var/run/frr
for daemon in zebra bgpd; do
  ip netns exec {node} /usr/lib/frr/$daemon -d -u frr -g frr -f /run/frr/{node}.conf \
    -i /run/frr/{node}/$daemon.pid -z /run/frr/{node}/zserv.api --vty_socket /run/frr/{node} \
    -P 0 --log file:/run/frr/{node}/$daemon.log
done
"""

_P = f"""
router bgp {AS_NUMBER}
 bgp router-id {P}
 bgp cluster-id {P}
 no bgp default ipv4-unicast
 neighbor PE peer-group
 neighbor PE remote-as {AS_NUMBER}
 neighbor PE timers 3 9
 neighbor PE timers connect 2
 neighbor {OUR_LINK} peer-group PE
 neighbor 203.0.113.2 peer-group PE
 address-family ipv4 labeled-unicast
  neighbor PE activate
  neighbor PE route-reflector-client
  neighbor PE next-hop-self force
 exit-address-family
"""

_FAR = f"""
router bgp {AS_NUMBER}
 bgp router-id {FAR}
 no bgp default ipv4-unicast
 no bgp network import-check
 neighbor 203.0.113.1 remote-as {AS_NUMBER}
 neighbor 203.0.113.1 timers 3 9
 neighbor 203.0.113.1 timers connect 2
 neighbor {OURS} remote-as {AS_NUMBER}
 neighbor {OURS} update-source {FAR}
 neighbor {OURS} timers 3 9
 neighbor {OURS} timers connect 2
 address-family ipv4 unicast
  network {FAR}/32
 exit-address-family
 address-family ipv4 labeled-unicast
  neighbor 203.0.113.1 activate
 exit-address-family
 address-family ipv4 vpn
  neighbor {OURS} activate
 exit-address-family
router bgp {AS_NUMBER} vrf red
 address-family ipv4 unicast
  redistribute connected
  label vpn export auto
  rd vpn export {FAR}:1
  rt vpn both {AS_NUMBER}:100
  export vpn
  import vpn
 exit-address-family
"""


class Routers:
    """P and the far PE, running."""

    def __init__(self, guest: Guest) -> None:
        self._guest = guest
        guest.run(_NETWORK)
        for node, configuration in (("p", _P), ("far", _FAR)):
            guest.run(_START.format(node=node, configuration=configuration))

    def label_at_p(self, pe: IPv4Address) -> int | None:
        """The label P has given out for a PE, as its kernel forwards by it."""
        ways = json.loads(self._guest.run("ip -n p -json -family mpls route") or "[]")
        gateways = {FAR: "203.0.113.2", OURS: str(OUR_LINK)}
        found = [each for each in ways if each.get("via", {}).get("host") == gateways[pe]]
        return int(found[0]["dst"]) if found else None

    def pops_at_p(self, pe: IPv4Address) -> bool:
        """Whether P, the last router before a PE, pops (RFC 3031 §3.16)."""
        label = self.label_at_p(pe)
        ways: list[dict[str, Any]] = json.loads(self._guest.run("ip -n p -json -family mpls route"))
        return any(each["dst"] == str(label) and "to" not in each for each in ways)

    def tell(self, pe: IPv4Address) -> None:
        """Have the far PE tell how one of its addresses is reached."""
        self._configure(f"network {pe}/32")

    def tell_no_more(self, pe: IPv4Address) -> None:
        """Have it withdraw that."""
        self._configure(f"no network {pe}/32")

    def explain(self) -> str:
        """What the routers know, for one who has to find out why."""
        return self._guest.run(
            """for node in p far; do
              ip -n $node -family mpls route
              vtysh --vty_socket /run/frr/$node -c 'show bgp ipv4 labeled-unicast' \
                -c 'show bgp summary' -c 'show ip route' -c 'show bgp ipv4 vpn' </dev/null
            done
            ip -n far route show table 10; ip -n p neighbor"""
        )

    def _configure(self, line: str) -> None:
        # FRR tells its unicast routes to neighbors of labelled unicast.
        family = "address-family ipv4 unicast"
        words = ["configure terminal", f"router bgp {AS_NUMBER}", family, line]
        options = " ".join(f"-c '{one}'" for one in words)
        self._guest.run(f"vtysh --vty_socket /run/frr/far {options} </dev/null")
