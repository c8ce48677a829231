# SPDX-License-Identifier: Apache-2.0
"""Property tests have no deadline of their own: a loaded machine proves nothing about a law."""

from hypothesis import HealthCheck, settings

settings.register_profile(
    "isthmus", deadline=None, suppress_health_check=[HealthCheck.too_slow], print_blob=True
)
settings.load_profile("isthmus")
