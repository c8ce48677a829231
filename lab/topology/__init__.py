# SPDX-License-Identifier: Apache-2.0
"""What the lab consists of, as ``topology.yaml`` says it."""

from lab.topology.parts import (
    CONTROL,
    Host,
    Keystone,
    ReflectorMake,
    RouteReflector,
    Service,
    Site,
    Topology,
    TopologyInvalid,
)
from lab.topology.reading import SHIPPED, load, parse

__all__ = [
    "CONTROL",
    "SHIPPED",
    "Host",
    "Keystone",
    "ReflectorMake",
    "RouteReflector",
    "Service",
    "Site",
    "Topology",
    "TopologyInvalid",
    "load",
    "parse",
]
