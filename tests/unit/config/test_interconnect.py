# SPDX-License-Identifier: Apache-2.0
"""The daemon's configuration is read as a whole, and all that is wrong with it is named at once."""

from __future__ import annotations

from pathlib import Path

import pytest
from oslo_config import cfg

from isthmus.config.interconnect import InterconnectOptions, read_options, register_options
from isthmus.config.pe_agent import InvalidConfiguration

LEAST = "[interconnect]\nas_number = 64500\n"


def read(tmp_path: Path, text: str) -> InterconnectOptions:
    """Read ``text`` as a configuration file."""
    path = tmp_path / "interconnect.conf"
    path.write_text(text)
    conf = cfg.ConfigOpts()
    register_options(conf)
    conf(["--config-file", str(path)], project="neutron", default_config_files=[])
    return read_options(conf)


def test_the_as_number_is_enough(tmp_path: Path) -> None:
    """Everything else has a default that works on one machine."""
    options = read(tmp_path, LEAST)
    assert options.site == "RegionOne"
    assert options.host
    assert options.etcd == options.public_etcd == ("https://127.0.0.1:2379",)
    assert options.peering_endpoint == "127.0.0.1:2382"
    assert options.public_hosts == ["127.0.0.1"]


def test_what_other_sites_see_is_said_apart(tmp_path: Path) -> None:
    """A server's certificate is for all names it goes by."""
    options = read(
        tmp_path,
        LEAST + "public_etcd_endpoints = https://192.0.2.10:2379, https://[2001:db8::1]:2379/\n"
        "public_peering_endpoint = west.example.org:2382\n[isthmus]\nsite_name = west\n",
    )
    assert options.site == "west"
    assert options.public_etcd == ("https://192.0.2.10:2379", "https://[2001:db8::1]:2379")
    assert options.public_hosts == ["127.0.0.1", "192.0.2.10", "2001:db8::1", "west.example.org"]


def test_an_ipv6_host_keeps_its_brackets(tmp_path: Path) -> None:
    """So that it can be told from the port."""
    options = read(tmp_path, LEAST + "public_etcd_endpoints = https://[2001:db8::1]:2379\n")
    assert options.peering_endpoint == "[2001:db8::1]:2382"


@pytest.mark.parametrize(
    ("line", "what"),
    [
        ("etcd_endpoints = 192.0.2.1", "etcd_endpoints"),
        ("public_etcd_endpoints = ftp://192.0.2.1:1", "public_etcd_endpoints"),
        ("public_peering_endpoint = 192.0.2.1", "public_peering_endpoint"),
        ("public_peering_endpoint = https://192.0.2.1:1", "public_peering_endpoint"),
        ("certificate_days = 0", "certificate_days"),
        ("heartbeat_interval_s = 4", "silent_after_s"),
        ("lease_s = 1", "lease_s"),
        ("take_over_after_s = 2", "take_over_after_s is less than silent_after_s"),
    ],
)
def test_what_can_t_be_used_is_named(tmp_path: Path, line: str, what: str) -> None:
    """With a sentence, and before anything starts."""
    with pytest.raises(InvalidConfiguration, match=what):
        read(tmp_path, f"{LEAST}{line}\n")


def test_without_an_as_number_it_does_not_start(tmp_path: Path) -> None:
    """Other sites have to be told one."""
    with pytest.raises(InvalidConfiguration, match="as_number is missing"):
        read(tmp_path, "")
