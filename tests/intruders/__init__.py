# SPDX-License-Identifier: Apache-2.0
"""Who asks a site for what it is not to have: with an invitation, or with a peer's certificate."""
