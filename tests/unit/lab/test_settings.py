# SPDX-License-Identifier: Apache-2.0
"""What the lab derives from its topology: P's label table, agents' settings, clouds.yaml."""

from __future__ import annotations

from lab import backbone, clouds, heat, provider_edge, region, settings, topology

LAB = topology.load()
WEST_1, WEST_2, EAST_1 = LAB.hosts
NORTH = LAB.site("north")


def _flows(text: str) -> list[str]:
    return [flow for flow in text.splitlines() if flow]


def test_p_pops_the_label_of_a_host_behind_the_penultimate_hop() -> None:
    """RFC 3031 §3.16: the PE sees its VPN label on top."""
    (flow,) = [f for f in _flows(backbone.label_table(LAB)) if "mpls_label=1011" in f]
    assert "mpls_bos=0" in flow
    assert "actions=dec_mpls_ttl,pop_mpls:0x8847," in flow
    assert flow.endswith(
        f"set_field:{WEST_1.p_mac}->eth_src,set_field:{WEST_1.core_mac}->eth_dst,output:1"
    )


def test_p_swaps_the_label_of_a_host_that_wants_its_own() -> None:
    """RFC 3031 §3.13: the outgoing label is the one the topology gives."""
    (flow,) = [f for f in _flows(backbone.label_table(LAB)) if "mpls_label=1021" in f]
    assert "actions=dec_mpls_ttl,set_field:2021->mpls_label," in flow
    assert "pop_mpls" not in flow


def test_p_takes_labels_only_in_frames_addressed_to_it_on_that_link() -> None:
    """Anything else with MPLS in it is dropped; everything without is switched."""
    flows = _flows(backbone.label_table(LAB))
    entries = [f for f in flows if "goto_table:1" in f]
    assert [f.split("in_port=")[1].split(",")[0] for f in entries] == ["1", "2", "3"]
    assert all(f"dl_dst={host.p_mac}" in f for f, host in zip(entries, LAB.hosts, strict=True))
    assert "table=0,priority=50,mpls actions=drop" in flows
    assert "table=0,priority=0 actions=NORMAL" in flows


def test_an_agent_pushes_what_p_takes_towards_the_others_and_never_itself() -> None:
    """The next hop of every label is P's MAC on the agent's own link."""
    values = provider_edge.agent_settings(LAB, LAB.sites[0], WEST_1)
    assert values["remotes"].splitlines() == [
        f"remotes = address=192.0.2.12,label=1012,via={WEST_1.p_mac}",
        f"remotes = address=192.0.2.21,label=1021,via={WEST_1.p_mac}",
    ]


def test_only_a_host_whose_label_p_swaps_has_a_transport_label() -> None:
    """Where P pops, the PE is sent no transport label."""
    west, east = LAB.sites
    assert provider_edge.agent_settings(LAB, west, WEST_2)["transport_label"] == ""
    own = provider_edge.agent_settings(LAB, east, EAST_1)["transport_label"]
    assert own == "transport_label = 2021"


def test_an_agent_has_every_reflector_as_neighbor_and_its_region_s_messages() -> None:
    """Losing one reflector loses no route."""
    values = provider_edge.agent_settings(LAB, LAB.sites[1], EAST_1)
    assert values["neighbors"] == "192.0.2.101,192.0.2.102"
    assert f"@{LAB.sites[1].api}:" in values["transport_url"]


def test_clouds_yaml_names_every_account_in_every_region() -> None:
    """The names the README uses."""
    document = clouds.document(LAB, LAB.sites)
    assert sorted(document["clouds"]) == [
        *("east-admin", "east-blue", "east-red"),
        *("west-admin", "west-blue", "west-red"),
    ]
    red = document["clouds"]["east-red"]
    assert red["region_name"] == "east"
    assert red["auth"]["project_name"] == red["auth"]["username"] == "red"


def test_a_site_with_a_keystone_of_its_own_asks_that_one() -> None:
    """So do its tenants, whom the others' Keystone does not know."""
    document = clouds.document(LAB, [NORTH])["clouds"]
    assert sorted(document) == ["north-admin", "north-green"]
    url = f"http://{NORTH.api}:5000/v3"
    assert document["north-green"]["auth"]["auth_url"] == url
    assert f"auth_url = {url}" in settings.of_site(LAB, NORTH)["account"]
    shared = settings.of_site(LAB, LAB.sites[0])["account"]
    assert f"auth_url = http://{LAB.management.control}:5000/v3" in shared


def test_a_neutron_without_nova_is_not_told_of_one() -> None:
    """It would ask a Keystone for what is not there."""
    for site, has_nova in ((LAB.sites[0], True), (NORTH, False)):
        values = settings.of_site(LAB, site) | region.neutron_values(LAB, site)
        written = settings.render("neutron.conf", values)
        assert "${" not in written
        assert ("[nova]" in written, "[placement]" in written) == (has_nova, has_nova)
        assert f"notify_nova_on_port_status_changes = {has_nova}".lower() in written


def test_every_template_is_filled_by_the_values_of_its_kind() -> None:
    """A misspelt name fails here, not on the way up."""
    site = settings.of_site(LAB, LAB.sites[0])
    for template in ("placement", "glance-api", "nova"):
        assert "${" not in settings.render(f"{template}.conf", site)
    assert "${" not in settings.render("ml2_conf.ini", site)
    assert "${" not in settings.render("heat.conf", heat.values(LAB, LAB.sites[0]))
    assert "${" not in settings.render("keystone.conf", settings.of_keystone(LAB, LAB.keystone))
    agent = provider_edge.agent_settings(LAB, LAB.sites[0], WEST_1)
    assert "${" not in settings.render("pe-agent.conf", agent)
