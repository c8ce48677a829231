# SPDX-License-Identifier: Apache-2.0
"""Who carries intent out: the driver Protocol and its implementations."""
