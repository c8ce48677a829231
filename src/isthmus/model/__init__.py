# SPDX-License-Identifier: Apache-2.0
"""The words: frozen values that every other part speaks in. Standard library only, no I/O."""
