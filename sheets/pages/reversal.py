"""Taking an import back: what would come of it, the button, and what stayed."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from core.doors import page
from core.errors import DomainError
from core.roles import Capability
from sheets import selectors, services
from sheets.models import ReversalKept, ReversalStatus
from sheets.pages.imports import actor_of
from sheets.pages.wording import KEPT, plural, reverted
from sheets.services.reversals import MOST_SHOWN


@require_http_methods(["GET", "HEAD", "POST"])
@page(Capability.SHEETS_IMPORT)
def run_reversal(request: HttpRequest, run_id: int) -> HttpResponse:
    """Asked for once; then this page tells how it went."""
    actor = actor_of(request)
    run = selectors.import_found(actor=actor, run_id=run_id)
    if request.method == "POST":
        try:
            services.request_reversal(actor=actor, run=run, at=timezone.now())
        except DomainError as error:
            messages.error(request, _(error.message))
        return redirect("import-reversal", actor.organization.slug, run.pk)
    reversal = selectors.reversal_of(run=run)
    is_at_work = reversal is not None and reversal.status in {ReversalStatus.QUEUED, ReversalStatus.RUNNING}
    if request.headers.get("HX-Request") and not is_at_work:
        answer = HttpResponse()
        answer["HX-Refresh"] = "true"
        return answer
    refusal = ""
    counts: dict[str, dict[str, int]] = {}
    kept: list[ReversalKept] = []
    if reversal is None:
        try:
            plan, kept = services.preview_reversal(actor=actor, run=run)
            counts = plan.counts
        except DomainError as error:
            refusal = _(error.message)
    elif not is_at_work:
        counts, kept = reversal.counts, list(reversal.kept.order_by("id")[:MOST_SHOWN])
    words = reverted(counts)
    context = {
        "here": "imports",
        "run": run,
        "reversal": reversal,
        "is_at_work": is_at_work,
        "is_done": reversal is not None and reversal.status == ReversalStatus.DONE,
        "refusal": refusal,
        "kept": [(row, plural(row.target_type), _(KEPT.get(row.code, row.code))) for row in kept],
        "kept_count": sum(counts.get("kept", {}).values()),
        "most": MOST_SHOWN,
        "removed": words["removed"],
        "restored": words["restored"],
        "kept_figures": words["kept"],
    }
    return render(request, "sheets/reversal.html", context)
