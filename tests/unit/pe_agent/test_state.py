# SPDX-License-Identifier: Apache-2.0
"""What is remembered over restarts, and what a damaged disk can do."""

from __future__ import annotations

import contextlib
import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from isthmus.model.errors import InvalidValue
from isthmus.model.ids import RouteDistinguisher
from isthmus.model.ip import AddressFamily
from isthmus.pe_agent.compile.inputs import Numbers
from isthmus.pe_agent.state import Memory, StateFile, decode_memory, encode_memory
from tests.actors import BLUE, behind, circuit, compiled, host, intent, named

MEMORY = Memory(
    intents={
        "red": intent(
            "red",
            circuit(
                "net",
                ["10.1.0.0/24", "2001:db8:1::/64"],
                host("vm1", "10.1.0.5", "2001:db8:1::5"),
            ),
            generation=7,
        ),
        "blue": intent("blue", rd=RouteDistinguisher.parse("64500:9")),
    },
    numbers=Numbers(
        by_vrf={("red",): 1, ("blue", "red"): 2},
        labels={
            (("red",), AddressFamily.IPV4): 1000,
            (("blue", "red"), AddressFamily.IPV4): 1001,
            (("red",), AddressFamily.IPV6): 1002,
        },
        last_vrf=5,
        last_label=1004,
    ),
)


def test_what_was_saved_is_loaded(tmp_path: Path) -> None:
    """Also when the folder is not there yet."""
    file = StateFile(tmp_path / "deep" / "state.json")
    assert file.exists() is False
    assert file.load() is None
    file.save(MEMORY)
    assert file.load() == MEMORY
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["state.json"]


def test_an_unreadable_file_is_set_aside_for_a_person(tmp_path: Path) -> None:
    """And never in the way again."""
    path = tmp_path / "state.json"
    path.write_bytes(b'{"format": 1')
    file = StateFile(path)
    assert file.load() is None
    assert (tmp_path / "state.unreadable").read_bytes() == b'{"format": 1'
    file.save(MEMORY)
    assert file.load() == MEMORY


def test_a_save_that_fails_leaves_the_last_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A reader never sees a part of a file."""
    file = StateFile(tmp_path / "state.json")
    file.save(MEMORY)

    def fail(descriptor: int) -> None:
        raise OSError("No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("os.fsync", fail)
        with pytest.raises(OSError, match="No space"):
            file.save(Memory({}, Numbers()))
    assert file.load() == MEMORY


def _before_ipv6(memory: Memory) -> bytes:
    """What an agent from before IPv6 would have written of the same intents."""
    plain = json.loads(_before_ports(memory))
    del plain["labels_ipv6"]
    for part in plain["intents"]:
        for circuit_ in part["circuits"]:
            del circuit_["subnets_ipv6"]
            for host_ in circuit_["hosts"]:
                del host_["addresses_ipv6"]
    return json.dumps(plain).encode()


def test_what_an_agent_from_before_ipv6_saved_is_forwarded_by_and_asked_for_again() -> None:
    """Numbers stay; intents count as older, so that the server sends what that agent left out."""
    memory = decode_memory(_before_ipv6(MEMORY))
    red = MEMORY.intents["red"]
    assert memory.numbers.by_vrf == MEMORY.numbers.by_vrf
    assert memory.numbers.labels == {
        key: label for key, label in MEMORY.numbers.labels.items() if key[1] is AddressFamily.IPV4
    }
    assert memory.intents["red"].generation == red.generation - 1
    assert memory.intents["red"].circuits == (
        circuit("net", "10.1.0.0/24", host("vm1", "10.1.0.5")),
    )


def test_an_agent_from_before_ipv6_finds_what_it_knows() -> None:
    """A roll-back keeps IPv4 forwarding."""
    plain = json.loads(encode_memory(MEMORY))
    assert plain["format"] == 1
    assert plain["labels"] == [["blue", "red", 1001], ["red", 1000]]
    (circuit_,) = plain["intents"][1]["circuits"]
    assert [each["prefix"] for each in circuit_["subnets"]] == ["10.1.0.0/24"]
    assert circuit_["hosts"][0]["addresses"] == ["10.1.0.5"]


def _before_ports(memory: Memory) -> bytes:
    """What an agent would have written that knew no ports of other VPNs, nor what is behind any."""
    plain = json.loads(encode_memory(memory))
    for part in plain["intents"]:
        del part["port_circuits"], part["local_pref"]
        for circuit_ in part["circuits"]:
            del circuit_["prefixes"]
            for host_ in circuit_["hosts"]:
                del host_["is_advertised"]
    return json.dumps(plain).encode()


def test_what_an_agent_from_before_ports_saved_is_forwarded_by_and_asked_for_again() -> None:
    """The server may have told it of prefixes that it could not read."""
    found = decode_memory(_before_ports(MEMORY))
    assert found.numbers == MEMORY.numbers
    assert found.intents == {
        name: replace(each, generation=each.generation - 1) for name, each in MEMORY.intents.items()
    }


def test_an_agent_upgraded_in_place_keeps_its_labels() -> None:
    """Also of the rest of a network, a port of which joins another VPN now."""
    found = decode_memory(_before_ports(MEMORY))
    network = found.intents["red"].circuits[0]
    blue = intent("blue", named(behind(network, "198.51.100.0/24", "vm1")), imports=BLUE)
    after = compiled(found.intents["red"], blue, numbers=found.numbers).numbers
    assert after.by_vrf == MEMORY.numbers.by_vrf
    assert after.labels.items() >= MEMORY.numbers.labels.items()


def test_another_format_is_not_read() -> None:
    """It would be read wrongly."""
    plain = json.loads(encode_memory(MEMORY)) | {"format": 2}
    with pytest.raises(InvalidValue, match="Format 2"):
        decode_memory(json.dumps(plain).encode())


@pytest.mark.parametrize("number", [-1, "7", None, 1.5, True])
def test_a_number_that_could_not_have_been_given_out_is_not_read(number: object) -> None:
    """A label must never lead into the wrong VRF."""
    plain = json.loads(encode_memory(MEMORY)) | {"labels": [["red", number]]}
    with pytest.raises(InvalidValue):
        decode_memory(json.dumps(plain).encode())


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(length=st.integers(0, len(encode_memory(MEMORY))))
def test_no_truncation_of_the_file_is_fatal(tmp_path: Path, length: int) -> None:
    """A power cut at any moment, on any file system."""
    path = tmp_path / "state.json"
    path.write_bytes(encode_memory(MEMORY)[:length])
    assert StateFile(path).load() in (None, MEMORY)


@given(position=st.integers(0, len(encode_memory(MEMORY)) - 1), octet=st.integers(0, 255))
def test_no_damage_to_the_file_is_fatal(position: int, octet: int) -> None:
    """Nothing but `InvalidValue` ever comes out."""
    octets = bytearray(encode_memory(MEMORY))
    octets[position] = octet
    with contextlib.suppress(InvalidValue):
        decode_memory(bytes(octets))


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(),
        lambda parts: st.lists(parts) | st.dictionaries(st.text(), parts),
    )
)
def test_no_json_is_fatal(plain: object) -> None:
    """Whatever someone put there."""
    with contextlib.suppress(InvalidValue):
        decode_memory(json.dumps(plain).encode())
