# SPDX-License-Identifier: Apache-2.0
"""Moving in from networking-bgpvpn: its rows, what they become here, and what came of it."""
