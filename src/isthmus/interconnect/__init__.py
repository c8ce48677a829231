# SPDX-License-Identifier: Apache-2.0
"""Carries documents between sites: a site's own to its etcd, the peers' from theirs."""
