# SPDX-License-Identifier: Apache-2.0
"""What holds for all tests: like every process of ours, they run on threads, not on eventlet."""

from oslo_service.backend import BackendType, init_backend

# Before anything imports oslo.messaging, which would make oslo.service choose eventlet.
init_backend(BackendType.THREADING)
