"""One's own exports: how far they are, and their files while they are kept."""

from __future__ import annotations

from dataclasses import dataclass

from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_GET

from core import exports
from core.actors import Actor
from core.doors import page
from core.models import Export
from core.models.exports import ExportStatus
from core.roles import Capability

SHOWN = 50
AT_WORK = (ExportStatus.QUEUED, ExportStatus.RUNNING)


@dataclass(frozen=True, slots=True)
class Shown:
    export: Export
    percent: int


@require_GET
@page(Capability.CRM_EXPORT)
def exports_page(request: HttpRequest) -> HttpResponse:
    """The latest ones. While something is being written the page looks again by itself."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    rows: list[Export] = list(Export.objects.visible_to(actor).defer("ids").order_by("-pk")[:SHOWN])
    shown = [Shown(row, _percent(row)) for row in rows]
    at_work = any(row.status in AT_WORK for row in rows)
    return render(request, "core/exports.html", {"here": "exports", "rows": shown, "at_work": at_work})


@require_GET
@page(Capability.CRM_EXPORT)
def export_file(request: HttpRequest, export_id: int) -> HttpResponseBase:
    """The file, for whoever asked for it and nobody else."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    return exports.download(exports.file_of(actor=actor, export_id=export_id))


def _percent(row: Export) -> int:
    if row.status != ExportStatus.RUNNING or not row.row_count:
        return 0
    return min(99, 100 * exports.rows_done(row.pk) // row.row_count)
