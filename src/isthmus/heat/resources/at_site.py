# SPDX-License-Identifier: Apache-2.0
"""What is at a site, and acted on through the APIs of the region that site is."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tenacity
from heat.common import exception

from isthmus.heat import reach
from isthmus.heat.clients import CLIENT_NAME
from isthmus.heat.resources.retried import Retried
from isthmus.heat.translate import progress

SITE, REGION = "site", "region"
_READ_AGAIN_S, _READ_EVERY_S = 40.0, 2.0


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

    def at_once(self, step: Callable[[], Any]) -> Any:
        """Do, or read, what is not gone on with later.

        Raises:
            Error: the region does not answer.
        """
        try:
            return step()
        except Exception as error:
            if not reach.is_out(error):
                raise
            raise exception.Error(f"{self._silence()} {error}") from error

    def read(self, reading: Callable[[], Any]) -> Any:
        """Read an attribute that another resource of the stack has use for.

        While the stack is made or changed, a region that does not answer is asked again for a
        while, unless ``failure_policy`` is to fail. Who only looks at the stack waits for nothing.

        Raises:
            Error: the region does not answer. The next update of the stack asks again.
        """
        is_waited_for = (
            self.stack.in_convergence_check
            and self.properties["failure_policy"] == progress.FailurePolicy.WAIT
        )
        again = tenacity.Retrying(
            retry=tenacity.retry_if_exception(reach.is_out),
            stop=tenacity.stop_after_delay(_READ_AGAIN_S if is_waited_for else 0),
            wait=tenacity.wait_fixed(_READ_EVERY_S),
            reraise=True,
        )
        return self.at_once(lambda: again(reading))

    def _silence(self) -> str:
        return f"The region of the site {self.site()} does not answer."
