"""Which organisation this connection works for, and on whose behalf.

Rows are narrowed explicitly, once, at the door; this is the wall behind it. PostgreSQL shows a connection only the
rows of the organisation named in the setting `majlis.organization` (policies: core/protection.py), and none when the
setting is empty. Every door opens exactly one scope: the middleware for requests, tasks and commands by hand.

Two more settings travel along for the triggers that keep history: `majlis.actor`, the membership that acts, and
`majlis.source`, through what (`page`, `api`, `back_office`, `sheet:12/run:34`, `merge`; empty is Majlis itself).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace

from django.db import connection

SETTING = "majlis.organization"
ACTOR_SETTING = "majlis.actor"
SOURCE_SETTING = "majlis.source"


@dataclass(frozen=True, slots=True)
class _Scope:
    organization_id: int | None = None
    membership_id: int | None = None
    source: str = ""


_current: ContextVar[_Scope] = ContextVar("majlis_scope", default=_Scope())  # noqa: B039 - frozen


def current_organization_id() -> int | None:
    """The organisation of the innermost open scope, or None."""
    return _current.get().organization_id


@contextmanager
def organization_scope(
    organization_id: int | None, *, membership_id: int | None = None, source: str = ""
) -> Iterator[None]:
    """See and write the rows of one organisation until the block ends; None sees nothing. Scopes may be nested.

    Within the same organisation a nested scope acts for whom the outer one did, unless it says otherwise.
    A connection that is replaced inside the block (lost, closed) starts with no organisation: it fails closed.
    """
    outer = _current.get()
    wanted = _Scope(organization_id, membership_id, source)
    if organization_id == outer.organization_id and not membership_id and not source:
        wanted = outer
    with _opened(wanted):
        yield


@contextmanager
def acting_through(source: str, *, membership_id: int | None = None) -> Iterator[None]:
    """What is written inside the block came through `source`: an import, a sync, a merge. The house stays the same.

    Who acts stays the same too, unless a membership is named. The texts are those of the module's docstring.
    """
    outer = _current.get()
    with _opened(replace(outer, source=source, membership_id=membership_id or outer.membership_id)):
        yield


def name_actor(membership_id: int) -> None:
    """Say who acts in the scope that is open, until it ends: for doors that learn it only inside (tokens)."""
    scope = replace(_current.get(), membership_id=membership_id)
    _set(scope)
    _current.set(scope)


@contextmanager
def _opened(scope: _Scope) -> Iterator[None]:
    before = _current.get()
    _set(scope)
    token = _current.set(scope)
    try:
        yield
    finally:
        _current.reset(token)
        # In a broken transaction nothing can be said to PostgreSQL, and its rollback undoes our setting anyway.
        if not connection.needs_rollback:
            _set(before)


def _set(scope: _Scope) -> None:
    values = [
        "" if value is None else str(value) for value in (scope.organization_id, scope.membership_id, scope.source)
    ]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT set_config(%s, %s, false), set_config(%s, %s, false), set_config(%s, %s, false)",
            [SETTING, values[0], ACTOR_SETTING, values[1], SOURCE_SETTING, values[2]],
        )
