# SPDX-License-Identifier: Apache-2.0
"""Whether database, agents and switches say the same."""
