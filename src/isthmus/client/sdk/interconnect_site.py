# SPDX-License-Identifier: Apache-2.0
"""A site that virtual tenant networks may span."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Self

from openstack import resource

from isthmus.client.sdk.actions import Acting

DAY_S = 86400


class InterconnectSite(Acting):
    """A site that virtual tenant networks may span, the one that is asked among them.

    ``InterconnectSite.new(name=…).create(…)`` invites it, and ``invitation`` holds what is to be
    carried there, once; with ``invitation=…`` it accepts that.
    """

    resource_key = "interconnect_site"
    resources_key = "interconnect_sites"
    base_path = "/vtn/interconnect_sites"

    allow_create = True
    allow_fetch = True
    allow_commit = True
    allow_delete = True
    allow_list = True

    _query_mapping = resource.QueryParameters(
        "as_number", "fields", "id", "liveness", "name", "sort_dir", "sort_key", "state"
    )

    #: UUID.
    id: str = resource.Body("id")
    #: What the site calls itself.
    name: str = resource.Body("name")
    #: In the caller's words.
    description: str | None = resource.Body("description")
    #: Accepts this one, or has the one that was made; to be carried as a password is.
    invitation: str | None = resource.Body("invitation")
    #: Of the invitation that is asked for, in seconds.
    expires_in: int | None = resource.Body("expires_in", type=int)
    #: Whether a project's id means the same at both sites: one Keystone.
    shares_identity: bool | None = resource.Body("shares_identity", type=bool)
    #: Where it doesn't: ids of this site's projects by ids of that one's.
    projects: dict[str, str] | None = resource.Body("projects", type=dict)
    #: ``OWN``, ``INVITED``, ``PENDING``, ``CONFIRMED`` or ``REVOKED``.
    state: str = resource.Body("state")
    #: ``UP``, ``UNREACHABLE`` or ``DOWN``, by its heartbeats.
    liveness: str = resource.Body("liveness")
    #: Since when.
    liveness_since: str | None = resource.Body("liveness_since")
    #: What is wrong with it; empty if nothing is.
    reason: str | None = resource.Body("reason")
    #: Where its documents are read.
    endpoints: list[str] | None = resource.Body("endpoints", type=list)
    #: The site's AS (RFC 6793).
    as_number: int | None = resource.Body("as_number", type=int)
    #: When it was heard last.
    heard_at: str | None = resource.Body("heard_at")
    #: Until when the site that is asked may read the other's documents.
    certificate_expires_at: str | None = resource.Body("certificate_expires_at")
    #: What was asked for and is not done yet: ``confirm``, ``rotate``, ``recover`` or nothing.
    asked: str | None = resource.Body("asked")
    #: When the last was asked for.
    asked_at: str | None = resource.Body("asked_at")
    #: When the last was done.
    done_at: str | None = resource.Body("done_at")
    #: What differs between it and the site that is asked, a line each.
    recovery: str | None = resource.Body("recovery")
    #: Grows with each change.
    revision_number: int | None = resource.Body("revision_number", type=int)
    #: When it was made.
    created_at: str | None = resource.Body("created_at")
    #: When it was last changed.
    updated_at: str | None = resource.Body("updated_at")

    def invite(self, session: Any, expires_in: int = DAY_S) -> Self:
        """Invite it again; ``invitation`` holds what is to be carried there.

        Args:
            session: ``connection.network``.
            expires_in: seconds.
        """
        self._act(session, "invite", expires_in=expires_in)
        return self

    def confirm(self, session: Any) -> Self:
        """Say that the site that answered is the one that was meant."""
        self._act(session, "confirm")
        return self

    def revoke(self, session: Any) -> Self:
        """End the peering at once."""
        self._act(session, "revoke")
        return self

    def rotate(self, session: Any) -> Self:
        """Have the certificates between the two sites made anew, without a break."""
        self._act(session, "rotate")
        return self

    def recover(self, session: Any, abandon: Iterable[str] = ()) -> Self:
        """Have everything of it read anew; ``recovery`` says what differs.

        Args:
            session: ``connection.network``.
            abandon: ids of networks of which nobody has a document any more; what the site that is
                asked made of them is removed.
        """
        self._act(session, "recover", abandon=list(abandon))
        return self
