"""Filters that several lists of the back office share."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from unfold.contrib.filters.admin import RangeDateTimeFilter


class TimeRange(RangeDateTimeFilter):
    """From and to by the organisation's clock (Unfold takes what is typed for UTC). A day without a time is all of it."""

    def queryset(self, request: HttpRequest, rows: QuerySet[Any]) -> QuerySet[Any]:
        for end, lookup, otherwise in (("from", "gte", "00:00:00"), ("to", "lte", "23:59:59.999999")):
            day, moment = (self.used_parameters.get(f"{self.parameter_name}_{end}_{part}") for part in (0, 1))
            try:
                found = parse_datetime(f"{day}T{moment or otherwise}") if day else None
            except ValueError:  # the 31st of February
                found = None
            if found is not None:
                rows = rows.filter(**{f"{self.parameter_name}__{lookup}": timezone.make_aware(found)})
        return rows
