# SPDX-License-Identifier: Apache-2.0
"""What a tenant may say: attribute maps and extension descriptors. No behaviour."""
