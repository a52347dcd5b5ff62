"""The history of numbers and templates, and blocks that WhatsApp was asked to lift."""

from __future__ import annotations

from typing import ClassVar

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from core.admin import TenantAdmin, site
from core.roles import Capability
from messaging import verdicts
from messaging.models import Appeal, Notice


@admin.register(Notice, site=site)
class NoticeAdmin(TenantAdmin):
    """The history of numbers, accounts and templates; nobody changes it."""

    read_capability = Capability.CHANNELS_READ
    list_display: ClassVar = ["at", "kind", "severity", "meaning", "channel", "template"]
    list_filter: ClassVar = ["kind", "severity"]
    list_select_related: ClassVar = ["channel", "template"]
    search_fields: ClassVar = ["code", "channel__name", "template__name"]
    export_columns: ClassVar = [
        "at", "kind", "code", "severity", ("Number", "channel.name"), ("Template", "template.name"),
    ]  # fmt: skip
    readonly_fields: ClassVar = ["meaning"]

    @admin.display(description=_("What it means"))
    def meaning(self, notice: Notice) -> str:
        said = verdicts.read(notice.kind, notice.code, notice.details)
        return f"{said.meaning} {said.step}".strip()


@admin.register(Appeal, site=site)
class AppealAdmin(TenantAdmin):
    read_capability = Capability.CHANNELS_READ
    list_display: ClassVar = ["channel", "outcome", "asked_by", "asked_at", "decided_at"]
    list_filter: ClassVar = ["outcome"]
    list_select_related: ClassVar = ["channel", "asked_by__user"]
    search_fields: ClassVar = ["channel__name", "note"]
    export_columns: ClassVar = [
        ("Number", "channel.name"), "outcome", ("Asked by", "asked_by.user.name"), "asked_at", "note", "decided_at",
    ]  # fmt: skip
