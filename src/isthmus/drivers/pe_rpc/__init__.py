# SPDX-License-Identifier: Apache-2.0
"""Our own PE agents, reached over the internal API."""
