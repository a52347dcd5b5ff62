"""Which of what was paid or received still stands, as the lists of the back office ask it."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from commissions.filtering import OWED_AGAIN

STANDS, TAKEN_BACK, OWED = "yes", "no", "owed"


class StandsFilter(admin.SimpleListFilter):
    title = _("Stands")
    parameter_name = "stands"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [(STANDS, _("Stands")), (TAKEN_BACK, _("Taken back"))]

    def queryset(self, request: HttpRequest, rows: QuerySet[Any]) -> QuerySet[Any]:
        asked = {STANDS: {"reversals__isnull": True}, TAKEN_BACK: {"reversals__isnull": False}}
        return rows.filter(**asked.get(self.value() or "", {}))


class ReceiptStandsFilter(StandsFilter):
    """Also the cheques that bounced and that nobody has made good yet."""

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [*super().lookups(request, model_admin), (OWED, _("Taken back, and still owed"))]

    def queryset(self, request: HttpRequest, rows: QuerySet[Any]) -> QuerySet[Any]:
        return rows.filter(OWED_AGAIN) if self.value() == OWED else super().queryset(request, rows)


def taken_back(what: str) -> Any:
    """A column of an export: of the reversal, if there is one."""

    def value(row: Any) -> Any:
        reversal = next(iter(row.reversals.all()), None)
        if reversal is None:
            return ""
        told = {"why": reversal.reason, "when": reversal.at}
        return reversal.reversed_by.user.name if what == "by" and reversal.reversed_by else told.get(what, "Majlis")

    return value


COLUMNS = [(f"Taken back {what}", taken_back(what)) for what in ("why", "by", "when")]
