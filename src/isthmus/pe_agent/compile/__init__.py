# SPDX-License-Identifier: Apache-2.0
"""The pure core: intent, routes and ports in; routes and flows out."""
