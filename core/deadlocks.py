"""What PostgreSQL gave up because two acts waited for each other is done once more, and then refused in words."""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

import structlog
from django.db import OperationalError, connection, transaction

from core.errors import Conflict

P = ParamSpec("P")
R = TypeVar("R")

GIVEN_UP = {"40P01", "40001"}  # deadlock detected, serialization failure: nothing of it was written
PAUSE = 0.1  # seconds, in which the other gets the rows that we let go, else the two would only meet again
log = structlog.get_logger(__name__)


class TryAgain(Conflict):
    """Others changed the same rows at this moment, twice."""

    code = "try_again"


def tried_twice(service: Callable[P, R]) -> Callable[P, R]:
    """A service in one transaction, begun anew once when the database gave it up. Then it raises TryAgain.

    Inside another transaction it is that one's part, as with transaction.atomic: only the whole can be begun anew.
    """

    @wraps(service)
    def twice(*args: P.args, **kwargs: P.kwargs) -> R:
        is_part = connection.in_atomic_block
        try:
            with transaction.atomic():
                return service(*args, **kwargs)
        except OperationalError as error:
            if is_part or not _was_given_up(error):
                raise
            log.warning("begun_anew", service=service.__name__)
        time.sleep(PAUSE)
        try:
            with transaction.atomic():
                return service(*args, **kwargs)
        except OperationalError as error:
            if not _was_given_up(error):
                raise
            raise TryAgain("Somebody else changes the same at this moment. Nothing was done: try again.") from error

    return twice


def _was_given_up(error: OperationalError) -> bool:
    return getattr(error.__cause__, "sqlstate", None) in GIVEN_UP
