# SPDX-License-Identifier: Apache-2.0
"""Who comes with an invitation and runs no site: a test says what it sends."""

from __future__ import annotations

from isthmus.interconnect.certificates import authority as certificates
from isthmus.interconnect.certificates.authority import make_request
from isthmus.interconnect.peering.client import PeeringClient
from isthmus.interconnect.peering.messages import Introduction, Join
from isthmus.model import invitation as inviting
from tests.functional.interconnect.conftest import Site


class Guest:
    """Somebody with an invitation, or what it takes for one.

    Args:
        host: who is asked.
        text: the invitation.
        name: the guest says it has.

    Attributes:
        introduction: what it says of itself.
        token: the invitation's secret.
        client: asks the host.
    """

    def __init__(self, host: Site, text: str, name: str = "east") -> None:
        self._said = inviting.decode(text)
        own = certificates.make_authority(name)
        self.introduction = Introduction(
            name,
            64501,
            own.certificate.decode(),
            ("https://192.0.2.66:2379",),
            "192.0.2.66:2382",
            make_request(name).request.decode(),
        )
        self.client = PeeringClient(f"127.0.0.1:{host.service.port}", self._said.ca)
        self.token = self._said.token

    def join(self) -> object:
        """Ask to be let in; return the answer."""
        return self.client.join(Join(self.token, self.introduction))
