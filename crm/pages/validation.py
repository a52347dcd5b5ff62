"""Runs of validation: what would be looked at, what is being looked at, what was found."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from core.doors import page
from core.errors import DomainError
from core.roles import Capability
from crm import selectors, services
from crm.models import ValidationFinding, ValidationRun
from crm.models.validation import Finding
from crm.pages.asking import actor_of, number_in

PAGE = 50
TONES = {Finding.FINE: "good", Finding.LANDLINE: "calm", Finding.UNCLEAR: "warn", Finding.NOT_ASKED: "warn"}


@require_http_methods(["GET", "POST"])
@page(Capability.STOCK_WRITE)
def validation_runs(request: HttpRequest) -> HttpResponse:
    """Runs so far, and the form of the next with how many it would look at."""
    actor, refusal, how_many = actor_of(request), None, 0
    chosen = _chosen(request.POST if request.method == "POST" else request.GET)
    try:
        if request.method == "POST":
            run = services.start_validation(actor=actor, chosen=chosen, at=timezone.now())
            return redirect("validation-run", actor.organization.slug, run.pk)
        how_many = services.points_to_validate(actor=actor, chosen=chosen, at=timezone.now()).count()
    except DomainError as error:
        refusal = error
    rows = ValidationRun.objects.visible_to(actor).select_related("requested_by__user")
    before = number_in(request.GET.get("before", ""))
    if before is not None:
        rows = rows.filter(pk__lt=before)
    runs = list(rows.order_by("-pk")[: PAGE + 1])
    context = {
        "here": "validation",
        "chosen": chosen,
        "how_many": how_many,
        "runs": runs[:PAGE],
        "next_cursor": runs[PAGE - 1].pk if len(runs) > PAGE else None,
        "projects": [row.project for row in selectors.project_list(actor=actor)],
        "error": refusal,
    }
    return render(request, "crm/validation_runs.html", context, status=422 if refusal else 200)


@require_GET
@page(Capability.STOCK_WRITE)
def validation_run(request: HttpRequest, run_id: int) -> HttpResponse:
    """How far it is, and the points behind every number of its outcome."""
    actor = actor_of(request)
    runs = ValidationRun.objects.visible_to(actor).select_related("requested_by__user", "stopped_by__user")
    run = get_object_or_404(runs, pk=run_id)
    if request.headers.get("HX-Request") and not run.is_open:
        return HttpResponse(headers={"HX-Refresh": "true"})  # over: the whole page anew
    finding, before = request.GET.get("finding", ""), number_in(request.GET.get("before", ""))
    found = ValidationFinding.objects.visible_to(actor).filter(run=run)
    if finding in Finding.values:
        found = found.filter(finding=finding)
    if before is not None:
        found = found.filter(pk__lt=before)
    rows = list(found.select_related("point__contact").order_by("-pk")[: PAGE + 1])
    context = {
        "here": "validation",
        "run": run,
        "figures": [
            (value, label, run.counts[value], TONES.get(Finding(value), "bad"))
            for value, label in Finding.choices
            if value in run.counts
        ],
        "finding": finding,
        "rows": [(row, selectors.masked(row.point.kind, row.point.value)) for row in rows[:PAGE]],
        "next_cursor": rows[PAGE - 1].pk if len(rows) > PAGE else None,
    }
    if request.headers.get("HX-Request"):
        return render(request, "crm/_validation_progress.html", context)
    return render(request, "crm/validation_run.html", context)


@require_POST
@page(Capability.STOCK_WRITE)
def validation_stop(request: HttpRequest, run_id: int) -> HttpResponse:
    """It ends after the points that it is looking at now."""
    actor = actor_of(request)
    run = get_object_or_404(ValidationRun.objects.visible_to(actor), pk=run_id)
    try:
        services.stop_validation(actor=actor, run=run, at=timezone.now())
    except DomainError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, _("Stopped. What was found stays."))
    return redirect("validation-run", actor.organization.slug, run_id)


def _chosen(given: QueryDict) -> services.Chosen:
    """Never looked at, unless the form says how many days ago is long enough."""
    return services.Chosen(
        kinds=given.get("kinds", "all"),
        older_than=number_in(given.get("older_than", "")),
        project=number_in(given.get("project", "")),
    )
