# SPDX-License-Identifier: Apache-2.0
"""Who comes with an invitation and runs no site: a test says what it sends."""

from __future__ import annotations

from isthmus.interconnect.certificates import authority as certificates
from isthmus.interconnect.certificates.authority import make_request
from isthmus.interconnect.peering.client import PeeringClient
from isthmus.interconnect.peering.messages import Introduction, Join
from isthmus.model import invitation as inviting


class Guest:
    """Somebody with an invitation, or what it takes for one.

    Args:
        text: the invitation, which says who is asked.
        name: the guest says it has.

    Attributes:
        introduction: what it says of itself.
        token: the invitation's secret.
        client: asks who invited.
    """

    def __init__(self, text: str, name: str = "east") -> None:
        said = inviting.decode(text)
        own = certificates.make_authority(name)
        self.introduction = Introduction(
            name,
            64501,
            own.certificate.decode(),
            ("https://192.0.2.66:2379",),
            "192.0.2.66:2382",
            make_request(name).request.decode(),
        )
        self.client = PeeringClient(said.peering_endpoint, said.ca)
        self.token = said.token

    def join(self) -> object:
        """Ask to be let in; return the answer."""
        return self.client.join(Join(self.token, self.introduction))

    def forge(self) -> None:
        """Have a secret that nobody gave."""
        self.token = self.token[:-1] + ("0" if self.token[-1] != "0" else "1")
