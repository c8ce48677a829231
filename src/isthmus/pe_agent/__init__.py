# SPDX-License-Identifier: Apache-2.0
"""One provider edge: intent, routes and ports in; routes and flows out."""
