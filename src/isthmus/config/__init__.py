# SPDX-License-Identifier: Apache-2.0
"""Options of each process, with ranges and help; read once at start."""
