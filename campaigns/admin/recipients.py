"""Person by person: what happened, and why."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from campaigns.models import CampaignMessage, SkipReason, Status
from core.admin import TenantAdmin, site
from core.roles import Capability
from crm.models.contacts import PointKind
from crm.selectors import masked
from messaging.error_codes import explain

COLOURS = {
    "pending": "default", "skipped": "default", "claimed": "info", "submitting": "info", "unknown": "warning",
    "accepted": "info", "sent": "info", "failed": "danger", "delivered": "success", "read": "success",
}  # fmt: skip


@admin.register(CampaignMessage, site=site)
class RecipientAdmin(TenantAdmin):
    read_capability = Capability.CAMPAIGNS_READ
    list_display: ClassVar = ["person", "number", "state", "reason", "campaign", "accepted_at", "responded_at"]
    list_filter: ClassVar = ["status", "skip_reason", "campaign"]
    list_select_related: ClassVar = ["contact", "campaign"]
    search_fields: ClassVar = ["contact__display_name", "=recipient"]
    fields: ClassVar = [
        "campaign", "contact", "property", "number", "variables", "status", "skip_reason", "channel", "attempts",
        "deferrals", "not_before", "error_code", "error", "accepted_at", "responded_at",
    ]  # fmt: skip
    readonly_fields: ClassVar = ["number"]
    export_columns: ClassVar = [
        ("Campaign", "campaign.name"), ("Person", "contact.display_name"), ("Number", lambda row: number_of(row)),
        "status", ("Why", lambda row: why(row)), "attempts", "accepted_at", "responded_at",
    ]  # fmt: skip

    def lookup_allowed(self, lookup: str, value: str, request: Any = None) -> bool:
        """Every number of a campaign's page leads to the rows behind it."""
        return lookup in {"error_code__exact", "responded_at__isnull", "status__in"} or super().lookup_allowed(
            lookup, value, request
        )

    @display(description=_("Person"), ordering="contact__display_name")
    def person(self, row: CampaignMessage) -> str:
        return str(row.contact.display_name)

    @display(description=_("Number"))
    def number(self, row: CampaignMessage) -> str:
        return number_of(row) or "–"

    @display(description=_("Status"), label=COLOURS, ordering="status")
    def state(self, row: CampaignMessage) -> tuple[str, str]:
        return row.status, Status(row.status).label

    @display(description=_("Why"))
    def reason(self, row: CampaignMessage) -> str:
        return why(row)


def number_of(row: CampaignMessage) -> str:
    """With its middle hidden, as in every list: the contact's page shows it, and keeps that it did."""
    return masked(PointKind.PHONE, f"+{row.recipient}") if row.recipient.isdigit() else row.recipient


def why(row: CampaignMessage) -> str:
    """In plain words why somebody did not get it."""
    if row.status == Status.SKIPPED:
        label = str(SkipReason(row.skip_reason).label)
        return f"{label} ({row.error})" if row.error else label
    if row.error_code is not None and row.status in (Status.FAILED, Status.PENDING):
        return explain(row.error_code).meaning
    return row.error
