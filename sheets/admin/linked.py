"""Linked Google sheets in the back office: accounts, sheets, and the cells on which both sides disagree."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.db.models import Count, Q, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext
from unfold.decorators import display

from core.admin import TenantAdmin, acting, call_service, site
from core.errors import DomainError
from core.roles import Capability
from sheets.admin.imports import in_unfold
from sheets.forms import AccountForm
from sheets.models import CellChange, Conflict, GoogleAccount, Provider, Resolution, Spreadsheet
from sheets.sync import conflicts, linking, requests
from sheets.sync.unlinking import preview_unlinking, unlink_sheet

MOST_SHOWN = 200
SHEET_COLORS = {"pending": "default", "syncing": "warning", "synced": "success", "failed": "danger"}


def confirmation(
    model_admin: TenantAdmin,
    request: HttpRequest,
    verb: Any,
    told: list[Any],
    *,
    choice: Any = None,
    is_open: bool = True,
) -> HttpResponse:
    """Asks once more before an action on the chosen rows. `choice`: (name, label) of a box to tick. `is_open`: it can be done."""
    context = {
        **model_admin.admin_site.each_context(request),
        "title": verb,
        "told": told,
        "choice": choice,
        "is_open": is_open,
        "action": request.POST["action"],
        "chosen": request.POST.getlist("_selected_action"),
        "across": request.POST.get("select_across", "0"),
        "opts": model_admin.opts,
    }
    return render(request, "sheets/admin_confirm.html", context)


@admin.register(GoogleAccount, site=site)
class GoogleAccountAdmin(TenantAdmin):
    """Service accounts. The key goes in and is never shown again."""

    read_capability = Capability.SHEETS_LINK
    list_display = ["email", "name", "sheets", "last_error"]
    search_fields = ["email", "name"]
    fields = ["email", "name", "last_error"]
    actions = ["remove"]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).defer("key").annotate(sheet_count=Count("spreadsheets"))

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return acting(request).can(Capability.SHEETS_LINK)

    @display(description=_("Linked sheets"), ordering="sheet_count")
    def sheets(self, account: Any) -> str:
        address = f"{reverse('admin:sheets_spreadsheet_changelist')}?account__id__exact={account.pk}"
        return format_html('<a href="{}">{}</a>', address, account.sheet_count)

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """Upload a key; a newer key of an account that is there replaces the old one."""
        if not self.has_add_permission(request):
            raise Http404
        form: forms.Form = in_unfold(AccountForm(request.POST or None, request.FILES or None))
        if request.method == "POST" and form.is_valid():
            try:
                account = linking.add_account(actor=acting(request), at=timezone.now(), **form.cleaned_data)
            except DomainError as error:
                form.add_error("key", error.message)
            else:
                self.message_user(request, _("Share every sheet with %(email)s.") % {"email": account.email})
                return HttpResponseRedirect(reverse("admin:sheets_googleaccount_changelist"))
        context = {**self.admin_site.each_context(request), "title": "Add an account", "form": form, "opts": self.opts}
        return render(request, "sheets/admin_upload.html", context)

    @admin.action(description=_("Remove (its key is forgotten)"))
    def remove(self, request: HttpRequest, chosen: QuerySet[GoogleAccount]) -> HttpResponse | None:
        """Asked once more, with what stops without it."""
        if "confirmed" not in request.POST:
            told, is_open = [], False
            for account in chosen.prefetch_related("spreadsheets"):
                names = ", ".join(sheet.name for sheet in account.spreadsheets.all())
                is_open = is_open or not names
                text = (
                    _("%(email)s stays: %(sheets)s could not be synced without it. Give them another account or unlink "
                      "them first.") if names
                    else _("%(email)s: its key is forgotten, and no sheet can be linked with it until a key is uploaded "
                           "again. No sheet uses it now, so no sync stops. Documents stay shared with it in Google.")
                )  # fmt: skip
                told.append(text % {"email": account.email, "sheets": names})
            return confirmation(self, request, _("Remove"), told, is_open=is_open)
        for account in chosen:
            call_service(self, request, linking.remove_account, account=account, at=timezone.now())
        return None


class FreshnessFilter(admin.SimpleListFilter):
    title = _("freshness")
    parameter_name = "freshness"

    def lookups(self, *_args: Any) -> list[tuple[str, Any]]:
        return [("stale", _("Stale: two intervals without a success"))]

    def queryset(self, request: HttpRequest, rows: Any) -> Any:
        if self.value() != "stale":
            return rows
        return rows.filter(pk__in=Spreadsheet.objects.stale(timezone.now()).values("pk"))


@admin.register(Spreadsheet, site=site)
class SpreadsheetAdmin(TenantAdmin):
    """Sources that are remembered, and when each last came in; linked ones are looked after on their page."""

    read_capability = Capability.SHEETS_IMPORT
    list_display = [
        "name", "table", "provider", "state", "last_success_at", "next_sync_at", "is_paused", "open_conflicts",
        "last_error", "page",
    ]  # fmt: skip
    list_filter = ["status", "provider", FreshnessFilter, "is_paused", "account"]
    list_select_related = ["account", "organization"]
    search_fields = ["name", "document_id"]
    actions = ["sync_now", "try_out", "pause", "start", "unlink"]
    export_columns = [
        "name", "table", "provider", "status", "tab", ("Account", "account.email"), "interval", "is_paused",
        "last_success_at", "next_sync_at", "last_error",
    ]  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        still_open = Count("conflicts", filter=Q(conflicts__settled_at__isnull=True, conflicts__resolution=""))
        return super().get_queryset(request).annotate(conflict_count=still_open)

    @display(description=_("Status"), label=SHEET_COLORS, ordering="status")
    def state(self, sheet: Spreadsheet) -> tuple[str, Any]:
        if sheet.unlinked_at:
            return "pending", _("Unlinked")
        return sheet.status, sheet.get_status_display()

    @display(description=_("Conflicts"), ordering="conflict_count")
    def open_conflicts(self, sheet: Any) -> str:
        if not sheet.conflict_count:
            return ""
        address = f"{reverse('admin:sheets_conflict_changelist')}?state=open&spreadsheet__id__exact={sheet.pk}"
        return format_html('<a href="{}">{}</a>', address, sheet.conflict_count)

    @display(description=_("Page"))
    def page(self, sheet: Spreadsheet) -> str:
        if sheet.provider != Provider.GOOGLE:
            return ""
        address = f"/o/{sheet.organization.slug}/sheets/{sheet.pk}/"
        return format_html('<a href="{}">{}</a>', address, pgettext("verb", "Open"))

    @admin.action(description=_("Sync now"))
    def sync_now(self, request: HttpRequest, chosen: QuerySet[Spreadsheet]) -> None:
        self._ask(request, chosen, dry_run=False)

    @admin.action(description=_("Dry run: say what a sync would do"))
    def try_out(self, request: HttpRequest, chosen: QuerySet[Spreadsheet]) -> None:
        self._ask(request, chosen, dry_run=True)

    def _ask(self, request: HttpRequest, chosen: QuerySet[Spreadsheet], *, dry_run: bool) -> None:
        for sheet in chosen:
            asked = {"spreadsheet": sheet, "dry_run": dry_run, "at": timezone.now()}
            if call_service(self, request, requests.request_sync, **asked) is not None:
                self.message_user(request, _("%(name)s: a worker is at it.") % {"name": sheet.name})

    @admin.action(description=_("Pause: no syncs by the clock"))
    def pause(self, request: HttpRequest, chosen: QuerySet[Spreadsheet]) -> None:
        self._pause(request, chosen, is_paused=True)

    @admin.action(description=_("Start: sync by the clock"))
    def start(self, request: HttpRequest, chosen: QuerySet[Spreadsheet]) -> None:
        self._pause(request, chosen, is_paused=False)

    def _pause(self, request: HttpRequest, chosen: QuerySet[Spreadsheet], *, is_paused: bool) -> None:
        for sheet in chosen:
            asked = {"spreadsheet": sheet, "is_paused": is_paused, "at": timezone.now()}
            call_service(self, request, linking.pause_sheet, **asked)

    @admin.action(description=_("Unlink: sync no more"))
    def unlink(self, request: HttpRequest, chosen: QuerySet[Spreadsheet]) -> HttpResponse | None:
        """Asked once more, with what is closed and what stays."""
        actor = acting(request)
        if not actor.can(Capability.SHEETS_LINK):
            self._refuse(request)
            return None
        if "confirmed" not in request.POST:
            linked = [sheet for sheet in chosen if sheet.provider == Provider.GOOGLE and not sheet.unlinked_at]
            found = [(sheet, preview_unlinking(actor=actor, spreadsheet=sheet)) for sheet in linked]
            told: list[Any] = [
                _("%(name)s: its %(rows)s rows and their units stay; %(conflicts)s open conflicts are closed.")
                % {"name": sheet.name, "rows": preview.rows, "conflicts": preview.conflicts}
                for sheet, preview in found
            ] or [_("None of these is a linked sheet.")]
            choice = ("remove_ids", _("Also take the hidden column majlis_id out of the sheet. Linked again, rows are "
                                      "then matched by what they say."))  # fmt: skip
            return confirmation(self, request, _("Unlink"), told, choice=choice if found else None, is_open=bool(found))
        for sheet in chosen:
            asked = {"spreadsheet": sheet, "remove_ids": "remove_ids" in request.POST, "at": timezone.now()}
            done = call_service(self, request, unlink_sheet, **asked)
            if done is not None:
                self.message_user(request, _("%(name)s is unlinked.") % {"name": sheet.name}, messages.SUCCESS)
                if done.ids_left:
                    self.message_user(request, done.ids_left, messages.WARNING)
        return None

    def _refuse(self, request: HttpRequest) -> None:
        self.message_user(request, _("You may not link or unlink sheets."), messages.ERROR)


class StateFilter(admin.SimpleListFilter):
    """As people speak of conflicts: waiting, decided, settled."""

    title = _("state")
    parameter_name = "state"

    def lookups(self, *_args: Any) -> list[tuple[str, Any]]:
        return [("open", _("Open")), ("resolved", _("Decided, to be carried out")), ("settled", _("Settled"))]

    def queryset(self, request: HttpRequest, rows: Any) -> Any:
        chosen = {"open": rows.open, "resolved": rows.resolved, "settled": rows.settled}.get(self.value() or "")
        return chosen() if chosen else rows


@admin.register(Conflict, site=site)
class ConflictAdmin(TenantAdmin):
    """Cells that were changed on both sides."""

    read_capability = Capability.SHEETS_IMPORT
    list_display = [
        "spreadsheet", "row", "column", "base", "ours", "theirs", "resolution", "resolved_by", "created_at", "settled_at",
    ]  # fmt: skip
    list_filter = [StateFilter, "spreadsheet", "column", "resolution"]
    list_select_related = ["spreadsheet", "resolved_by__user"]
    search_fields = ["column", "base", "ours", "theirs"]
    actions = ["ours_right", "theirs_right"]
    export_columns = [
        ("Sheet", "spreadsheet.name"), "row", "column", "base", "ours", "theirs", "resolution",
        ("Decided by", "resolved_by.user.name"), "resolved_at", "settled_at", "created_at",
    ]  # fmt: skip

    @admin.action(description=_("Majlis is right"))
    def ours_right(self, request: HttpRequest, chosen: QuerySet[Conflict]) -> HttpResponse | None:
        return self._decide(request, chosen, Resolution.OURS)

    @admin.action(description=_("The sheet is right"))
    def theirs_right(self, request: HttpRequest, chosen: QuerySet[Conflict]) -> HttpResponse | None:
        return self._decide(request, chosen, Resolution.THEIRS)

    def _decide(self, request: HttpRequest, chosen: QuerySet[Conflict], side: Resolution) -> HttpResponse | None:
        """Asked once more, with both values in view; then the next sync carries it out."""
        if "confirmed" in request.POST:
            seen = {int(pk): request.POST[f"seen-{pk}"] for pk in _shown(request)}
            given = {"conflicts": chosen, "resolution": side, "at": timezone.now(), "seen": seen}
            decided = call_service(self, request, conflicts.resolve_conflicts, **given)
            if decided is not None:
                text = _("%(count)d decided; the next sync carries it out.") % {"count": len(decided)}
                self.message_user(request, text, messages.SUCCESS)
            return None
        rows = list(chosen.select_related("spreadsheet")[:MOST_SHOWN])
        context = {
            **self.admin_site.each_context(request),
            "title": side.label,
            "rows": rows,
            "count": chosen.count(),
            "keeps_ours": side == Resolution.OURS,
            "action": request.POST["action"],
            "chosen": request.POST.getlist("_selected_action"),
            "across": request.POST.get("select_across", "0"),
            "opts": self.opts,
        }
        return render(request, "sheets/admin_decide.html", context)


def _shown(request: HttpRequest) -> list[str]:
    """The conflicts that were in view when somebody decided."""
    found = [name.removeprefix("seen-") for name in request.POST if name.startswith("seen-")]
    return [pk for pk in found if pk.isascii() and pk.isdigit()]


@admin.register(CellChange, site=site)
class CellChangeAdmin(TenantAdmin):
    """The difference of every sync, cell by cell: what came in, what went out."""

    read_capability = Capability.SHEETS_IMPORT
    list_display = ["run", "row", "column", "side", "before", "after", "created_at"]
    list_filter = ["side", "column", "run"]
    list_select_related = ["run"]
    search_fields = ["column", "before", "after"]
    export_columns = [("Sheet", "run.file_name"), "row", "column", "side", "before", "after", "created_at"]
