# SPDX-License-Identifier: Apache-2.0
"""Where intent lives: tables, repository, journal, migrations."""
