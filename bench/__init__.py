# SPDX-License-Identifier: Apache-2.0
"""How fast the product is, measured in the lab; never part of the tests."""
