# SPDX-License-Identifier: Apache-2.0
"""Virtual tenant networks and sites: documents as they are written and heard, and what they say."""
