# SPDX-License-Identifier: Apache-2.0
"""What is at a site, and acted on through the APIs of the region that site is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from heat.common import exception

from isthmus.heat import reach
from isthmus.heat.clients import CLIENT_NAME
from isthmus.heat.resources.retried import Retried
from isthmus.heat.translate import progress

SITE, REGION = "site", "region"


class AtSite(Retried):
    """A resource at a site; whose region does not answer is asked again, or fails and is named."""

    default_client_name = CLIENT_NAME

    @property
    def region(self) -> Any:
        """The connection to its region."""
        return self.client_plugin().connection(self.properties[REGION] or self.site())

    @property
    def compute(self) -> Any:
        """The compute API of its region."""
        return self.region.compute

    def site(self) -> str:
        """Return where it is."""
        return str(self.data().get(SITE) or self.properties[SITE])

    def patiently(self, step: Callable[[], bool]) -> bool:
        """Do a step; where the region does not answer, as ``failure_policy`` says.

        Args:
            step: True if nothing is left to do.

        Raises:
            Error: the region does not answer, and it is not to be waited for.
        """
        try:
            is_done = step()
        except Exception as error:
            if not reach.is_out(error):
                raise
            if self.properties["failure_policy"] == progress.FailurePolicy.FAIL:
                raise exception.Error(f"{self._silence()} {error}") from error
            self.awaits(self._silence())
            return False
        self.awaits("")
        return is_done

    def at_once(self, step: Callable[[], bool]) -> bool:
        """Do a step that nobody waits for.

        Raises:
            Error: the region does not answer.
        """
        try:
            return step()
        except Exception as error:
            if not reach.is_out(error):
                raise
            raise exception.Error(f"{self._silence()} {error}") from error

    def _silence(self) -> str:
        return f"The region of the site {self.site()} does not answer."
