# SPDX-License-Identifier: Apache-2.0
"""Moving in from the real networking-bgpvpn: its migrations, its API, then ours on one database."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from bench.api_sites import PEER, PEER_PYTHON, Site, install_peer, migrate, site
from tests.functional.db.mariadb import MariaDb, manage

if TYPE_CHECKING:
    from tests.cloud import Cloud

RED, BLUE = "red-project", "blue-project"
VPNS = "bgpvpn/bgpvpns"
_RUN = "import sys; from isthmus.cmd.import_bgpvpn import main; sys.exit(main())"


@pytest.fixture(scope="session")
def _site(migrated: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """networking-bgpvpn's API on the database that Isthmus serves in this process."""
    install_peer()
    folder = tmp_path_factory.mktemp("networking-bgpvpn")
    migrate(PEER_PYTHON, folder, migrated, "networking-bgpvpn")
    plugin = ["bgpvpn", "BGPVPNDriverRC"]
    with site(PEER, PEER_PYTHON, folder / "neutron", migrated, plugin) as running:
        yield running


@dataclass(frozen=True)
class Theirs:
    """networking-bgpvpn, as its users know it, and its tables."""

    site: Site
    server: MariaDb

    def vpn(self, project: str = RED, **attributes: object) -> str:
        """Make a VPN."""
        body = {"project_id": project, "route_targets": ["64500:1"], **attributes}
        made = self.site.must("POST", VPNS, {"bgpvpn": body})
        return str(made.body["bgpvpn"]["id"])

    def associate(self, vpn_id: str, kind: str, target_id: str, **attributes: object) -> str:
        """Put something into a VPN."""
        body = {f"{kind}_id": target_id, "project_id": RED, **attributes}
        path = f"{VPNS}/{vpn_id}/{kind}_associations"
        made = self.site.must("POST", path, {f"{kind}_association": body})
        return str(made.body[f"{kind}_association"]["id"])

    def show(self, vpn_id: str) -> dict[str, Any]:
        """Return a VPN."""
        shown: dict[str, Any] = self.site.must("GET", f"{VPNS}/{vpn_id}").body["bgpvpn"]
        return shown

    def associations(self, vpn_id: str, kind: str) -> list[dict[str, Any]]:
        """Return the associations of a VPN."""
        path = f"{VPNS}/{vpn_id}/{kind}_associations"
        listed: list[dict[str, Any]] = self.site.must("GET", path).body[f"{kind}_associations"]
        return listed

    def alter(self, vpn_id: str, column: str, value: str) -> None:
        """Write what its API would not."""
        self.server.run(f"UPDATE neutron.bgpvpns SET {column} = {value} WHERE id = '{vpn_id}'")  # noqa: S608


@pytest.fixture
def theirs(cloud: Cloud, _site: Site, mariadb: MariaDb) -> Theirs:
    """networking-bgpvpn without any VPN."""
    del cloud  # empties the database, of which its tables are a part
    mariadb.run("DELETE FROM neutron.bgpvpns")
    return Theirs(_site, mariadb)


class Mover:
    """``isthmus-import-bgpvpn``, run as an operator does."""

    def __init__(self, url: str, folder: Path) -> None:
        self._configuration = folder / "neutron.conf"
        self._configuration.write_text(f"[database]\nconnection = {url}\n")

    def run(self, *options: str) -> tuple[int, str]:
        """Return its exit code and what it said."""
        command = [sys.executable, "-c", _RUN, "--config-file", str(self._configuration)]
        done = subprocess.run(
            [*command, *options], capture_output=True, text=True, timeout=200, check=False
        )
        assert "Traceback" not in done.stderr, done.stderr
        return done.returncode, done.stdout or done.stderr

    def report(self, *options: str) -> tuple[int, dict[str, tuple[str, str]]]:
        """Return its exit code, and what became of each thing and why, by id."""
        code, text = self.run("--json", *options)
        items = json.loads(text)["items"]
        return code, {item["id"]: (item["fate"], item["reason"]) for item in items}


@pytest.fixture
def mover(migrated: str, tmp_path: Path) -> Mover:
    """The command on Neutron's database."""
    return Mover(migrated, tmp_path)


def ours(cloud: Cloud, vpn_id: str) -> dict[str, Any]:
    """Return a VPN as Isthmus shows it."""
    answer = cloud.request("GET", f"/{VPNS}/{vpn_id}")
    assert answer.status == 200, answer
    shown: dict[str, Any] = answer["bgpvpn"]
    return shown


def router(cloud: Cloud) -> str:
    """Make a router."""
    answer = cloud.request("POST", "/routers", {"router": {}}, RED)
    return str(cloud.made(answer, "router")["id"])


def test_everything_is_taken_over_as_it_was(cloud: Cloud, theirs: Theirs, mover: Mover) -> None:
    """With ids, so that whatever refers to them still does."""
    vpn_id = theirs.vpn(
        name="red",
        import_targets=["64500:2", "64500:3"],
        export_targets=["64500:4"],
        route_distinguishers=["64500:5"],
        local_pref=200,
    )
    theirs.alter(vpn_id, "vni", "1000")
    network = cloud.network("10.1.0.0/24")
    port = cloud.port(cloud.network("10.2.0.0/24"), "")["id"]
    associated = {
        "network": theirs.associate(vpn_id, "network", network),
        "router": theirs.associate(vpn_id, "router", router(cloud)),
        "port": theirs.associate(
            vpn_id,
            "port",
            port,
            advertise_fixed_ips=False,
            routes=[{"type": "prefix", "prefix": "10.9.0.0/24", "local_pref": 300}],
        ),
    }
    code, found = mover.report()
    assert code == 0
    assert {fate for fate, _ in found.values()} == {"taken over"}
    assert set(found) == {vpn_id, *associated.values()}
    then, now = theirs.show(vpn_id), ours(cloud, vpn_id)
    for name in ("id", "name", "project_id", "type", "networks", "routers", "ports", "local_pref"):
        assert now[name] == then[name], name
    for name in ("route_targets", "import_targets", "export_targets", "route_distinguishers"):
        assert sorted(now[name]) == sorted(then[name]), name
    assert now["vni"] == 1000
    for kind in associated:
        path = f"/{VPNS}/{vpn_id}/{kind}_associations"
        (is_now,) = cloud.request("GET", path)[f"{kind}_associations"]
        (was,) = theirs.associations(vpn_id, kind)
        assert {name: is_now[name] for name in was} == was


def test_agents_are_told_of_what_was_taken_over(cloud: Cloud, theirs: Theirs, mover: Mover) -> None:
    """A journal entry per VPN; the worker does the rest, attachments too."""
    vpn_id = theirs.vpn()
    theirs.associate(vpn_id, "network", cloud.network("10.1.0.0/24"))
    mover.run()
    assert cloud.status(vpn_id)[0] == "PENDING"
    cloud.dispatch()
    assert cloud.status(vpn_id)[0] != "PENDING"
    assert len(cloud.attachments()) == 1


def test_a_dry_run_says_the_same_and_writes_nothing(
    cloud: Cloud, theirs: Theirs, mover: Mover
) -> None:
    """It does all the work and undoes it."""
    vpn_id = theirs.vpn()
    association_id = theirs.associate(vpn_id, "network", cloud.network("10.1.0.0/24"))
    code, found = mover.report("--dry-run")
    assert code == 0
    assert found == {vpn_id: ("taken over", ""), association_id: ("taken over", "")}
    assert cloud.leftovers() == {}


def test_a_second_run_changes_nothing(cloud: Cloud, theirs: Theirs, mover: Mover) -> None:
    """It may be run as often as one likes while networking-bgpvpn still serves."""
    vpn_id = theirs.vpn()
    theirs.associate(vpn_id, "network", cloud.network("10.1.0.0/24"))
    mover.run()
    cloud.dispatch()
    before = cloud.leftovers()
    code, found = mover.report()
    assert code == 0
    assert {fate for fate, _ in found.values()} == {"here already"}
    assert cloud.leftovers() == before
    later = theirs.associate(vpn_id, "network", cloud.network("10.2.0.0/24"))
    code, found = mover.report()
    assert code == 0
    assert found[later] == ("taken over", "")


def test_what_differs_is_left_alone_unless_told_otherwise(
    cloud: Cloud, theirs: Theirs, mover: Mover
) -> None:
    """What was changed here since is not lost by running it again."""
    vpn_id = theirs.vpn(name="red")
    mover.run()
    cloud.request("PUT", f"/{VPNS}/{vpn_id}", {"bgpvpn": {"name": "redder"}})
    code, found = mover.report()
    assert code == 1
    assert found[vpn_id] == ("here, but different", "name is 'redder' here and 'red' there")
    assert ours(cloud, vpn_id)["name"] == "redder"
    code, found = mover.report("--overwrite")
    assert code == 0
    assert found[vpn_id][0] == "replaced"
    assert ours(cloud, vpn_id)["name"] == "red"


def test_what_cannot_be_here_stays_behind_with_its_reason(
    cloud: Cloud, theirs: Theirs, mover: Mover
) -> None:
    """The rest is taken over all the same."""
    good = theirs.vpn(name="good")
    layer_2 = theirs.vpn(name="layer 2", type="l2")
    garbled = theirs.vpn(name="garbled")
    theirs.alter(garbled, "route_targets", "'64500:1,645'")
    nobodys = theirs.vpn(name="nobody's")
    theirs.alter(nobodys, "project_id", "NULL")
    network, twin = cloud.network("10.1.0.0/24"), cloud.network("10.1.0.0/16")
    first = theirs.associate(good, "network", network)
    overlapping = theirs.associate(good, "network", twin)
    in_layer_2 = theirs.associate(layer_2, "network", network)
    code, found = mover.report()
    assert code == 1
    refusals = {thing: reason for thing, (fate, reason) in found.items() if fate != "taken over"}
    assert "l2" in refusals.pop(layer_2)
    assert "645" in refusals.pop(garbled)
    assert "no project" in refusals.pop(nobodys)
    assert "not here" in refusals.pop(in_layer_2)
    (left,) = refusals
    assert left in (first, overlapping)
    assert "overlaps" in refusals[left]
    listed = cloud.request("GET", f"/{VPNS}")["bgpvpns"]
    assert [vpn["name"] for vpn in listed] == ["good"]
    assert len(listed[0]["networks"]) == 1


def test_a_failure_halfway_leaves_nothing(
    cloud: Cloud, theirs: Theirs, mover: Mover, mariadb: MariaDb
) -> None:
    """All of it is one transaction."""
    vpn_id = theirs.vpn()
    theirs.associate(vpn_id, "network", cloud.network("10.1.0.0/24"))
    mariadb.run(
        "CREATE TRIGGER neutron.fail BEFORE INSERT ON neutron.isthmus_network_associations "
        "FOR EACH ROW SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'disk on fire'"
    )
    try:
        code, text = mover.run()
    finally:
        mariadb.run("DROP TRIGGER neutron.fail")
    assert code == 2
    assert "nothing was written" in text
    assert "disk on fire" in text
    assert cloud.leftovers() == {}


def test_tenants_that_share_a_route_target_are_pointed_out(
    cloud: Cloud, theirs: Theirs, mover: Mover
) -> None:
    """They were merged already; an operator may not have known."""
    del cloud
    vpns = sorted([theirs.vpn(), theirs.vpn(BLUE)])
    code, text = mover.run()
    assert code == 0
    assert f"64500:1 is shared by BGP VPNs of several projects: {', '.join(vpns)}" in text


def test_it_says_what_is_missing(mariadb: MariaDb, tmp_path: Path) -> None:
    """An empty database, then one in which only Isthmus is."""
    url = mariadb.create("bare")
    assert Mover(url, tmp_path).run() == (
        2,
        "isthmus-import-bgpvpn: There is no table 'isthmus_vpns': bring Isthmus's tables up first "
        "(neutron-db-manage --subproject isthmus upgrade heads).\n",
    )
    configuration = tmp_path / "migrate.conf"
    configuration.write_text(f"[database]\nconnection = {url}\n")
    manage(configuration, "--subproject", "neutron", "upgrade", "heads")
    manage(configuration, "--subproject", "isthmus", "upgrade", "heads")
    code, text = Mover(url, tmp_path).run()
    assert code == 2
    assert "networking-bgpvpn was never set up here" in text
