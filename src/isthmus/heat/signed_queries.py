# SPDX-License-Identifier: Apache-2.0
"""What the CloudFormation API says to a signed query whose signature Keystone does not take.

Heat's own filter lets what Keystone answers of an unknown access key, or to a Heat that may not
ask, go through as an HTTP 500 without a word. boto3 finds nothing at the catalog's URL, and can't
read of a stack that was never changed. This filter takes its place in ``api-paste.ini``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any

from heat.api.aws import exception
from heat.api.aws.ec2token import EC2Token
from keystoneauth1 import exceptions as keystone

_NOT_TAKEN = (
    "Either the signature was not made with that key's secret, of this very request, or the "
    "request is older than Keystone allows."
)
# Heat says "None" of numbers and times that a stack has not; who expects one can't read that.
_NONE = re.compile(rb"<(TimeoutInMinutes|\w*Time|\w*Timestamp)>None</\1>")


class SignedQueries(EC2Token):
    """Asks Keystone for the token of who signed; answers so that boto3 understands."""

    def _authorize(self, req: Any, cloud: Any) -> Any:
        try:
            behind = super()._authorize(req, cloud)
        except keystone.NotFound as error:
            raise exception.HeatInvalidClientTokenIdError from error
        except exception.HeatAccessDeniedError as error:
            raise exception.HeatAccessDeniedError(_NOT_TAKEN) from error
        except keystone.Forbidden as error:
            # Not the caller's fault: Heat's own account may not have signatures checked.
            raise exception.HeatInternalFailureError from error
        except keystone.ClientException as error:
            raise exception.HeatServiceUnavailableError from error
        # boto3 leaves out the last slash, and signs without it; Heat knows no such path.
        req.path_info = req.path_info or "/"
        answer = req.get_response(behind)
        answer.body = _NONE.sub(b"", answer.body)
        return answer


def filter_factory(
    global_conf: Mapping[str, str], **local_conf: str
) -> Callable[[Any], SignedQueries]:
    """Return what puts it before an application, as paste.deploy wants it."""
    return lambda application: SignedQueries(application, {**global_conf, **local_conf})
