# SPDX-License-Identifier: Apache-2.0
"""The commands, as ``openstack`` runs them, against Neutron's real API over HTTP."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from isthmus.model import invitation as inviting

if TYPE_CHECKING:
    from tests.cloud import Cloud
    from tests.served import Served
    from tests.terminal import Openstack
    from tests.vtn_site import Peer, Region

# The client loads every other client's plug-in at its start, which takes a loaded machine a while.
pytestmark = pytest.mark.timeout(300)

RED, OPERATOR = "red-project", "operator"
CA = "-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----\n"
SECRET = "a-secret"
NOBODY = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
def own(cloud: Cloud) -> None:
    """This site, whose isthmus-interconnect has started."""
    from isthmus.db.vtn import sites
    from isthmus.plugin import transactions

    facts: dict[str, Any] = {"ca": CA, "peering_endpoint": "192.0.2.1:2382", "as_number": 64500}
    record = sites.SiteRecord("west", NOBODY, sites.State.OWN, **facts)
    transactions.write(sites.create, record)


@pytest.fixture
def east() -> Peer:
    """Another site."""
    from tests.vtn_site import Peer

    return Peer("east")


def update(name: str, **columns: Any) -> None:
    """Write of a site what isthmus-interconnect writes."""
    from isthmus.db.vtn import sites
    from isthmus.plugin import transactions

    transactions.write(lambda context: sites.update(context, name, **columns))


def finish(name: str) -> None:
    """Note that what was asked of a site is done, as isthmus-interconnect does."""
    from isthmus.db.vtn import sites

    update(name, **sites.columns_of_done())


# Networks


def test_a_network_from_its_making_to_its_end(west: Region, openstack: Openstack) -> None:
    """Made, listed, shown, changed, lessened, deleted."""
    made = openstack("vtn create red --ip-prefix 10.0.0.0/16 --tag shop -f json").json
    assert (made["status"], made["members"], made["tags"]) == ("PENDING", ["west"], ["shop"])
    assert "epoch" not in made
    (listed,) = openstack("vtn list -f json").json
    assert (listed["Name"], listed["Prefixes"]) == ("red", ["10.0.0.0/16"])
    assert openstack("vtn list --status active -f value -c Name").out == ""
    west.work()
    assert openstack("vtn list --status active -f value -c Name").out == "red\n"
    change = "vtn set red --name crimson --ip-prefix 2001:db8::/48 --disable --description"
    assert openstack(change, "the red shop").code == 0
    shown = openstack(f"vtn show {made['id']} -f json").json
    assert (shown["name"], shown["description"]) == ("crimson", "the red shop")
    assert shown["prefixes"] == ["10.0.0.0/16", "2001:db8::/48"]
    assert shown["admin_state_up"] is False
    assert openstack("vtn unset crimson --tag shop --description").code == 0
    shown = openstack("vtn show crimson -f json").json
    assert (shown["tags"], shown["description"]) == ([], "")
    assert openstack("vtn delete crimson").code == 0
    west.work()
    assert openstack("vtn list -f json").json == []


def test_who_waits_is_told_what_happens(
    west: Region, east: Peer, served: Served, openstack: Openstack
) -> None:
    """Each state once; then the output, with what has become of it."""
    from tests.vtn_site import exchange

    served.meanwhile[:] = [*[lambda: None] * 3, west.work, lambda: exchange(west, east)]
    made = openstack(
        "vtn create red --ip-prefix 10.0.0.0/16 --member west --member east --wait -f json"
    )
    assert made.json["status"] == "ACTIVE"
    lines = made.err.splitlines()
    assert lines[0].startswith("red: PENDING. ")
    assert lines[-1].startswith("red: ACTIVE.")
    assert len(lines) == len(set(lines))


def test_who_waits_waits_through_a_restart_of_neutron(
    west: Region, served: Served, openstack: Openstack
) -> None:
    """That it is out is no answer."""
    openstack("vtn create red --ip-prefix 10.0.0.0/16")
    pause: list[Callable[[], object]] = [lambda: None] * 3
    served.meanwhile[:] = [*pause, served.go_out, west.work, served.come_back]
    ran = openstack("vtn set red --description mine --wait")
    assert ran.code == 0, ran.err
    assert ran.err.splitlines()[-2:] == ["Neutron does not answer (503).", "red: ACTIVE."]


def test_who_waits_in_vain_is_told_what_to_do(west: Region, openstack: Openstack) -> None:
    """The network is there nevertheless."""
    made = openstack("vtn create red --ip-prefix 10.0.0.0/16 --wait --timeout 0")
    assert "After 0 s: red: PENDING. west: " in made.refusal
    assert made.refusal.endswith("openstack vtn member list red")
    assert openstack("vtn list -f value -c Name").out == "red\n"


def test_an_error_ends_the_waiting_with_its_reason(west: Region, openstack: Openstack) -> None:
    """Somebody else has the only prefix there is, so to say."""
    made = openstack("vtn create red --ip-prefix 10.0.0.0/16 -f json").json
    from isthmus.model.vtn.documents import Acceptance
    from isthmus.model.vtn.membership import speak

    west.put(speak(west.view(made["id"]), acceptance=Acceptance.REFUSED))
    ran = openstack("vtn set red --description mine --wait")
    assert "red: ERROR. west: The site has refused to be a member." in ran.refusal


def test_refusals_are_sentences_and_one_name_in_many_keeps_nobody(
    west: Region, openstack: Openstack
) -> None:
    """No status codes, no addresses of servers."""
    create = "vtn create red --ip-prefix"
    assert openstack(f"{create} 10.0.0.1/16").refusal == (
        "'10.0.0.1/16' has bits beyond its prefix length; say 10.0.0.0/16."
    )
    assert openstack(f"{create} 10.0.0.0/16 --member nowhere").refusal.startswith(
        "There is no site 'nowhere'."
    )
    for prefix in ("10.0.0.0/16", "10.1.0.0/16"):
        assert openstack(f"{create} {prefix}").code == 0
    assert "More than one" in openstack("vtn show red").refusal
    ids = openstack("vtn list -f value -c ID").out.split()
    ran = openstack("vtn delete nothing", *ids)
    assert "1 of 3 could not be deleted." in ran.refusal
    west.work()
    assert openstack("vtn list -f value -c ID").out == ""
    assert "No VirtualTenantNetwork found for red" in openstack("vtn show red").refusal


def test_who_waits_for_the_end_of_a_network_waits_for_every_site(
    west: Region, east: Peer, served: Served, openstack: Openstack
) -> None:
    """And reads which one has not removed its part; a new one may have the name meanwhile."""
    from tests.vtn_site import exchange

    create = "vtn create red --ip-prefix 10.0.0.0/16"
    old = openstack(f"{create} --member west --member east -f json").json
    exchange(west, east)
    ran = openstack("vtn delete red --wait --timeout 0.3")
    assert (ran.code, "After 0.3 s: red: PENDING_DELETE. It is being" in ran.refusal) == (1, True)
    west.work()
    new = openstack(f"{create} -f json").json
    assert openstack("vtn show red -f json").json["id"] == new["id"]
    served.meanwhile[:] = [*[lambda: None] * 2, lambda: exchange(west, east)]
    ran = openstack(f"vtn delete {old['id']} --wait")
    assert ran.code == 0, ran.err
    said = ran.err.splitlines()
    assert "red: PENDING_DELETE. It is being removed at east." in said[0]
    assert said[-1] == "red: gone."


def test_an_operator_makes_one_for_a_project(west: Region, openstack: Openstack) -> None:
    """By the project's name; others don't see it."""
    create = "vtn create red --ip-prefix 10.0.0.0/16 --project red -f json"
    assert openstack(create, who=OPERATOR).json["project_id"] == RED
    assert openstack("vtn list -f value -c Name").out == "red\n"
    assert openstack("vtn list", who="blue-project").out.strip() == ""


# Members


def test_members_come_and_go(
    west: Region, east: Peer, served: Served, openstack: Openstack
) -> None:
    """With what each was given."""
    from tests.vtn_site import exchange

    openstack("vtn create red --ip-prefix 10.0.0.0/16")
    served.meanwhile[:] = [*[lambda: None] * 4, lambda: exchange(west, east)]
    added = openstack("vtn member add red east --wait -f json")
    assert added.json["status"] == "ACTIVE"
    assert added.err.splitlines()[-1] == "east: ACTIVE. The site has never been heard."
    found = {each["Site"]: each for each in openstack("vtn member list red --long -f json").json}
    assert set(found) == {"west", "east"}
    assert found["west"]["Prefixes"] != found["east"]["Prefixes"]
    assert found["west"]["Subnets"]
    served.meanwhile[:] = [*[lambda: None] * 4, lambda: exchange(west, east)]
    gone = openstack("vtn member remove red east --wait")
    assert gone.code == 0, gone.err
    assert gone.err.splitlines()[-1] == "east: gone."
    shown = openstack("vtn member show red east")
    assert "Site east is no member" in shown.refusal


def test_a_far_tenant_accepts_and_refuses(
    own: None, west: Region, east: Peer, openstack: Openstack
) -> None:
    """Where it is asked needs not be said."""
    from tests.vtn_site import exchange, new_vtn

    update("east", shares_identity=False)
    mapped = "interconnect site set east --project theirs=red"
    assert openstack(mapped, who=OPERATOR).code == 0
    document = replace(new_vtn("east", ["east", "west"], ["10.0.0.0/16"]), project="theirs")
    east.put(document)
    exchange(west, east)
    assert openstack("vtn member accept red -f value -c acceptance").out == "accepted\n"
    exchange(west, east)
    assert len(west.networks(RED)) == 1
    assert openstack("vtn member refuse red -f value -c acceptance").out == "refused\n"
    exchange(west, east)
    assert west.networks() == []
    assert openstack("interconnect site unset east --project theirs", who=OPERATOR).code == 0
    shown = openstack("interconnect site show east -f json", who=OPERATOR).json
    assert (shown["projects"], shown["shares_identity"]) == ({}, False)


def test_an_operator_takes_over(west: Region, east: Peer, openstack: Openstack) -> None:
    """The tenant can't."""
    from tests.vtn_site import exchange, new_vtn

    east.put(new_vtn("east", ["east", "west"], ["10.0.0.0/16"]))
    exchange(west, east)
    assert openstack("vtn take over red").code != 0
    taken = openstack("vtn take over red --vouch-gone east -f json", who=OPERATOR).json
    assert (taken["owner_site"], taken["epoch"]) == ("west", 2)


# Sites


def test_a_site_from_its_invitation_to_its_end(
    own: None, served: Served, openstack: Openstack
) -> None:
    """Invited, confirmed, rotated, revoked, invited again, forgotten."""
    create = "interconnect site create east --expires-in 600 -f value -c invitation"
    invitation = inviting.decode(openstack(create, who=OPERATOR).out)
    assert (invitation.site, invitation.invited) == ("west", "east")
    site = "interconnect site"
    assert openstack(f"{site} show east -f json", who=OPERATOR).json["state"] == "INVITED"
    assert (
        "is INVITED; that needs PENDING" in openstack(f"{site} confirm east", who=OPERATOR).refusal
    )
    update("east", state="PENDING", reason="")
    ran = openstack(f"{site} confirm east --wait --timeout 0", who=OPERATOR)
    assert ran.refusal.endswith("openstack interconnect site show east")
    update("east", state="CONFIRMED")
    ran = openstack(f"{site} rotate east --wait --timeout 0", who=OPERATOR)
    assert "the certificate is being made anew" in ran.refusal
    shown = openstack(f"{site} show east -f json", who=OPERATOR).json
    assert (shown["asked"], "done_at" in shown) == ("rotate", False)
    served.meanwhile[:] = [*[lambda: None] * 4, lambda: finish("east")]
    ran = openstack(f"{site} rotate east --wait -f json", who=OPERATOR)
    assert ran.err.splitlines()[-1].startswith("east: the certificate is good until ")
    assert ran.json["done_at"] is not None
    (listed,) = openstack(f"{site} list --state confirmed -f json").json
    assert (listed["Name"], listed["Liveness"]) == ("east", "DOWN")
    revoked = openstack(f"{site} revoke east -f value -c state", who=OPERATOR)
    assert revoked.out == "REVOKED\n"
    again = openstack(f"{site} invite east -f value -c invitation", who=OPERATOR)
    assert inviting.decode(again.out).token != invitation.token
    assert openstack(f"{site} delete east", who=OPERATOR).code == 0
    what = "interconnect event list --site east --limit 2 -f json"
    events = openstack(what, who=OPERATOR).json
    assert [each["Site"] for each in events] == ["east", "east"]
    assert events[0]["What Happened"] == "Forgotten, with what it published."
    assert openstack(what).code != 0 or openstack(what).json == []
    assert openstack(f"{site} list -f value -c Name").out == "west\n"


def test_an_invitation_is_accepted_out_of_a_file(
    own: None, openstack: Openstack, tmp_path: Path
) -> None:
    """A secret is no argument; one that is damaged goes nowhere."""
    file = tmp_path / "invitation"
    invitation = inviting.Invitation(
        site="north",
        invited="west",
        peering_endpoint="192.0.2.2:2382",
        ca=CA,
        as_number=64501,
        expires_at=4e9,
        token=SECRET,
    )
    accept = f"interconnect site accept {file}"
    assert "No such file" in openstack(accept, who=OPERATOR).refusal
    file.write_text("hello")
    assert "This is no invitation" in openstack(accept, who=OPERATOR).refusal
    file.write_text(f"{inviting.encode(invitation)}\n")
    ran = openstack(f"{accept} --own-identity --project theirs=red -f json", who=OPERATOR)
    assert (ran.json["name"], ran.json["state"]) == ("north", "PENDING")
    assert (ran.json["projects"], ran.json["shares_identity"]) == ({"theirs": RED}, False)
    assert SECRET not in ran.out


def test_recovery_is_shown_until_nothing_differs(
    own: None, west: Region, east: Peer, served: Served, openstack: Openstack
) -> None:
    """Of one site, or of all."""
    from tests.vtn_site import exchange, new_vtn

    east.put(new_vtn("east", ["east", "west"], ["10.0.0.0/16"]))
    west.hear(east)
    ran = openstack("interconnect recover east -f json", who=OPERATOR)
    assert "west has not carried out" in ran.json[0]["Differs"]

    def all_agree() -> None:
        exchange(west, east)
        finish("east")

    nothing: list[Callable[[], object]] = [lambda: None] * 5
    served.meanwhile[:] = [*nothing, all_agree, *nothing, lambda: finish("west")]
    ran = openstack("interconnect recover --wait -f json", who=OPERATOR)
    assert {each["Site"]: each["Differs"] for each in ran.json} == {"west": "", "east": ""}
    said = ran.err.splitlines()
    publishing = "west: isthmus-interconnect has to publish everything of it anew."
    reading = "east: isthmus-interconnect has to read everything of it anew."
    assert said[:2] == [reading, publishing] or said[:2] == [publishing, reading]
    # Nothing differs any more, and one of the two is not done.
    assert said[-2:] == [publishing, "Nothing differs."]
    assert openstack("interconnect recover").code != 0


# Python


def test_the_documented_program_runs(
    west: Region,
    served: Served,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """As it stands on the page for Python, with a cloud of that name."""
    clouds = {
        "west-red": {
            "auth_type": "admin_token",
            "auth": {"endpoint": served.url, "token": RED},
        }
    }
    file = tmp_path / "clouds.yaml"
    file.write_text(json.dumps({"clouds": clouds}))
    monkeypatch.setenv("OS_CLIENT_CONFIG_FILE", str(file))
    page = Path(__file__).resolve().parents[2] / "docs" / "sdk.md"
    program = "".join(
        part.partition("```")[0] for part in page.read_text().split("```python\n")[1:]
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        exec(program, {})  # noqa: S102  the repository's own page
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[:2] for line in lines] == [["east", "PENDING"], ["west", "PENDING"]]
