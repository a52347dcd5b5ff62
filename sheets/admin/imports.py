"""Imports in the back office: upload, look at the guessed mapping, preview, import, fetch what was wrong."""

from __future__ import annotations

from typing import Any, TypeVar

from django import forms
from django.contrib import admin, messages
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import path, reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display
from unfold.widgets import UnfoldAdminFileFieldWidget, UnfoldAdminSelectWidget, UnfoldAdminTextInputWidget

from core.admin import TenantAdmin, acting, site
from core.errors import DomainError
from core.roles import Capability
from sheets import error_files, progress, services
from sheets.forms import MappingForm, UploadForm
from sheets.mapping import fields_of, plan
from sheets.models import OPEN_STATUSES, ImportRun, RowError
from sheets.selectors import AT_WORK
from sheets.tables import table_named

STATUS_COLORS = {
    "draft": "default", "previewing": "info", "previewed": "info", "queued": "warning", "running": "warning",
    "done": "success", "failed": "danger", "cancelled": "default", "reverted": "default",
}  # fmt: skip
FIGURES = {
    "read": "Rows read", "new": "New", "changed": "Changed", "unchanged": "Unchanged", "skipped": "Skipped",
    "errors": "Refused", "warnings": "With a doubt", "projects_new": "New projects", "properties_new": "New units",
    "contacts_new": "New contacts", "points_new": "New numbers and addresses", "ownerships_new": "New ownerships",
}  # fmt: skip
SHOWN_SAMPLES = 8
SHOWN_WRONG = 50


FormT = TypeVar("FormT", bound=forms.Form)


def in_unfold(form: FormT) -> FormT:
    """A form of ours in the back office's dress."""
    for field in form.fields.values():
        if isinstance(field, forms.ChoiceField):
            field.widget = UnfoldAdminSelectWidget(choices=field.choices)
        elif isinstance(field, forms.FileField):
            field.widget = UnfoldAdminFileFieldWidget()
        elif isinstance(field, forms.CharField):
            field.widget = UnfoldAdminTextInputWidget()
    return form


@admin.register(ImportRun, site=site)
class ImportRunAdmin(TenantAdmin):
    read_capability = Capability.SHEETS_IMPORT
    write_capability = Capability.SHEETS_IMPORT
    list_display = ["file_name", "state", "read", "new", "changed", "unchanged", "wrong", "requested_by", "created_at"]
    list_filter = ["status", "trigger", "kind", "is_dry_run"]
    list_select_related = ["requested_by__user"]
    search_fields = ["file_name"]
    export_columns = [
        "file_name", ("Status", "status_label"), "trigger", ("Rows", lambda run: run.counts.get("read")),
        ("New", lambda run: run.counts.get("new")), ("Changed", lambda run: run.counts.get("changed")),
        ("Refused", lambda run: run.counts.get("errors")), ("By", "requested_by.user.name"), "created_at",
        "finished_at",
    ]  # fmt: skip

    @display(description=_("Status"), label=STATUS_COLORS, ordering="status")
    def state(self, run: ImportRun) -> tuple[str, str]:
        return run.status, run.status_label

    @display(description=_("Rows"))
    def read(self, run: ImportRun) -> int | str:
        return run.counts.get("read", "")

    @display(description=_("New"))
    def new(self, run: ImportRun) -> int | str:
        return run.counts.get("new", "")

    @display(description=_("Changed"))
    def changed(self, run: ImportRun) -> int | str:
        return run.counts.get("changed", "")

    @display(description=_("Unchanged"))
    def unchanged(self, run: ImportRun) -> int | str:
        return run.counts.get("unchanged", "")

    @display(description=_("Refused"))
    def wrong(self, run: ImportRun) -> int | str:
        return run.counts.get("errors", "")

    def get_urls(self) -> list[Any]:
        own = path("<int:run_id>/error-file/", self.admin_site.admin_view(self.error_file), name="sheets_error_file")
        return [own, *super().get_urls()]

    def add_view(self, request: HttpRequest, form_url: str = "", extra_context: Any = None) -> HttpResponse:
        """Upload a file; a refusal says what to do and keeps nothing."""
        if not self.has_add_permission(request):
            raise Http404
        form = in_unfold(UploadForm(request.POST or None, request.FILES or None))
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
        if run.kind == "google":  # a sync has no file, and its mapping is the sheet's: it has a page of its own
            slug = acting(request).organization.slug
            return HttpResponseRedirect(f"/o/{slug}/sheets/{run.spreadsheet_id}/syncs/{run.pk}/")
        form = in_unfold(MappingForm(run, request.POST or None))
        if request.method == "POST" and ("stop" in request.POST or form.is_valid()):
            return self._act(request, run, form)
        table = table_named(run.spreadsheet.table)
        wrong = run.errors.exclude(severity="skipped").order_by("id")
        context = {
            **self.admin_site.each_context(request),
            "title": run.file_name,
            "opts": self.opts,
            "run": run,
            "form": form,
            "may_change": run.status in OPEN_STATUSES,
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
            if "stop" in request.POST:
                services.cancel_import(actor=actor, run=run, at=at)
                return HttpResponseRedirect(reverse("admin:sheets_importrun_change", args=[run.pk]))
            document = form.document()
            if document != {key: run.mapping.get(key) for key in document}:
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

    def error_file(self, request: HttpRequest, run_id: int) -> FileResponse:
        """The rows to correct, as a workbook."""
        run = self.get_object(request, str(run_id))
        if run is None or not self.has_view_permission(request, run):
            raise Http404
        return FileResponse(
            error_files.written(run, "xlsx"),
            as_attachment=True,
            filename=error_files.name_of(run, "xlsx"),
            content_type=error_files.CONTENT_TYPES["xlsx"],
        )


@admin.register(RowError, site=site)
class RowErrorAdmin(TenantAdmin):
    """Every wrong cell of every import."""

    read_capability = Capability.SHEETS_IMPORT
    list_display = ["run", "row", "column", "value", "severity", "code", "message"]
    list_filter = ["severity", "code", "run"]
    list_select_related = ["run"]
    search_fields = ["column", "value", "message"]
    export_columns = [("File", "run.file_name"), "row", "column", "value", "severity", "code", "message"]
