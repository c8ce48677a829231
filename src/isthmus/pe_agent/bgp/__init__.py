# SPDX-License-Identifier: Apache-2.0
"""One door to a BGP daemon: the Protocol, and one adapter per daemon."""
