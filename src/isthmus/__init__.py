# SPDX-License-Identifier: Apache-2.0
"""Isthmus joins OpenStack clouds over MPLS: one network across clouds, on demand."""
