# SPDX-License-Identifier: Apache-2.0
"""The how-to pages, by what walking them takes."""

from pathlib import Path

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "howto"
#: Walked by the tests of the Heat resources.
BY_HEAT = tuple(sorted(FOLDER.glob("heat-*.md")))
#: Walked in two regions of this process's children.
WITHOUT_SERVERS = tuple(
    page for page in sorted(FOLDER.glob("*.md")) if page.name != "README.md" and page not in BY_HEAT
)
ALL = (*BY_HEAT, *WITHOUT_SERVERS)
