# SPDX-License-Identifier: Apache-2.0
"""The path a packet takes through this PE, step by step, from what was compiled. Pure.

question ─▶ origin: which VM, which attachment ─▶ walk: the flows its packet meets
                                                    │
             steps, the first that fails named ◀─ path: what they mean in routing's words
"""
