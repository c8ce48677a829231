# SPDX-License-Identifier: Apache-2.0
"""What can be done with a resource beside creating, reading, changing and deleting it."""

from __future__ import annotations

from typing import Any

from openstack import exceptions, resource


class Acting(resource.Resource):
    """A resource that has actions, as ``PUT /…/{id}/{action}``."""

    #: Makes a change conditional: ``revision_number=N``, else 412 (RFC 9110 §13.1.1).
    if_match: str | None = resource.Header("if-match")

    def _act(self, session: Any, action: str, **body: Any) -> None:
        """Do it, and take over what the answer says.

        Raises:
            openstack.exceptions.HttpException: it is refused; the message says why.
        """
        request = self._prepare_request(requires_id=True)
        answer = session.put(f"{request.url}/{action}", json=body)
        exceptions.raise_from_response(answer)
        self._translate_response(answer)
