# SPDX-License-Identifier: Apache-2.0
"""One call of the database in a transaction of its own, as an administrator, tried again.

For whoever acts on nobody's request: the worker, reports, and what is made in Neutron.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Concatenate, ParamSpec, TypeVar

from neutron_lib import context as neutron_context
from neutron_lib.context import Context
from neutron_lib.db import api as db_api

_Given = ParamSpec("_Given")
_Value = TypeVar("_Value")
Work = Callable[Concatenate[Context, _Given], _Value]


def read(work: Work[_Given, _Value], *args: _Given.args, **kwargs: _Given.kwargs) -> _Value:
    """Return what ``work`` reads."""
    value: _Value = _run(db_api.CONTEXT_READER, lambda context: work(context, *args, **kwargs))
    return value


def write(work: Work[_Given, _Value], *args: _Given.args, **kwargs: _Given.kwargs) -> _Value:
    """Do what ``work`` does, wholly or not at all; a deadlock is tried again."""
    value: _Value = _run(db_api.CONTEXT_WRITER, lambda context: work(context, *args, **kwargs))
    return value


def admin_context() -> Context:
    """Return an administrator's context, to which our guards apply."""
    return neutron_context.get_admin_context()


@db_api.retry_db_errors
def _run(kind: Any, work: Callable[[Context], Any]) -> Any:
    context = admin_context()
    with kind.using(context):
        return work(context)
