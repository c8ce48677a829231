# SPDX-License-Identifier: Apache-2.0
"""A configuration is read as a whole, and all that is wrong with it is named at once."""

from __future__ import annotations

from ipaddress import IPv4Address
from pathlib import Path

import pytest
from oslo_config import cfg

from isthmus.config.pe_agent import (
    InvalidConfiguration,
    PeAgentOptions,
    list_opts,
    parse_remote,
    read_options,
    register_options,
)
from isthmus.model.errors import InvalidValue
from isthmus.model.ids import Label
from isthmus.model.provider_edge import Encapsulation, TransportNextHop

ROOT = Path(__file__).parents[3]
LEAST = """
[provider_edge]
address = 192.0.2.11
[bgp]
as_number = 64500
neighbors = 192.0.2.102, 192.0.2.101
"""


def read(tmp_path: Path, text: str) -> PeAgentOptions:
    """Read ``text`` as a configuration file."""
    path = tmp_path / "pe-agent.conf"
    path.write_text(text)
    conf = cfg.ConfigOpts()
    register_options(conf)
    conf(["--config-file", str(path)], project="isthmus")
    return read_options(conf)


def test_address_as_number_and_neighbors_are_enough(tmp_path: Path) -> None:
    """Everything else has a default that works."""
    options = read(tmp_path, LEAST)
    assert options.host
    assert options.pe.address == IPv4Address("192.0.2.11")
    assert options.pe.core_mac == "02:00:c0:00:02:0b"
    assert options.pe.encapsulation is Encapsulation.MPLS
    assert options.pe.transport_label is None
    assert options.labels == range(10000, 100000)
    assert options.switch.bridge == "br-pe"
    assert options.switch.run_dir == Path("/run/openvswitch")
    assert options.bgp.neighbors == (IPv4Address("192.0.2.101"), IPv4Address("192.0.2.102"))
    assert options.bgp.password == ""


def test_a_whole_configuration_is_read(tmp_path: Path) -> None:
    """Each LSP to another PE is one line."""
    text = LEAST.replace(
        "address = 192.0.2.11",
        """address = 192.0.2.11
core_mac = 02:00:5e:00:00:01
core_mtu = 1600
transport_label = 1001
remotes = address=192.0.2.12,label=1002,via=02:00:5e:00:00:f1
remotes = address=192.0.2.21, via=02:00:5e:00:00:f2
first_label = 500
last_label = 600""",
    )
    options = read(tmp_path, "[DEFAULT]\nhost = west-1\nlook_socket =\n" + text)
    assert options.host == "west-1"
    assert options.look_socket is None
    assert options.pe.core_mtu == 1600
    assert options.pe.transport_label == Label(1001)
    assert options.pe.remote_pes == {
        IPv4Address("192.0.2.12"): TransportNextHop(Label(1002), "02:00:5e:00:00:f1"),
        IPv4Address("192.0.2.21"): TransportNextHop(None, "02:00:5e:00:00:f2"),
    }
    assert options.labels == range(500, 601)


def test_everything_that_is_wrong_is_named_at_once(tmp_path: Path) -> None:
    """One sentence each, so that it takes one attempt to put it right."""
    text = """
[provider_edge]
address = 192.0.2.999
core_mac = 01:00:00:00:00:00
core_mtu = 100
transport = carrier-pigeon
transport_label = 3
remotes = somewhere
first_label = 2000
last_label = 1000
[bgp]
hold_time_s = 1
"""
    with pytest.raises(InvalidConfiguration) as refused:
        read(tmp_path, text)
    named = [sentence.split("]")[1].split()[0] for sentence in refused.value.sentences]
    assert sorted(named) == sorted(
        [
            "address",
            "core_mac",
            "core_mtu",
            "transport",
            "transport_label",
            "remotes",
            "first_label",
            "as_number",
            "neighbors",
            "hold_time_s",
        ]
    )


def test_a_remote_pe_named_twice_is_refused(tmp_path: Path) -> None:
    """One of the two would be ignored."""
    line = "remotes = address=192.0.2.12,via=02:00:5e:00:00:f1\n"
    with pytest.raises(InvalidConfiguration, match="twice"):
        read(tmp_path, LEAST.replace("[bgp]", line + line + "[bgp]"))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "192.0.2.12",
        "address=192.0.2.12",
        "address=192.0.2.12,via=02:00:5e:00:00:f1,colour=red",
        "address=nowhere,via=02:00:5e:00:00:f1",
        "address=192.0.2.12,via=01:00:5e:00:00:f1",
        "address=192.0.2.12,label=3,via=02:00:5e:00:00:f1",
        "address=192.0.2.12,label=,via=02:00:5e:00:00:f1",
        "address=192.0.2.12,label=-5,via=02:00:5e:00:00:f1",
    ],
)
def test_a_malformed_remote_is_refused(text: str) -> None:
    """It would send a tenant's packets somewhere else."""
    with pytest.raises(InvalidValue):
        parse_remote(text)


def test_every_option_has_help() -> None:
    """The sample file is what an operator reads."""
    assert all(option.help for _, options in list_opts() for option in options)
