# SPDX-License-Identifier: Apache-2.0
"""The API of sites: invited, accepted, confirmed, revoked and forgotten by their operators."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from isthmus.model import invitation as inviting
from isthmus.model.errors import InvalidValue

if TYPE_CHECKING:
    from tests.cloud import Answer, Cloud
    from tests.vtn_site import Peer, Region

SITES = "/vtn/interconnect_sites"
RED = "red-project"
CA = "-----BEGIN CERTIFICATE-----\nMA==\n-----END CERTIFICATE-----\n"
NOW = 1_800_000_000.0


def ask(cloud: Cloud, name: str, **said: Any) -> Answer:
    """Invite a site, or accept its invitation."""
    return cloud.request("POST", SITES, {"interconnect_site": {"name": name, **said}})


def create(cloud: Cloud, name: str, **said: Any) -> dict[str, Any]:
    """Do so with success."""
    return cloud.made(ask(cloud, name, **said), "interconnect_site")


def show(cloud: Cloud, site_id: str) -> dict[str, Any]:
    """Return a site as the API shows it."""
    site: dict[str, Any] = cloud.request("GET", f"{SITES}/{site_id}")["interconnect_site"]
    return site


def act(cloud: Cloud, site_id: str, action: str, **body: Any) -> Answer:
    """Do something with a site."""
    return cloud.request("PUT", f"{SITES}/{site_id}/{action}", body)


def update(name: str, **columns: Any) -> None:
    """Write what isthmus-interconnect writes."""
    from isthmus.db.vtn import sites
    from isthmus.plugin import transactions

    transactions.write(lambda context: sites.update(context, name, **columns))


def record(name: str) -> Any:
    """Return a site's row."""
    from isthmus.db.vtn import sites
    from isthmus.plugin import transactions

    return transactions.read(sites.read_one, name)


@pytest.fixture
def own(cloud: Cloud) -> str:
    """This site, whose isthmus-interconnect has started; its id."""
    from isthmus.db.vtn import sites
    from isthmus.plugin import transactions

    site_id = "5a3c8f0e-1111-4222-8333-444455556666"
    own_site = sites.SiteRecord(
        "west",
        site_id,
        sites.State.OWN,
        ca=CA,
        peering_endpoint="192.0.2.1:2381",
        as_number=64500,
    )
    transactions.write(sites.create, own_site)
    return site_id


def from_north(**said: Any) -> str:
    """Return an invitation of another site's."""
    fields = {
        "site": "north",
        "invited": "west",
        "peering_endpoint": "192.0.2.2:2381",
        "ca": CA,
        "as_number": 64501,
        "expires_at": 4e9,
        "token": "secret",
    }
    return inviting.encode(inviting.Invitation(**{**fields, **said}))


def test_an_invitation_is_shown_once_and_kept_as_a_digest(cloud: Cloud, own: str) -> None:
    """What is in it comes from this site's own row."""
    made = create(cloud, "east", description="the other one")
    invitation = inviting.decode(made["invitation"])
    assert (invitation.site, invitation.invited) == ("west", "east")
    assert (invitation.peering_endpoint, invitation.as_number) == ("192.0.2.1:2381", 64500)
    assert (made["state"], made["liveness"]) == ("INVITED", "DOWN")
    assert show(cloud, made["id"])["invitation"] is None
    rows = repr(cloud.rows())
    assert invitation.token not in rows
    assert inviting.token_hash(invitation.token) in rows


def test_it_is_used_once_and_until_it_expires(cloud: Cloud, own: str) -> None:
    """Of two who have it one is let in; a later invitation makes an older one worthless."""
    from isthmus.db.vtn import invitations
    from isthmus.plugin import transactions

    made = create(cloud, "east")
    first = inviting.token_hash(inviting.decode(made["invitation"]).token)
    again = act(cloud, made["id"], "invite", expires_in=3600)["interconnect_site"]
    second = inviting.token_hash(inviting.decode(again["invitation"]).token)
    assert transactions.write(invitations.read_by_hash, first) is None
    found = transactions.write(invitations.read_by_hash, second)
    assert found is not None
    assert transactions.write(invitations.use, found.id, "192.0.2.9")
    assert not transactions.write(invitations.use, found.id, "192.0.2.9")
    late = replace(found, id="late", token_hash="0" * 64, expires_at=found.created_at)
    transactions.write(invitations.create, late)
    assert not transactions.write(invitations.use, "late", "192.0.2.9")


@pytest.mark.parametrize("seconds", [-1, 0, 59, 30 * 86400 + 1, 10**30, 60.5, "60", None, True])
def test_how_long_a_later_one_is_good_has_the_bounds_of_the_first(
    cloud: Cloud, own: str, seconds: object
) -> None:
    """A time that no calendar has is refused, not answered with 500."""
    made = create(cloud, "east")
    refused = act(cloud, made["id"], "invite", expires_in=seconds)
    assert refused.status == 400
    assert "'expires_in'" in refused.sentence


def test_before_the_daemon_has_started_nobody_is_invited(cloud: Cloud) -> None:
    """It says what is missing."""
    answer = ask(cloud, "east")
    assert (answer.status, "isthmus-interconnect" in answer.sentence) == (409, True)
    assert cloud.request("GET", SITES)["interconnect_sites"] == []


def test_an_invitation_is_accepted(cloud: Cloud, own: str) -> None:
    """The site waits for the daemon to bring the acceptance there; nothing secret is shown."""
    made = create(cloud, "north", invitation=from_north(), shares_identity=False)
    assert (made["state"], made["as_number"]) == ("PENDING", 64501)
    assert (made["invitation"], made["shares_identity"]) == (None, False)
    assert "secret" not in repr(show(cloud, made["id"]))
    assert "secret" not in repr(record("north"))
    assert inviting.decode(record("north").exchange).token == "secret"


@pytest.mark.parametrize(("state", "status"), [("REVOKED", 201), ("INVITED", 201),
                                               ("PENDING", 409), ("CONFIRMED", 409)])  # fmt: skip
def test_a_site_that_is_no_peer_any_more_is_joined_anew(
    cloud: Cloud, own: str, state: str, status: int
) -> None:
    """Also while networks name it, so that it can't be forgotten; a peering is not replaced."""
    made = create(cloud, "north", invitation=from_north(), description="up there")
    update("north", state=state, exchange="", asked="", reason="Revoked.")
    answer = ask(cloud, "north", invitation=from_north(token="another"), shares_identity=False)
    assert answer.status == status, answer
    seen = show(cloud, made["id"])
    if status == 201:
        assert answer["interconnect_site"]["id"] == made["id"]
        assert (seen["state"], seen["shares_identity"]) == ("PENDING", False)
        assert (seen["description"], seen["reason"]) == ("up there", "")
        assert inviting.decode(record("north").exchange).token == "another"
    else:
        assert (seen["state"], seen["shares_identity"]) == (state, True)
        assert "revoked" in answer.sentence


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("nonsense", "no invitation"),
        (f"{inviting.PREFIX}e30", "damaged"),
        (from_north()[:-9], "damaged"),
        (from_north(expires_at=1.0), "expired; ask for another"),
        (from_north(invited="east"), "for 'east', not west"),
        (from_north(site="south"), "from 'south'"),
        (from_north(ca=""), "no certificate"),
        (from_north(token=""), "secret"),
    ],
)
def test_a_wrong_invitation_is_refused(cloud: Cloud, own: str, text: str, words: str) -> None:
    """Before anybody is asked."""
    before = cloud.rows()
    answer = ask(cloud, "north", invitation=text)
    assert (answer.status, words in answer.sentence) == (400, True), answer
    assert cloud.rows() == before


@pytest.mark.parametrize("name", ["west", "", "../etc", "x" * 64, "ö", "-a"])
def test_a_name_that_no_site_can_have_is_refused(cloud: Cloud, own: str, name: str) -> None:
    """This site's own among them."""
    assert ask(cloud, name).status == 400


def test_two_sites_have_two_names(cloud: Cloud, own: str) -> None:
    """What to do instead is said."""
    create(cloud, "east")
    answer = ask(cloud, "east")
    assert (answer.status, "invite it again" in answer.sentence) == (409, True)


def test_what_an_operator_asks_is_written_down_for_the_daemon(cloud: Cloud, own: str) -> None:
    """Where it makes sense."""
    made = create(cloud, "north", invitation=from_north())
    for action, state, status in (
        ("rotate", "PENDING", 409),
        ("confirm", "PENDING", 200),
        ("confirm", "CONFIRMED", 409),
        ("rotate", "CONFIRMED", 200),
        ("recover", "CONFIRMED", 200),
        ("invite", "CONFIRMED", 409),
    ):
        update("north", state=state, asked="")
        answer = act(cloud, made["id"], action)
        assert (answer.status, record("north").asked) == (
            status,
            action if status == 200 else "",
        )
    assert act(cloud, own, "recover").status == 200
    assert act(cloud, own, "revoke").status == 409


def test_a_confirmed_site_is_revoked_before_it_is_forgotten(
    cloud: Cloud, own: str, west: Region
) -> None:
    """With it go what it published; what it owned is taken over first."""
    from tests.vtn_site import Peer, exchange, new_vtn

    peer: Peer = Peer("east")
    peer.put(new_vtn("east", ["east", "west"], ["10.0.0.0/16"]))
    exchange(west, peer)
    path = "/vtn/virtual_tenant_networks"
    assert len(cloud.request("GET", path)["virtual_tenant_networks"]) == 1
    east = record("east").id
    refused = cloud.request("DELETE", f"{SITES}/{east}")
    assert (refused.status, "revoke it first" in refused.sentence) == (409, True)
    assert act(cloud, east, "revoke")["interconnect_site"]["state"] == "REVOKED"
    assert act(cloud, east, "confirm").status == 409
    (vtn,) = cloud.request("GET", path)["virtual_tenant_networks"]
    for steps in (("PUT", "take_over"), ("DELETE", "members/east")):
        refused = cloud.request("DELETE", f"{SITES}/{east}")
        assert (refused.status, f"first: {vtn['id']}" in refused.sentence) == (409, True)
        body: dict[str, Any] = {"body": {}} if steps[0] == "PUT" else {}
        assert cloud.request(steps[0], f"{path}/{vtn['id']}/{steps[1]}", **body).status < 300
    assert cloud.request("DELETE", f"{SITES}/{east}").status == 204
    assert cloud.request("DELETE", f"{path}/{vtn['id']}", project=RED).status == 204
    west.work()
    assert (west.networks(), west.published()) == ([], [])
    assert cloud.request("GET", f"{SITES}/{east}").status == 404
    assert cloud.request("DELETE", f"{SITES}/{own}").status == 409


@pytest.mark.parametrize("is_deleted", [False, True])
def test_a_site_is_forgotten_with_the_networks_that_are_none_of_ours(
    cloud: Cloud, own: str, west: Region, *, is_deleted: bool
) -> None:
    """Nobody here could take them over; one that was deleted while we were let go is such, too."""
    from tests.vtn_site import Peer, exchange, new_vtn

    update("east", shares_identity=False)
    peer = Peer("east")
    document = new_vtn("east", ["east", "west"] if is_deleted else ["east"], ["10.0.0.0/16"])
    peer.put(document)
    exchange(west, peer)
    if is_deleted:
        # As a site says that has revoked this one, where it is heard for seconds longer.
        left = tuple(each for each in document.members if each.site == "east")
        peer.put(replace(document, generation=2, is_deleted=True, members=left))
        west.hear(peer)
        west.work()
    path = "/vtn/virtual_tenant_networks"
    assert len(cloud.request("GET", path)["virtual_tenant_networks"]) == 1
    assert cloud.request("PUT", f"{path}/{document.vtn_id}/take_over", {}).status == 403
    east = record("east").id
    assert act(cloud, east, "revoke").status == 200
    assert cloud.request("DELETE", f"{SITES}/{east}").status == 204
    assert cloud.request("GET", path)["virtual_tenant_networks"] == []
    west.work()
    assert (west.networks(), west.published()) == ([], [])


def test_projects_are_mapped_and_what_they_concern_is_looked_at_again(
    cloud: Cloud, own: str, west: Region
) -> None:
    """A tenant sees a network of another site's from then on."""
    from tests.vtn_site import Peer, exchange, new_vtn

    update("east", shares_identity=False)
    peer: Peer = Peer("east")
    document = replace(new_vtn("east", ["east", "west"], ["10.0.0.0/16"]), project="theirs")
    peer.put(document)
    exchange(west, peer)
    path = f"/vtn/virtual_tenant_networks/{document.vtn_id}"
    assert cloud.request("GET", path, project=RED).status == 404
    accept = f"{path}/members/west/accept"
    answer = cloud.request("PUT", accept, {})
    assert answer.status == 409
    body = {"interconnect_site": {"projects": {"theirs": RED}}}
    changed = cloud.request("PUT", f"{SITES}/{record('east').id}", body)
    assert changed["interconnect_site"]["projects"] == {"theirs": RED}
    assert cloud.request("GET", path, project=RED).status == 200
    assert cloud.request("PUT", accept, {}, RED).status == 200


@pytest.mark.parametrize(
    "projects", [{"a": 1}, {"": "b"}, {"a": ""}, {"a": "c", "b": "c"}, {"a": "x" * 256}, [], "a"]
)
def test_a_mapping_that_makes_no_sense_is_refused(
    cloud: Cloud, west: Region, projects: object
) -> None:
    """Nothing is changed."""
    body = {"interconnect_site": {"projects": projects}}
    assert cloud.request("PUT", f"{SITES}/{record('east').id}", body).status == 400


def test_what_differs_is_shown_until_it_does_not(cloud: Cloud, own: str, west: Region) -> None:
    """For the operator, sentence by sentence."""
    from tests.vtn_site import Peer, exchange, new_vtn

    peer: Peer = Peer("east")
    peer.put(new_vtn("east", ["east", "west"], ["10.0.0.0/16"]))
    west.hear(peer)
    answer = act(cloud, record("east").id, "recover")
    assert "west has not carried out" in answer["interconnect_site"]["recovery"]
    exchange(west, peer)
    assert show(cloud, record("east").id)["recovery"] == ""


def test_what_happened_is_told_the_newest_first(cloud: Cloud, own: str) -> None:
    """To administrators, of one site if they ask so."""
    made = create(cloud, "north", invitation=from_north())
    for action in ("confirm", "revoke"):
        assert act(cloud, made["id"], action).status == 200
    path = "/vtn/interconnect_events"

    def sentences(query: str = "") -> list[str]:
        return [each["sentence"] for each in cloud.request("GET", path + query)[path[5:]]]

    assert sentences() == ["Revoked by an operator.", "An operator asked to confirm."]
    assert sentences("?site=north&limit=1") == ["Revoked by an operator."]
    assert sentences("?site=east") == sentences("?virtual_tenant_network_id=x") == []
    assert sentences("?sort_key=created_at&sort_dir=asc&sort_key=id&sort_dir=asc") == [
        "An operator asked to confirm.",
        "Revoked by an operator.",
    ]
    (newest,) = cloud.request("GET", f"{path}?limit=1")["interconnect_events"]
    assert cloud.request("GET", f"{path}/{newest['id']}")["interconnect_event"] == newest
    assert cloud.request("GET", f"{path}/0").status == 404
    assert cloud.request("GET", path, project=RED)["interconnect_events"] == []
    assert cloud.request("GET", f"{path}/{newest['id']}", project=RED).status == 404
    assert cloud.request("POST", path, {"interconnect_event": {}}).status == 405


def test_lists_are_filtered_and_sorted(cloud: Cloud, own: str) -> None:
    """As every list of Neutron's."""
    for name in ("east", "north"):
        create(cloud, name)

    def names(query: str) -> list[str]:
        answer = cloud.request("GET", f"{SITES}?{query}")
        return [each["name"] for each in answer["interconnect_sites"]]

    assert names("sort_key=name&sort_dir=desc") == ["west", "north", "east"]
    assert names("state=INVITED&sort_key=name&sort_dir=asc&limit=1") == ["east"]
    assert names("name=west") == ["west"]


def test_an_invitation_is_read_as_it_was_written() -> None:
    """However a mail program broke the line; and its time is checked."""
    text = from_north()
    broken = "\n".join(text[n : n + 70] for n in range(0, len(text), 70))
    invitation = inviting.decode(f" {broken}\n")
    assert inviting.encode(invitation) == text
    assert "secret" not in repr(invitation)
    inviting.check_time(invitation, NOW)
    with pytest.raises(InvalidValue, match="expired"):
        inviting.check_time(invitation, 4e9)
