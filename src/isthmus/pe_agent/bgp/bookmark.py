# SPDX-License-Identifier: Apache-2.0
"""A path of our own that marks a place in gobgpd's stream of events. Pure."""

from __future__ import annotations

from isthmus.pe_agent.bgp.gobgp_api import attribute_pb2, gobgp_pb2, nlri_pb2
from isthmus.pe_agent.bgp.mapping import IPV4_UNICAST

_BOOKMARK_PREFIX = "192.0.2.0"


def encode_bookmark(nonce: int) -> gobgp_pb2.Path:
    """Encode a path no neighbor gets, to find one's place in the stream of events.

    IPv4 unicast is in no session of ours, and ``nonce`` (32 bits) makes the path a new one even if
    a former bookmark was left.
    """
    nlri = nlri_pb2.NLRI(prefix=nlri_pb2.IPAddressPrefix(prefix_len=32, prefix=_BOOKMARK_PREFIX))
    return gobgp_pb2.Path(
        nlri=nlri,
        family=IPV4_UNICAST,
        pattrs=[
            attribute_pb2.Attribute(origin=attribute_pb2.OriginAttribute(origin=0)),
            attribute_pb2.Attribute(
                next_hop=attribute_pb2.NextHopAttribute(next_hop=_BOOKMARK_PREFIX)
            ),
            attribute_pb2.Attribute(
                multi_exit_disc=attribute_pb2.MultiExitDiscAttribute(med=nonce)
            ),
        ],
    )


def is_bookmark(path: gobgp_pb2.Path, nonce: int) -> bool:
    """Whether this is the path `encode_bookmark` made of ``nonce``."""
    return path.family == IPV4_UNICAST and any(
        attribute.multi_exit_disc.med == nonce
        for attribute in path.pattrs
        if attribute.WhichOneof("attr") == "multi_exit_disc"
    )
