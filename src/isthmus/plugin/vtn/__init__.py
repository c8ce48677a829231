# SPDX-License-Identifier: Apache-2.0
"""Virtual tenant networks: what the API calls for them, their members and the sites they span."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from isthmus.config.plugin import PluginOptions
from isthmus.plugin.vtn.event_calls import EventCalls
from isthmus.plugin.vtn.member_calls import MemberCalls
from isthmus.plugin.vtn.site_calls import SiteCalls
from isthmus.plugin.vtn.vtn_calls import VtnCalls
from isthmus.rpc.senders import Waker


def calls(options: PluginOptions, waker: Waker) -> dict[str, Callable[..., Any]]:
    """Return what Neutron's controller calls, by the names it calls by."""
    found = (
        VtnCalls(options, waker),
        MemberCalls(options, waker),
        SiteCalls(options, waker),
        EventCalls(),
    )
    return {
        name: getattr(each, name)
        for each in found
        for name in vars(type(each))
        if not name.startswith("_")
    }
