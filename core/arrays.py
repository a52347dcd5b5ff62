"""Thousands of values asked for at once, as one array: a parameter each costs Python longer than the query takes."""

from __future__ import annotations

from collections.abc import Iterable

from django.db.models.expressions import RawSQL


def any_id(ids: Iterable[int]) -> RawSQL:
    """For `filter(contact__in=any_id(ids))`."""
    return RawSQL("SELECT unnest(%s::bigint[])", [list(ids)])


def any_text(texts: Iterable[str]) -> RawSQL:
    """For `filter(value__in=any_text(values))`."""
    return RawSQL("SELECT unnest(%s::text[])", [list(texts)])
