# SPDX-License-Identifier: Apache-2.0
"""networking-bgpvpn's own unit tests of its API, run against Isthmus."""
