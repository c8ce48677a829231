# SPDX-License-Identifier: Apache-2.0
"""The main function of each process: parse, wire, run."""
