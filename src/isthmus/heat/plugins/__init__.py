# SPDX-License-Identifier: Apache-2.0
"""The folder to name in Heat's ``plugin_dirs``."""
