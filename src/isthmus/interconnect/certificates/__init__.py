# SPDX-License-Identifier: Apache-2.0
"""A site's certificate authority, what it issues, and how private keys are kept."""
