# SPDX-License-Identifier: Apache-2.0
"""Tenants at every site who create, change and delete networks over all sites, and their ports.

An owner makes networks at its own site and does with them what owners do. A guest at the other
site asks for changes of the same networks from there. Each register of the ledger has one writer,
so that its last acknowledged value is the one that must stand.
"""

from __future__ import annotations

import random
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from ipaddress import IPv4Network

from tests.scenario.vtn.agreement import ENDING
from tests.scenario.vtn.client import VTNS, Client
from tests.scenario.vtn.ledger import (
    DESCRIPTION,
    EXISTS,
    NAME,
    PORT,
    Ledger,
    Port,
    member,
)
from tests.scenario.vtn.outcome import Outcome

#: All names begin so.
MARK = "written-"
MOST_VTNS, MOST_PORTS = 5, 3
#: A prefix that no network has, nor gets.
NOBODYS = "172.31.0.0/24"
PAUSE_S = 0.3
# What is done with a network, so that who may refuse what is clear: in one with ports a deletion
# may be refused, and one whose members change is nobody's to delete from elsewhere.
PLAIN, WITH_PORTS, CHANGING = "plain", "ports", "changing"
KINDS = (PLAIN, WITH_PORTS, CHANGING)


class Writer:
    """What owner and guest have in common.

    Args:
        client: of its site.
        sites: all of them.
        ledger: where its writes are noted.
        seed: decides what it does when.
    """

    def __init__(self, client: Client, sites: Sequence[str], ledger: Ledger, seed: int) -> None:
        self._client = client
        self._site = client.site
        self._others = [site for site in sites if site != client.site]
        self._sites = sites
        self._ledger = ledger
        self._dice = random.Random(seed)  # noqa: S311
        self._count = 0

    def actions(self) -> Sequence[Callable[[], None]]:
        """What it does, each as often as it is in the list."""
        raise NotImplementedError

    def run(self, enough: threading.Event) -> None:
        """Write until there is enough."""
        while not enough.is_set():
            self._dice.choice(self.actions())()
            enough.wait(PAUSE_S * self._dice.random() * 2)

    def word(self) -> str:
        """A word that nobody has said before."""
        self._count += 1
        return f"{self._site}-{type(self).__name__.lower()}-{self._count}"

    def put(self, vtn: str, what: str, value: object) -> Outcome:
        """Change an attribute of a network; return what came of it."""
        body = {"virtual_tenant_network": {what: value}}
        return self._client.write(what, "PUT", f"{VTNS}/{vtn}", body)[0]

    def delete(self, vtn: str) -> bool:
        """Delete a network; return whether that was acknowledged."""
        outcome, _ = self._client.write("delete", "DELETE", f"{VTNS}/{vtn}")
        self._ledger.note(EXISTS, vtn, value=False, outcome=outcome)
        return outcome is Outcome.DONE

    def make_port(self, vtn: str, network: str) -> None:
        """Make a port on the site's own part of a network."""
        body = {"port": {"network_id": network, "name": f"{MARK}{self.word()}"}}
        outcome, made = self._client.write("make port", "POST", "/ports", body)
        if outcome is Outcome.DONE:
            port = str(made["id"])
            self._ledger.ports[port] = Port(self._site, vtn)
            self._ledger.note(PORT, port, value=True)

    def delete_port(self, port: str) -> None:
        """Delete a port."""
        outcome, _ = self._client.write("delete port", "DELETE", f"/ports/{port}")
        self._ledger.note(PORT, port, value=False, outcome=outcome)

    def own_ports(self, vtn: str) -> list[str]:
        """The ports of a network that were made at this site and are there."""
        ports = self._ledger.living_ports(vtn)
        return sorted(port for port in ports if self._ledger.ports[port].site == self._site)

    def shown(self) -> list[tuple[str, str, str]]:
        """The networks there are and how long they stay: id, kind and own network."""
        found = self._client.list(VTNS)
        return [
            (each["id"], each["name"].split("-")[1], each["network_id"] or "")
            for each in found
            if each["name"].startswith(MARK) and each["status"] != ENDING
        ]


class Owner(Writer):
    """Makes networks over all sites at its own, and changes and deletes them there."""

    def __init__(self, client: Client, sites: Sequence[str], ledger: Ledger, seed: int) -> None:
        super().__init__(client, sites, ledger, seed)
        half = list(IPv4Network("10.128.0.0/9").subnets(new_prefix=10))[sites.index(client.site)]
        self._prefixes = half.subnets(new_prefix=22)
        self._kinds: dict[str, str] = {}

    def actions(self) -> Sequence[Callable[[], None]]:
        """Everything an owner does."""
        return (
            *[self._create] * 3,
            *[self._rename] * 3,
            *[self._change_members] * 2,
            *[self._make_a_port] * 2,
            self._delete_a_port,
            self._delete_one,
        )

    def _create(self) -> None:
        if len(self._kinds) >= MOST_VTNS:
            return
        kind = self._dice.choice(KINDS)
        name = f"{MARK}{kind}-{self.word()}"
        prefix = str(next(self._prefixes))
        body = {"name": name, "prefixes": [prefix], "members": list(self._sites)}
        outcome, made = self._client.write("create", "POST", VTNS, {"virtual_tenant_network": body})
        if outcome is not Outcome.DONE:
            return
        vtn = str(made["id"])
        self._kinds[vtn] = kind
        self._ledger.owners[vtn] = self._site
        self._ledger.note(EXISTS, vtn, value=True)
        self._ledger.note(NAME, vtn, name)
        for site in self._sites:
            self._ledger.note(member(site), vtn, value=True)

    def _choose(self, *kinds: str) -> str | None:
        those = sorted(vtn for vtn, kind in self._kinds.items() if not kinds or kind in kinds)
        return self._dice.choice(those) if those else None

    def _rename(self) -> None:
        if vtn := self._choose():
            name = f"{MARK}{self._kinds[vtn]}-{self.word()}"
            outcome = self.put(vtn, NAME, name)
            self._ledger.note(NAME, vtn, name, outcome)
            self._ledger.histories.change(vtn, outcome)

    def _change_members(self) -> None:
        vtn = self._choose(CHANGING)
        if not vtn:
            return
        other = self._dice.choice(self._others)
        is_one = True in self._ledger.possible(member(other), vtn)
        path = f"{VTNS}/{vtn}/members"
        if is_one:
            outcome, _ = self._client.write("remove member", "DELETE", f"{path}/{other}")
        else:
            body = {"member": {"site": other}}
            outcome, _ = self._client.write("add member", "POST", path, body)
        self._ledger.note(member(other), vtn, not is_one, outcome)
        self._ledger.histories.change(vtn, outcome, is_removal=is_one)

    def _make_a_port(self) -> None:
        vtn = self._choose(WITH_PORTS)
        if vtn and len(self.own_ports(vtn)) < MOST_PORTS:
            for shown, _, network in self.shown():
                if shown == vtn and network:
                    self.make_port(vtn, network)

    def _delete_a_port(self) -> None:
        vtn = self._choose(WITH_PORTS)
        if vtn and (ports := self.own_ports(vtn)):
            self.delete_port(self._dice.choice(ports))

    def _delete_one(self) -> None:
        vtn = self._choose()
        if not vtn:
            return
        for port in self.own_ports(vtn):
            self.delete_port(port)
        if self.delete(vtn) or False in self._ledger.possible(EXISTS, vtn):
            del self._kinds[vtn]


class Guest(Writer):
    """Asks at its site for changes of what was made at another, and uses what is there of it."""

    def actions(self) -> Sequence[Callable[[], None]]:
        """Everything a guest does."""
        return (
            *[self._describe] * 3,
            *[self._ask_in_vain] * 2,
            *[self._make_a_port] * 2,
            self._delete_a_port,
            self._delete_one,
        )

    def _choose(self, *kinds: str) -> tuple[str, str] | None:
        owners = self._ledger.owners
        those = [
            (vtn, network)
            for vtn, kind, network in self.shown()
            if owners.get(vtn) not in (None, self._site) and (not kinds or kind in kinds)
        ]
        return self._dice.choice(those) if those else None

    def _describe(self) -> None:
        if chosen := self._choose(PLAIN, WITH_PORTS):
            vtn, description = chosen[0], self.word()
            outcome = self.put(vtn, DESCRIPTION, description)
            self._ledger.note(DESCRIPTION, vtn, description, outcome)
            self._ledger.histories.ask(vtn, self._site, outcome)

    def _ask_in_vain(self) -> None:
        """Ask for other prefixes, in which the members' parts would be in none any more.

        That the owner has given parts away is the owner's to say.
        """
        if chosen := self._choose(PLAIN, WITH_PORTS):
            outcome = self.put(chosen[0], "prefixes", [NOBODYS])
            self._ledger.histories.ask(chosen[0], self._site, outcome, is_hopeless=True)

    def _make_a_port(self) -> None:
        if chosen := self._choose(WITH_PORTS):
            vtn, network = chosen
            if network and len(self.own_ports(vtn)) < MOST_PORTS:
                self.make_port(vtn, network)

    def _delete_a_port(self) -> None:
        if (chosen := self._choose(WITH_PORTS)) and (ports := self.own_ports(chosen[0])):
            self.delete_port(self._dice.choice(ports))

    def _delete_one(self) -> None:
        if chosen := self._choose(PLAIN):
            self.delete(chosen[0])


@contextmanager
def writing(clients: Sequence[Client], ledger: Ledger, seed: int) -> Iterator[None]:
    """Have an owner and a guest write at every site meanwhile; an error of theirs is raised."""
    sites = [client.site for client in clients]
    enough = threading.Event()
    with ThreadPoolExecutor(2 * len(clients)) as pool:
        running: list[Future[None]] = []
        for number, client in enumerate(clients):
            for which, kind in enumerate((Owner, Guest)):
                writer = kind(client, sites, ledger, seed * 100 + number * 10 + which)
                running.append(pool.submit(writer.run, enough))
        try:
            yield
        finally:
            enough.set()
    for each in running:
        each.result()
