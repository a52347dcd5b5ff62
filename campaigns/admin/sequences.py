"""Sequences and the people in them, as the back office sees them: written and decided on their pages, read here."""

from __future__ import annotations

from typing import Any, ClassVar

from django.contrib import admin
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from campaigns.models import Enrollment, EnrollmentState, EnrollmentStep, Sequence, SequenceStatus, StopReason
from core.admin import TenantAdmin, site
from core.roles import Capability

SEQUENCE_COLOURS = {"draft": "default", "in_review": "warning", "active": "success", "paused": "danger"}
STATE_COLOURS = {"active": "info", "paused": "warning", "completed": "success", "stopped": "default"}


@admin.register(Sequence, site=site)
class SequenceAdmin(TenantAdmin):
    read_capability = Capability.CAMPAIGNS_READ
    list_display: ClassVar = ["name", "state", "channel", "created_by", "created_at"]
    list_filter: ClassVar = ["status", "channel"]
    list_select_related: ClassVar = ["channel", "created_by__user"]
    search_fields: ClassVar = ["name"]
    export_columns: ClassVar = [
        "name", "status", "status_reason", ("Number", "channel.name"), "quiet_from", "quiet_until",
        "working_days_only", "stop_on_reply", "stop_on_sale", ("Written by", "created_by.user.name"), "created_at",
    ]  # fmt: skip

    @display(description=_("Status"), label=SEQUENCE_COLOURS, ordering="status")
    def state(self, row: Sequence) -> tuple[str, str]:
        return row.status, SequenceStatus(row.status).label


@admin.register(Enrollment, site=site)
class EnrollmentAdmin(TenantAdmin):
    read_capability = Capability.CAMPAIGNS_READ
    list_display: ClassVar = ["person", "sequence", "under_way", "reason", "due_at", "enrolled_at", "ended_at"]
    list_filter: ClassVar = ["state", "stop_reason", "sequence"]
    list_select_related: ClassVar = ["contact", "sequence"]
    search_fields: ClassVar = ["contact__display_name"]
    export_columns: ClassVar = [
        ("Sequence", "sequence.name"), ("Person", "contact.display_name"), "state",
        ("Why", lambda row: str(StopReason(row.stop_reason).label) if row.stop_reason else ""), "note",
        ("Next step", "next_step.position"), "due_at", "enrolled_at", ("Enrolled by", "enrolled_by.user.name"),
        "ended_at",
    ]  # fmt: skip

    @display(description=_("Person"), ordering="contact__display_name")
    def person(self, row: Enrollment) -> str:
        return str(row.contact.display_name)

    @display(description=_("State"), label=STATE_COLOURS, ordering="state")
    def under_way(self, row: Enrollment) -> tuple[str, str]:
        return row.state, EnrollmentState(row.state).label

    @display(description=_("Why it ended"))
    def reason(self, row: Enrollment) -> str:
        return str(StopReason(row.stop_reason).label) if row.stop_reason else row.note


@admin.register(EnrollmentStep, site=site)
class EnrollmentStepAdmin(TenantAdmin):
    read_capability = Capability.CAMPAIGNS_READ
    list_display: ClassVar = ["person", "sequence", "position", "outcome", "at", "replied_at"]
    list_filter: ClassVar = ["outcome", "sequence"]
    list_select_related: ClassVar = ["contact", "sequence", "step"]
    search_fields: ClassVar = ["contact__display_name"]
    export_columns: ClassVar = [
        ("Sequence", "sequence.name"), ("Person", "contact.display_name"), ("Step", "step.position"), "outcome",
        ("Message", "message.status"), "at", "replied_at",
    ]  # fmt: skip

    @display(description=_("Person"), ordering="contact__display_name")
    def person(self, row: EnrollmentStep) -> str:
        return str(row.contact.display_name)

    @display(description=_("Step"))
    def position(self, row: EnrollmentStep) -> Any:
        return row.step.position
