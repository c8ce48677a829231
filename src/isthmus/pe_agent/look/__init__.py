# SPDX-License-Identifier: Apache-2.0
"""The looking glass: what the agent holds and what is really there, read-only.

    isthmus-pe-agent look ─ UNIX socket ─▶ listener ─▶ answers ─▶ view ─▶ parts       (pure)
                                                         └─▶ switch, BGP daemon ─▶ difference

A part is rows by table, ready for JSON; the command line makes tables of them.
"""
