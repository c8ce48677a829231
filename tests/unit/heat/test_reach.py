# SPDX-License-Identifier: Apache-2.0
"""What means that a region does not answer."""

from __future__ import annotations

import pytest
import requests
from keystoneauth1 import exceptions as keystone
from openstack import exceptions as sdk

from isthmus.heat.reach import is_out


def answered(status: int) -> sdk.HttpException:
    """Return what openstacksdk makes of an answer."""
    response = requests.Response()
    response.status_code = status
    return sdk.HttpException("no", response=response)


@pytest.mark.parametrize(
    "error",
    [
        keystone.ConnectFailure("refused"),
        keystone.ConnectTimeout("10 s"),
        keystone.ServiceUnavailable("503"),
        answered(502),
        sdk.NotSupported("The compute service exists but does not have any supported versions."),
    ],
)
def test_silence_is_told_from_a_refusal(error: Exception) -> None:
    """It is waited for, or not, as the template says."""
    assert is_out(error)


@pytest.mark.parametrize("error", [answered(409), ValueError(), keystone.Forbidden()])
def test_a_refusal_is_no_silence(error: Exception) -> None:
    """It won't go away by waiting."""
    assert not is_out(error)
