"""Thousands of values asked for at once, as one array: a parameter each costs Python longer than the query takes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import orjson
from django.db.models.expressions import RawSQL


def any_id(ids: Iterable[int]) -> RawSQL:
    """For `filter(contact__in=any_id(ids))`."""
    return RawSQL("SELECT unnest(%s::bigint[])", [id_array(ids)])


def any_text(texts: Iterable[str]) -> RawSQL:
    """For `filter(value__in=any_text(values))`."""
    return RawSQL("SELECT unnest(%s::text[])", [list(texts)])


def id_array(ids: Iterable[int]) -> str:
    """For `ANY(%s::bigint[])`, as PostgreSQL reads it: psycopg would quote each of them."""
    return "{" + ",".join(map(str, ids)) + "}"


def as_records(rows: Iterable[Mapping[str, Any]]) -> str:
    """Rows of several columns for `jsonb_to_recordset(%s::jsonb)`: a tenth of what arrays of texts cost to write.

    A value may be an orjson.Fragment. Raises TypeError for what JSON does not know.
    """
    return orjson.dumps(list(rows)).decode()
