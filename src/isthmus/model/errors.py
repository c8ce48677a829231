# SPDX-License-Identifier: Apache-2.0
"""Errors, each with a sentence for the tenant and one for the operator.

IsthmusError
├── InvalidValue          a value that no intent may contain; retrying is useless
├── IntentConflict        right by itself, but at odds with other intent or with Neutron's objects
├── NotPermitted          somebody else's network or VPN
├── PoolExhausted         no number left in a range the operator chose
└── EdgeError             something outside did not do its part
    ├── SpeakerUnreachable   the BGP daemon; retry
    ├── SpeakerRefused       the BGP daemon would not take a route; retrying is useless
    ├── SwitchUnreachable    Open vSwitch; retry
    ├── SwitchRefused        Open vSwitch would not take a flow; retrying is useless
    ├── StoreUnreachable     a site's etcd; retry
    ├── StoreRefused         a site's etcd would not do it; retrying is useless until somebody acts
    └── DriverUnavailable    what carries intent to PEs, or a part of Neutron it needs; retry
        └── InOtherHands     another worker is just at it; retry soon, nothing is wrong
"""


class IsthmusError(Exception):
    """Anything Isthmus refuses or could not do.

    Attributes:
        for_tenant: a sentence without addresses, labels or names of the provider's equipment.
        for_operator: a sentence that names the equipment and what to do.
        retryable: whether the same call may succeed later without a change of its input.
    """

    retryable = False

    def __init__(self, for_tenant: str, for_operator: str = "") -> None:
        super().__init__(for_operator or for_tenant)
        self.for_tenant = for_tenant
        self.for_operator = for_operator or for_tenant


class InvalidValue(IsthmusError, ValueError):
    """A value that no intent may contain. One sentence says what it must look like."""


class IntentConflict(IsthmusError):
    """Right by itself, but at odds with what is there; the sentence names what is in the way."""


class NotPermitted(IsthmusError):
    """It belongs to somebody else."""


class PoolExhausted(IsthmusError):
    """A pool of numbers has none left; the operator widens its range."""


class EdgeError(IsthmusError):
    """Something outside, a daemon, a switch or a peer, did not do its part."""

    def __init__(self, for_operator: str) -> None:
        super().__init__("The network is not ready to carry out this change yet.", for_operator)


class SpeakerUnreachable(EdgeError):
    """The BGP daemon did not answer; nothing is known about what it accepted."""

    retryable = True


class SpeakerRefused(EdgeError):
    """The BGP daemon refused a route; the same route will be refused again."""


class SwitchUnreachable(EdgeError):
    """Open vSwitch did not answer; the flow table is as it was or empty."""

    retryable = True


class SwitchRefused(EdgeError):
    """Open vSwitch refused a flow; the flow table is as it was."""


class StoreUnreachable(EdgeError):
    """A site's etcd did not answer; nothing is known about what it did."""

    retryable = True


class StoreRefused(EdgeError):
    """A site's etcd answered and would not: no right to it, or too large."""


class DriverUnavailable(EdgeError):
    """Intent could not be carried to the provider edges; it is kept and tried again."""

    retryable = True


class InOtherHands(DriverUnavailable):
    """Another worker is just making or removing it, which takes seconds at most."""
