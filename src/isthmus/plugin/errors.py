# SPDX-License-Identifier: Apache-2.0
"""The one place where refusals become answers of the API.

Inside, errors carry a sentence and no HTTP; here each kind gets its code. Tenants read
``for_tenant`` alone.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from neutron_lib import exceptions

from isthmus.model.errors import (
    IntentConflict,
    InvalidValue,
    IsthmusError,
    NotPermitted,
    PoolExhausted,
)

LOG = logging.getLogger(__name__)


class VpnNotFound(exceptions.NotFound):
    """404: no such VPN, or not the caller's to see."""

    message = "BGP VPN %(id)s could not be found."


class AssociationNotFound(exceptions.NotFound):
    """404: no such association of that VPN."""

    message = "Association %(id)s of BGP VPN %(vpn_id)s could not be found."


class ProviderEdgeNotFound(exceptions.NotFound):
    """404: no such PE, or it has no part in that VPN."""

    message = "Provider edge %(id)s does not serve BGP VPN %(vpn_id)s."


class VtnNotFound(exceptions.NotFound):
    """404: no such virtual tenant network, or not the caller's to see."""

    message = "Virtual tenant network %(id)s could not be found."


class MemberNotFound(exceptions.NotFound):
    """404: no such member of that virtual tenant network."""

    message = "Site %(id)s is no member of virtual tenant network %(vtn_id)s."


class SiteNotFound(exceptions.NotFound):
    """404: no such site."""

    message = "Site %(id)s could not be found."


class EventNotFound(exceptions.NotFound):
    """404: no such event, or forgotten."""

    message = "Event %(id)s could not be found."


class BadVpnRequest(exceptions.BadRequest):
    """400: a value that no intent may contain."""

    message = "%(sentence)s"


class VpnConflict(exceptions.Conflict):
    """409: at odds with what is there."""

    message = "%(sentence)s"


class VpnForbidden(exceptions.NotAuthorized):
    """403: somebody else's."""

    message = "%(sentence)s"


class VpnUnavailable(exceptions.ServiceUnavailable):
    """503: it may work later."""

    message = "%(sentence)s"


_ANSWERS: tuple[tuple[type[IsthmusError], type[exceptions.NeutronException]], ...] = (
    (InvalidValue, BadVpnRequest),
    (IntentConflict, VpnConflict),
    (NotPermitted, VpnForbidden),
    (PoolExhausted, VpnConflict),
)


def to_api_error(error: IsthmusError) -> exceptions.NeutronException:
    """Return what the API answers to a refusal."""
    for kind, answer in _ANSWERS:
        if isinstance(error, kind):
            return answer(sentence=error.for_tenant)
    return VpnUnavailable(sentence=error.for_tenant)


@contextmanager
def refusals_answered() -> Iterator[None]:
    """Turn refusals raised inside into errors of the API."""
    try:
        yield
    except IsthmusError as error:
        if error.for_operator != error.for_tenant:
            LOG.info("request.refused sentence=%r", error.for_operator)
        raise to_api_error(error) from error
