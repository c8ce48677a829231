# SPDX-License-Identifier: Apache-2.0
"""Labels learnt from an independent router, and packets through its kernel to an independent PE.

P and the far PE are FRR on kernel MPLS in a kernel of their own (user-mode Linux); ours is a whole
agent on Open vSwitch with its gobgpd. Nothing is told to either by hand but BGP.
"""

from __future__ import annotations

import re
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from ipaddress import IPv4Address
from pathlib import Path

import pytest

from isthmus.config.bgp import BgpConfig
from isthmus.model.ids import Label, NullLabel
from isthmus.model.intent import AttachedHost, AttachmentCircuit
from isthmus.model.route import LabelledRoute
from isthmus.pe_agent.bgp.gobgp import GoBgpSpeaker
from tests.actors import intent, mac_of, provider_edge, subnet
from tests.functional.bgp.network import GOBGPD
from tests.functional.openflow.real_switch import RealSwitch, eventually, missing
from tests.functional.openflow.running_agent import RunningAgent
from tests.functional.transport.guest import Guest, missing_for_guest
from tests.functional.transport.routers import (
    AS_NUMBER,
    FAR,
    FAR_HOST,
    FAR_SPARE,
    OUR_LINK,
    OURS,
    P,
    Routers,
)

pytestmark = [pytest.mark.functional, pytest.mark.timeout(180)]

NET = "11111111-0000-4000-8000-000000000001"
HOST = "10.1.0.5"
TAP = "guest"
PATIENCE_S = 40.0


class OurSide:
    """A switch with one VM, a gobgpd and an agent, beside the tap that leads to P."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self.switch = RealSwitch(folder)
        stack.callback(self.switch.stop)
        self.switch.start()
        for command in (
            # The guest leaves checksums to what is below, which Open vSwitch can't know; a veth
            # that has none to offer has them computed.
            f"ip tuntap add dev {TAP} mode tap",
            "ip link add joint type bridge",
            "ip link add core mtu 1600 type veth peer name cable mtu 1600",
            "ethtool -K cable tx off",
            "ethtool -K core tx off",
            f"ip link set {TAP} mtu 1600 master joint up",
            "ip link set cable master joint up",
            "ip link set core up",
            "ip link set joint up",
            f"ip address add {OURS}/32 dev lo",
            "ip link set br-core mtu 1600 up",
            f"ip address add {OUR_LINK}/24 dev br-core",
            "ethtool -K br-core tx off",
            f"ip route add 198.51.100.16/29 via {P} src {OURS}",
        ):
            self.say("switch", *command.split())
        self.switch.vsctl("add-port", "br-core", "core")
        self.switch.add_vm("vm1", mac_of("vm1"), HOST, "10.1.0.1", tag=1)

    def start(self, folder: Path, stack: ExitStack) -> None:
        """Start the daemon and the agent."""
        api = f"unix://{folder}/gobgpd.sock"
        argv = [str(GOBGPD), "--api-hosts", api, "--pprof-disable", "--metrics-path", ""]
        with (folder / "gobgpd.log").open("wb") as log:
            daemon = subprocess.Popen(self.switch.inside("switch", *argv), stdout=log, stderr=log)
        stack.callback(daemon.wait)
        stack.callback(daemon.kill)
        config = BgpConfig(
            AS_NUMBER,
            OURS,
            (FAR,),
            api=api,
            labelled_neighbors=(P,),
            labelled_address=OUR_LINK,
            late_neighbor_s=3,
        )
        self.speaker = GoBgpSpeaker(config)
        edge = provider_edge(OURS, remote_pes=(), core_mtu=1600)
        self.running = RunningAgent(self.switch, edge, folder / "state", self.speaker, config)
        stack.callback(self.running.stop)
        host = AttachedHost("vm1", mac_of("vm1"), (IPv4Address(HOST),))
        attached = (subnet("10.1.0.0/24"),)
        circuit = AttachmentCircuit("net", NET, mac_of(NET), 1442, attached, (host,))
        self.running.agent.reconciler.intents.apply(intent("red", circuit))
        self.running.agent.reconciler.note_synced()

    def say(self, place: str, *argv: str) -> str:
        """Run a command in a namespace."""
        command = self.switch.inside(place, *argv)
        done = subprocess.run(command, capture_output=True, text=True, timeout=60)
        return done.stdout + done.stderr

    def ping(self, *options: str) -> int:
        """Ping the far host from the VM; return how many answers came."""
        found = re.search(r"(\d+) received", self.say("vm1", "ping", "-n", *options, FAR_HOST))
        return int(found[1]) if found else 0

    def reason(self) -> str:
        """What the VPN's status says."""
        (vrf,) = self.running.agent.reconciler.report().vrfs
        return vrf.reason

    def pushed(self) -> set[int]:
        """The transport labels that flows push."""
        found = re.findall(r"set_field:(\w+)->reg2", " ".join(self.switch.flows()))
        return {int(one, 0) for one in found}


@pytest.fixture(scope="module")
def sides() -> Iterator[tuple[OurSide, Routers]]:
    """Both sides, with packets that pass."""
    reason = missing() or missing_for_guest() or ("" if GOBGPD.exists() else str(GOBGPD))
    if reason:
        pytest.skip(f"missing: {reason}")
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="isthmus-uml-")))
        folder.chmod(0o755)
        ours = OurSide(folder, stack)
        guest = Guest(folder, ours.switch.inside("switch"), TAP, 1600)
        stack.callback(guest.end)
        routers = Routers(guest)
        ours.start(folder, stack)
        try:
            eventually(ours.pushed, PATIENCE_S)
            ours.switch.tag_plug(NET, 1)
            eventually(lambda: ours.ping("-c1", "-W1"), PATIENCE_S)
        except AssertionError as error:
            known = (routers.explain(), *ours.switch.flows(), ours.reason(), ours.speaker.rib())
            error.add_note("\n".join(map(str, known)))
            raise
        yield ours, routers


def test_packets_pass_the_kernel_of_another_router(sides: tuple[OurSide, Routers]) -> None:
    """Both ways, as large as the network carries, by the label that router has given out."""
    ours, routers = sides
    label = routers.label_at_p(FAR)
    assert label is not None
    assert ours.speaker.rib().labelled == {LabelledRoute(FAR, P, Label(label))}
    assert ours.pushed() == {label}
    assert ours.ping("-c20", "-i0.05", "-W2") == 20
    assert ours.ping("-c5", "-i0.05", "-W2", "-Mdo", "-s1414") == 5
    assert ours.reason() == ""


def test_the_router_before_us_pops_as_it_was_asked_to(sides: tuple[OurSide, Routers]) -> None:
    """Implicit null was told and heard: what reaches us has the VPN label alone (RFC 3032)."""
    ours, routers = sides
    assert routers.pops_at_p(OURS)
    flows = [flow for flow in ours.switch.flows() if "set_field:65->nw_ttl" not in flow]
    assert flows
    assert not any("mpls_bos=0" in flow for flow in flows)


def test_a_label_withdrawn_leaves_no_black_hole_and_another_is_followed(
    sides: tuple[OurSide, Routers],
) -> None:
    """Unresolved, and the status says which PE; then whatever label P gives out next."""
    ours, routers = sides
    before = routers.label_at_p(FAR)
    routers.tell_no_more(FAR)
    eventually(lambda: not ours.speaker.rib().labelled, PATIENCE_S)
    eventually(lambda: not ours.pushed(), PATIENCE_S)
    assert f"remote PE {FAR}, and no label is learnt" in ours.reason()
    assert not any("10.2.0.0/24" in flow for flow in ours.switch.flows())
    assert ours.ping("-c1", "-W1") == 0

    # Another address takes the label that is free now.
    routers.tell(FAR_SPARE)
    eventually(lambda: ours.speaker.rib().labelled, PATIENCE_S)
    routers.tell(FAR)
    eventually(lambda: len(ours.speaker.rib().labelled) == 2, PATIENCE_S)
    eventually(ours.pushed, PATIENCE_S)
    (after,) = (one.label for one in ours.speaker.rib().labelled if one.pe == FAR)
    assert after is not NullLabel.IMPLICIT
    assert ours.pushed() == {after.value}
    assert after.value != before
    eventually(lambda: ours.ping("-c1", "-W1"), PATIENCE_S)
    assert ours.ping("-c10", "-i0.05", "-W2") == 10
    assert ours.reason() == ""
