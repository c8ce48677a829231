# SPDX-License-Identifier: Apache-2.0
"""The how-to pages, by what walking them takes."""

from pathlib import Path

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "howto"
#: Walked in the lab: the API it is about has to be signed for.
SIGNED = FOLDER / "heat-cloudformation.md"
#: Walked by the tests of the Heat resources.
BY_HEAT = tuple(page for page in sorted(FOLDER.glob("heat-*.md")) if page != SIGNED)
#: Walked in two regions of this process's children.
WITHOUT_SERVERS = tuple(
    page
    for page in sorted(FOLDER.glob("*.md"))
    if page.name != "README.md" and page not in (SIGNED, *BY_HEAT)
)
ALL = (SIGNED, *BY_HEAT, *WITHOUT_SERVERS)
