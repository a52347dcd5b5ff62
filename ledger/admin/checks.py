"""What the nightly checks of the books found."""

from __future__ import annotations

from typing import ClassVar

from django.contrib import admin
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from core.admin import TenantAdmin, site
from core.roles import Capability
from ledger.models import BooksCheck


@admin.register(BooksCheck, site=site)
class BooksCheckAdmin(TenantAdmin):
    read_capability = Capability.LEDGER_READ
    list_display: ClassVar = ["at", "account_count", "transfer_count", "entry_count", "verdict"]
    list_filter: ClassVar = ["at"]
    export_columns: ClassVar = [
        "at", "account_count", "transfer_count", "entry_count", ("Found", lambda check: found(check)),
    ]  # fmt: skip
    fields: ClassVar = ["at", "account_count", "transfer_count", "entry_count", "what_was_found"]
    readonly_fields: ClassVar = ["what_was_found"]

    @display(description=_("Verdict"), label={"as written": "success", "altered": "danger"})
    def verdict(self, check: BooksCheck) -> str:
        return "altered" if check.findings else "as written"

    @display(description=_("Found"))
    def what_was_found(self, check: BooksCheck) -> str:
        return found(check) or "Everything is as it was written."


def found(check: BooksCheck) -> str:
    return "\n".join(f"{finding['kind']}: {finding['where']}" for finding in check.findings)
