# SPDX-License-Identifier: Apache-2.0
"""Which project a tenant's is at another site."""

from __future__ import annotations

from neutron_lib.context import Context

from isthmus.db.vtn import sites
from isthmus.db.vtn.sites import SiteRecord, State
from isthmus.model.errors import IntentConflict


def member_project(context: Context, site: SiteRecord | None, project_id: str) -> str | None:
    """Return the project that a project of ours is at a member; None of this site's own.

    Raises:
        IntentConflict: nobody has said which it is there.
    """
    if site is None or site.state is State.OWN or site.shares_identity:
        return project_id
    theirs = {ours: their for their, ours in sites.read_projects(context, site.name).items()}
    if project_id not in theirs:
        raise IntentConflict(
            f"Your project is not known at the site {site.name}: ask your provider to map it to "
            "one there, or choose another site.",
            f"Project {project_id} is mapped to none of {site.name}: openstack interconnect site "
            f"set --project THEIRS={project_id} {site.name}",
        )
    return theirs[project_id]
