# SPDX-License-Identifier: Apache-2.0
"""``python -m bench``: all benchmarks, one after the other."""

from __future__ import annotations

import sys

from bench import api, first_packet, forwarding, interconnect, restart, vtn
from bench import compile as compile_
from bench.command import main_of_all

if __name__ == "__main__":
    sys.exit(
        main_of_all(
            [
                compile_.BENCHMARK,
                restart.BENCHMARK,
                interconnect.BENCHMARK,
                api.BENCHMARK,
                first_packet.BENCHMARK,
                vtn.BENCHMARK,
                forwarding.BENCHMARK,
            ]
        )
    )
