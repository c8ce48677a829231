# SPDX-License-Identifier: Apache-2.0
"""The main job, told on the terminal: two tenants, each in two clouds, joined over MPLS."""

from lab.demo.story import demo

__all__ = ["demo"]
