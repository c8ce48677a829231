# SPDX-License-Identifier: Apache-2.0
"""Attribute maps: what each collection holds, what may be said of it, and when."""
