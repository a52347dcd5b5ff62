"""Which organisation this connection works for.

Rows are narrowed explicitly, once, at the door; this is the wall behind it. PostgreSQL shows a connection only the
rows of the organisation named in the setting `majlis.organization` (policies: core/protection.py), and none when the
setting is empty. Every door opens exactly one scope: the middleware for requests, tasks and commands by hand.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from django.db import connection

SETTING = "majlis.organization"

_current: ContextVar[int | None] = ContextVar("majlis_organization", default=None)


def current_organization_id() -> int | None:
    """The organisation of the innermost open scope, or None."""
    return _current.get()


@contextmanager
def organization_scope(organization_id: int | None) -> Iterator[None]:
    """See and write the rows of one organisation until the block ends; None sees nothing. Scopes may be nested.

    A connection that is replaced inside the block (lost, closed) starts with no organisation: it fails closed.
    """
    before = _current.get()
    _set(organization_id)
    token = _current.set(organization_id)
    try:
        yield
    finally:
        _current.reset(token)
        # In a broken transaction nothing can be said to PostgreSQL, and its rollback undoes our setting anyway.
        if not connection.needs_rollback:
            _set(before)


def _set(organization_id: int | None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config(%s, %s, false)", [SETTING, "" if organization_id is None else str(organization_id)]
        )
