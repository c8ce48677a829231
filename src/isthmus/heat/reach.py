# SPDX-License-Identifier: Apache-2.0
"""Whether a failure means that a region does not answer, rather than that it refuses."""

from __future__ import annotations

from keystoneauth1 import exceptions as keystone
from openstack import exceptions as sdk

_NO_ANSWER = (502, 503, 504)
# What openstacksdk says of a service that gave no answer when it was asked for its versions.
_UNDISCOVERED = "does not have any supported versions"


def is_out(error: BaseException) -> bool:
    """Whether the region did not answer: nobody listens, in time, or behind its proxy."""
    if isinstance(error, keystone.ConnectionError):
        return True
    if isinstance(error, keystone.HttpError):
        return error.http_status in _NO_ANSWER
    if isinstance(error, sdk.NotSupported):
        return _UNDISCOVERED in str(error)
    return isinstance(error, sdk.HttpException) and error.status_code in _NO_ANSWER
