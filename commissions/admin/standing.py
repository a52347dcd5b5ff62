"""Which of what was paid or received still stands, as the lists of the back office ask it."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from commissions.filtering import OWED_AGAIN
from core.admin import TenantAdmin
from core.money import format_money

STANDS, TAKEN_BACK, OWED = "yes", "no", "owed"


class MovementAdmin(TenantAdmin):
    """A list of money that moved. What was taken back stays in it, with the reason; `reversals` are read with the rows."""

    export_prefetched: ClassVar = ("reversals__reversed_by__user",)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).prefetch_related("reversals")

    @display(description=_("Amount"), ordering="amount_minor")
    def amount(self, row: Any) -> str:
        return format_money(row.amount_minor, row.currency)

    @display(description=_("Stands"), boolean=True)
    def stands(self, row: Any) -> bool:
        return not row.reversals.all()

    @display(description=_("Taken back because"))
    def taken_back(self, row: Any) -> str:
        return ", ".join(one.reason for one in row.reversals.all())


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


def reversal_column(what: str) -> Any:
    """A column of an export: of the reversal, if there is one."""

    def value(row: Any) -> Any:
        reversal = next(iter(row.reversals.all()), None)
        if reversal is None:
            return ""
        told = {"why": reversal.reason, "when": reversal.at}
        return reversal.reversed_by.user.name if what == "by" and reversal.reversed_by else told.get(what, "Majlis")

    return value


COLUMNS = [(f"Taken back {what}", reversal_column(what)) for what in ("why", "by", "when")]
