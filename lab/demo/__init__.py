# SPDX-License-Identifier: Apache-2.0
"""The main job, told on the terminal: two tenants, each in two clouds, joined over MPLS."""

from __future__ import annotations

from lab.topology import Topology


def demo(topology: Topology) -> bool:
    """Tell the story of ``lab.demo.story``.

    Returns:
        Whether everything in it went well.
    """
    # Imported late: openstacksdk takes a second, and the pure parts of this package don't need it.
    from lab.demo.story import tell

    return tell(topology)


def demo_heat(topology: Topology) -> bool:
    """Tell the story of ``lab.demo.one_stack`` alone.

    Returns:
        Whether everything in it went well.
    """
    from lab.demo.one_stack import tell_alone

    return tell_alone(topology)
