# SPDX-License-Identifier: Apache-2.0
"""The prober sends legal echo requests and knows its own answers."""

from bench.prober import checksum, echo_request, is_reply

IPV4 = bytes.fromhex("4500001c00000000400100000a0200010a010001")


def reply(identifier: int) -> bytes:
    """An IPv4 packet with an echo reply."""
    return IPV4 + b"\0" + echo_request(identifier, 1)[1:]


def test_a_request_checks_to_zero() -> None:
    """RFC 1071: the sum over a packet with its checksum is all ones."""
    assert checksum(echo_request(0xBEEF, 0xFFFF)) == 0


def test_only_replies_to_this_prober_count() -> None:
    """Neither another prober's, nor its own requests, nor what is cut off."""
    assert is_reply(reply(7), 7)
    assert not is_reply(reply(8), 7)
    assert not is_reply(IPV4 + echo_request(7, 1), 7)
    assert not is_reply(IPV4, 7)
