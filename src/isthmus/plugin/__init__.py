# SPDX-License-Identifier: Apache-2.0
"""From request to recorded intent, and back to a status."""
