"""What changed about units and contacts."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display
from unfold.views import ChangeList

from core.admin import TenantAdmin, site
from core.roles import Capability
from crm.models import HistoryEntry
from crm.selectors.history import Happening, happenings, source_label


class InWords(ChangeList):
    """Names the contacts, projects and members of a whole page of entries at once."""

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        entries: list[Any] = list(self.result_list)  # type: ignore[has-type]
        for entry, told in zip(entries, happenings(entries), strict=True):
            entry.told = told
        self.result_list = entries


@admin.register(HistoryEntry, site=site)
class HistoryEntryAdmin(TenantAdmin):
    """Before, after, when, by whom and through what. `?property_id=` or `?contact_id=` shows one of them."""

    read_capability = Capability.CRM_READ
    list_display = ["at", "subject", "field", "was", "became", "who", "through"]
    list_filter = ["field", "at"]
    list_select_related = ["membership__user"]
    export_columns = [
        "at", ("Unit", "property_id"), ("Contact", "contact_id"), "field", "before", "after",
        ("By", "membership.user.name"), ("Through", lambda entry: source_label(entry.source)),
    ]  # fmt: skip
    fields = ["at", "subject", "field", "was", "became", "who", "through"]
    readonly_fields = fields

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return InWords

    def lookup_allowed(self, lookup: str, value: Any, request: HttpRequest | None = None) -> bool:
        return lookup in {"property_id", "contact_id"} or super().lookup_allowed(lookup, value, request)

    @display(description=_("Of"))
    def subject(self, entry: HistoryEntry) -> str:
        unit = f"unit {entry.property_id}" if entry.property_id else ""
        contact = _told(entry).about or (f"contact {entry.contact_id}" if entry.contact_id else "")
        return ", ".join(part for part in (unit, contact) if part)

    @display(description=_("Before"))
    def was(self, entry: HistoryEntry) -> str:
        return _told(entry).before

    @display(description=_("After"))
    def became(self, entry: HistoryEntry) -> str:
        return _told(entry).after

    @display(description=_("By"), empty_value=_("Majlis"))
    def who(self, entry: HistoryEntry) -> str | None:
        return entry.membership.user.name if entry.membership else None

    @display(description=_("Through"))
    def through(self, entry: HistoryEntry) -> str:
        return source_label(entry.source)


def _told(entry: HistoryEntry) -> Happening:
    """As the list prepared it; on the page of one entry it is asked for."""
    told: Happening | None = getattr(entry, "told", None)
    return told or happenings([entry])[0]
