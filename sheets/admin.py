"""Imports in the back office: upload, look at the guessed mapping, preview, import, fetch what was wrong."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin, messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import path, reverse
from django.utils import timezone
from unfold.decorators import display
from unfold.widgets import UnfoldAdminFileFieldWidget, UnfoldAdminSelectWidget

from core.admin import TenantAdmin, acting, site
from core.errors import DomainError
from core.roles import Capability
from sheets import error_files, progress, services
from sheets.mapping import fields_of, plan
from sheets.models import ImportRun, RowError, RunStatus, Spreadsheet
from sheets.tables import declared, table_named

STATUS_COLORS = {
    "draft": "default", "previewing": "info", "previewed": "info", "queued": "warning", "running": "warning",
    "done": "success", "failed": "danger", "cancelled": "default", "reverted": "default",
}  # fmt: skip
FIGURES = {
    "read": "Rows read", "new": "New", "changed": "Changed", "unchanged": "Unchanged", "skipped": "Skipped",
    "errors": "Refused", "warnings": "With a doubt", "projects_new": "New projects", "properties_new": "New units",
    "contacts_new": "New contacts", "points_new": "New numbers and addresses", "ownerships_new": "New ownerships",
}  # fmt: skip
AT_WORK = {RunStatus.PREVIEWING, RunStatus.QUEUED, RunStatus.RUNNING}
SHOWN_SAMPLES = 8
SHOWN_WRONG = 50


class UploadForm(forms.Form):
    """What to import, and into which table."""

    file = forms.FileField(
        help_text=".xlsx, .xls or .csv, up to 50 MB. Nothing is imported before you have seen what would happen.",
        widget=UnfoldAdminFileFieldWidget,
    )
    table = forms.ChoiceField(widget=UnfoldAdminSelectWidget)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        tables: Any = self.fields["table"]
        tables.choices = [(table.name, table.label) for table in declared()]


class MappingForm(forms.Form):
    """One choice for every column of the sheet, and the options of the table."""

    def __init__(self, run: ImportRun, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        table = table_named(run.spreadsheet.table)
        targets = [("", "not imported"), *((field.name, field.label) for field in table.fields)]
        for index, header in enumerate(run.spreadsheet.header):
            self.fields[f"column-{index}"] = forms.ChoiceField(
                label=header,
                choices=targets,
                required=False,
                initial=run.mapping["columns"].get(header, ""),
                widget=UnfoldAdminSelectWidget,
            )
        for option in table.options:
            self.fields[f"option-{option.name}"] = forms.ChoiceField(
                label=option.label,
                choices=list(option.choices.items()),
                initial=run.mapping["options"].get(option.name, option.default),
                widget=UnfoldAdminSelectWidget,
            )

    def document(self, run: ImportRun) -> dict[str, Any]:
        """The mapping that was chosen, for services.change_mapping."""
        chosen = self.cleaned_data
        return {
            "columns": {header: chosen[f"column-{index}"] for index, header in enumerate(run.spreadsheet.header)},
            "options": {
                name.removeprefix("option-"): value for name, value in chosen.items() if name.startswith("option-")
            },
        }


@admin.register(ImportRun, site=site)
class ImportRunAdmin(TenantAdmin):
    read_capability = Capability.SHEETS_IMPORT
    write_capability = Capability.SHEETS_IMPORT
    list_display = ["file_name", "state", "read", "new", "changed", "unchanged", "wrong", "requested_by", "created_at"]
    list_filter = ["status", "trigger"]
    list_select_related = ["requested_by__user"]
    search_fields = ["file_name"]
    export_columns = [
        "file_name", "status", "trigger", ("Rows", lambda run: run.counts.get("read")),
        ("New", lambda run: run.counts.get("new")), ("Changed", lambda run: run.counts.get("changed")),
        ("Refused", lambda run: run.counts.get("errors")), ("By", "requested_by.user.name"), "created_at",
        "finished_at",
    ]  # fmt: skip

    @display(description="Status", label=STATUS_COLORS, ordering="status")
    def state(self, run: ImportRun) -> tuple[str, str]:
        return run.status, run.get_status_display()

    @display(description="Rows")
    def read(self, run: ImportRun) -> int | str:
        return run.counts.get("read", "")

    @display(description="New")
    def new(self, run: ImportRun) -> int | str:
        return run.counts.get("new", "")

    @display(description="Changed")
    def changed(self, run: ImportRun) -> int | str:
        return run.counts.get("changed", "")

    @display(description="Unchanged")
    def unchanged(self, run: ImportRun) -> int | str:
        return run.counts.get("unchanged", "")

    @display(description="Refused")
    def wrong(self, run: ImportRun) -> int | str:
        return run.counts.get("errors", "")

    def get_urls(self) -> list[Any]:
        own = path("<int:run_id>/error-file/", self.admin_site.admin_view(self.error_file), name="sheets_error_file")
        return [own, *super().get_urls()]

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """Upload a file; a refusal says what to do and keeps nothing."""
        if not self.has_add_permission(request):
            raise Http404
        form = UploadForm(request.POST or None, request.FILES or None)
        if request.method == "POST" and form.is_valid():
            file = form.cleaned_data["file"]
            try:
                run = services.create_import(
                    actor=acting(request),
                    file=file,
                    name=file.name,
                    table=form.cleaned_data["table"],
                    at=timezone.now(),
                )
            except DomainError as error:
                form.add_error("file", error.message)
            else:
                return HttpResponseRedirect(reverse("admin:sheets_importrun_change", args=[run.pk]))
        context = {**self.admin_site.each_context(request), "title": "Import a sheet", "form": form, "opts": self.opts}
        return render(request, "sheets/admin_upload.html", context)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """One import on its way: mapping, preview, commit, outcome. The page looks again by itself while it works."""
        run = self.get_object(request, object_id)
        if run is None or not self.has_view_permission(request, run):
            raise Http404
        form = MappingForm(run, request.POST or None)
        if request.method == "POST" and form.is_valid():
            return self._act(request, run, form)
        table = table_named(run.spreadsheet.table)
        wrong = run.errors.exclude(severity="skipped").order_by("id")
        context = {
            **self.admin_site.each_context(request),
            "title": run.file_name,
            "opts": self.opts,
            "run": run,
            "form": form,
            "may_change": run.status in {RunStatus.DRAFT, RunStatus.PREVIEWED, RunStatus.FAILED},
            "is_at_work": run.status in AT_WORK,
            "percent": progress.percent(run.pk),
            "figures": [(label, run.counts[name]) for name, label in FIGURES.items() if name in run.counts],
            "samples": {kind: rows[:SHOWN_SAMPLES] for kind, rows in run.samples.items() if rows},
            "wrong": wrong[:SHOWN_WRONG],
            "errors_address": f"{reverse('admin:sheets_rowerror_changelist')}?run__id__exact={run.pk}",
            "lacking": table.lacks(fields_of(run.mapping)),
        }
        return render(request, "sheets/admin_import.html", context)

    def _act(self, request: HttpRequest, run: ImportRun, form: MappingForm) -> HttpResponse:
        """Save the mapping and do what the pressed button says."""
        actor, at = acting(request), timezone.now()
        try:
            document = form.document(run)
            if document != {key: run.mapping[key] for key in document}:
                run = services.change_mapping(actor=actor, run=run, document=document, at=at)
                plan(run.mapping, run.spreadsheet.header, table_named(run.spreadsheet.table))
            if "preview" in request.POST:
                services.request_preview(actor=actor, run=run, at=at)
            elif "commit" in request.POST:
                services.request_commit(actor=actor, run=run, at=at)
            else:
                self.message_user(request, "The mapping is saved, and remembered for files with the same header.")
        except DomainError as error:
            self.message_user(request, error.message, messages.ERROR)
        return HttpResponseRedirect(reverse("admin:sheets_importrun_change", args=[run.pk]))

    def error_file(self, request: HttpRequest, run_id: int) -> HttpResponse:
        """The rows to correct, as a workbook."""
        run = self.get_object(request, str(run_id))
        if run is None or not self.has_view_permission(request, run):
            raise Http404
        answer = HttpResponse(
            error_files.write(run, "xlsx"),
            content_type="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        )
        answer["Content-Disposition"] = f'attachment; filename="import-{run.pk}-to-correct.xlsx"'
        return answer


@admin.register(RowError, site=site)
class RowErrorAdmin(TenantAdmin):
    """Every wrong cell of every import."""

    read_capability = Capability.SHEETS_IMPORT
    list_display = ["run", "row", "column", "value", "severity", "code", "message"]
    list_filter = ["severity", "code", "run"]
    list_select_related = ["run"]
    search_fields = ["column", "value", "message"]
    export_columns = [("File", "run.file_name"), "row", "column", "value", "severity", "code", "message"]


@admin.register(Spreadsheet, site=site)
class SpreadsheetAdmin(TenantAdmin):
    """Sources that are remembered, and when each last came in."""

    read_capability = Capability.SHEETS_IMPORT
    list_display = ["name", "table", "provider", "status", "last_success_at", "last_error"]
    list_filter = ["status", "provider"]
    search_fields = ["name"]
    export_columns = ["name", "table", "provider", "status", "last_success_at", "last_error"]
