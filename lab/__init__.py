# SPDX-License-Identifier: Apache-2.0
"""Two OpenStack regions, an MPLS backbone and their provider edges on one machine."""
