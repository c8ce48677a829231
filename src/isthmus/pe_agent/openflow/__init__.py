# SPDX-License-Identifier: Apache-2.0
"""One door to a switch: the Protocols, and one adapter per switch or controller."""
