# SPDX-License-Identifier: Apache-2.0
"""The internal API between the plug-in and its PE agents, read by both sides."""
