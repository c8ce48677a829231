# SPDX-License-Identifier: Apache-2.0
"""What holds for all tests: like every process of ours, they run on threads, not on eventlet."""

from __future__ import annotations

from collections.abc import Generator
from typing import Any

import pytest
from oslo_service.backend import BackendType, init_backend

# Before anything imports oslo.messaging, which would make oslo.service choose eventlet.
init_backend(BackendType.THREADING)


@pytest.hookimpl(wrapper=True)
def pytest_report_to_serializable() -> Generator[None, Any, Any]:
    """Let a report from one process to another hold what laws make up: lone surrogates."""
    return _speakable((yield))


def _speakable(value: Any) -> Any:
    """Return a report's data with what UTF-8 can't carry spelled out."""
    if isinstance(value, str):
        return value.encode(errors="backslashreplace").decode()
    if isinstance(value, dict):
        return {_speakable(key): _speakable(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return type(value)(_speakable(each) for each in value)
    return value
