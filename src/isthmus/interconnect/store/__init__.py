# SPDX-License-Identifier: Apache-2.0
"""One site's etcd: what is asked of it, and how."""
