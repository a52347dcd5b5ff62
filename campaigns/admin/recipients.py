"""Person by person: what happened, and why."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, StreamingHttpResponse
from django.utils import timezone
from unfold.decorators import display

from campaigns.models import CampaignMessage, SkipReason, Status
from core import audit
from core.actors import Actor
from core.admin import TenantAdmin, site
from core.roles import Capability
from messaging.error_codes import explain

COLOURS = {
    "pending": "default", "skipped": "default", "claimed": "info", "submitting": "info", "unknown": "warning",
    "accepted": "info", "sent": "info", "failed": "danger", "delivered": "success", "read": "success",
}  # fmt: skip
COLUMNS = ["campaign", "contact", "name", "number", "status", "reason", "attempts", "accepted_at", "responded_at"]
FORMULA = ("=", "+", "-", "@", "\t", "\r")


@admin.register(CampaignMessage, site=site)
class RecipientAdmin(TenantAdmin):
    read_capability = Capability.CAMPAIGNS_READ
    list_display: ClassVar = ["person", "number", "state", "reason", "campaign", "accepted_at", "responded_at"]
    list_filter: ClassVar = ["status", "skip_reason", "campaign"]
    list_select_related: ClassVar = ["contact", "campaign"]
    search_fields: ClassVar = ["contact__display_name", "recipient"]
    fields: ClassVar = [
        "campaign", "contact", "property", "recipient", "variables", "status", "skip_reason", "channel", "attempts",
        "deferrals", "not_before", "error_code", "error", "accepted_at", "responded_at",
    ]  # fmt: skip
    actions: ClassVar = ["export"]

    def lookup_allowed(self, lookup: str, value: str, request: Any = None) -> bool:
        """Every number of a campaign's page leads to the rows behind it."""
        return lookup in {"error_code__exact", "responded_at__isnull", "status__in"} or super().lookup_allowed(
            lookup, value, request
        )

    @display(description="Person", ordering="contact__display_name")
    def person(self, row: CampaignMessage) -> str:
        return str(row.contact.display_name)

    @display(description="Number")
    def number(self, row: CampaignMessage) -> str:
        return f"+{row.recipient}" if row.recipient.isdigit() else row.recipient or "–"

    @display(description="Status", label=COLOURS, ordering="status")
    def state(self, row: CampaignMessage) -> tuple[str, str]:
        return row.status, Status(row.status).label

    @display(description="Why")
    def reason(self, row: CampaignMessage) -> str:
        return why(row)

    @admin.action(description="Export as CSV", permissions=["export"])
    def export(self, request: HttpRequest, rows: QuerySet[CampaignMessage]) -> StreamingHttpResponse:
        actor: Actor = request.actor  # type: ignore[attr-defined]
        actor.require(Capability.CRM_EXPORT)
        first = rows.select_related("campaign").first()
        if first is not None:
            after = {"rows": rows.count(), "filter": request.GET.urlencode()}
            audit.record(actor=actor, action="campaigns.recipients_exported", target=first.campaign, after=after)
        # Read before the answer starts: the organisation's scope is closed by the time the body is streamed.
        lines = list(_lines(rows))
        name = f"recipients-{timezone.now():%Y%m%d-%H%M}.csv"
        return StreamingHttpResponse(
            lines,
            content_type="text/csv; charset=utf-8",
            headers={"Content-Disposition": f'attachment; filename="{name}"'},
        )

    def has_export_permission(self, request: HttpRequest) -> bool:
        return request.actor.can(Capability.CRM_EXPORT)  # type: ignore[attr-defined]


def why(row: CampaignMessage) -> str:
    """In plain words why somebody did not get it."""
    if row.status == Status.SKIPPED:
        label = str(SkipReason(row.skip_reason).label)
        return f"{label} ({row.error})" if row.error else label
    if row.error_code is not None and row.status in (Status.FAILED, Status.PENDING):
        return explain(row.error_code).meaning
    return row.error


class _Echo:
    def write(self, line: str) -> str:
        return line


def _lines(rows: QuerySet[CampaignMessage]) -> Iterator[str]:
    writer = csv.writer(_Echo())
    yield "\ufeff" + writer.writerow(COLUMNS)
    for row in rows.select_related("contact", "campaign").order_by("pk").iterator(chunk_size=2000):
        values = [
            row.campaign.name, row.contact_id, row.contact.display_name, row.recipient, row.status, why(row),
            row.attempts, _time(row.accepted_at), _time(row.responded_at),
        ]  # fmt: skip
        yield writer.writerow([_plain(value) for value in values])


def _time(moment: Any) -> str:
    return moment.isoformat(timespec="seconds") if moment else ""


def _plain(value: object) -> object:
    """Spreadsheets run a text that looks like a formula: an apostrophe stops that."""
    return f"'{value}" if isinstance(value, str) and value.startswith(FORMULA) else value
