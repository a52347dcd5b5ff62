"""Writing a sequence, with each message beside its questions as it is read on a phone."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods

from campaigns import sequences
from campaigns.models import Sequence, SequenceStatus
from campaigns.pages.asking import actor_of
from campaigns.pages.sequence_form import SequenceForm, form_in, form_of
from campaigns.pages.sequences import sequence_of
from core.doors import page
from core.errors import Conflict, DomainError
from core.middleware import status_of
from core.roles import Capability


@require_http_methods(["GET", "POST"])
@page(Capability.CAMPAIGNS_WRITE)
def new(request: HttpRequest) -> HttpResponse:
    """A draft."""
    return _edited(request, None)


@require_http_methods(["GET", "POST"])
@page(Capability.CAMPAIGNS_WRITE)
def change(request: HttpRequest, sequence_id: int) -> HttpResponse:
    """Change one, also while people are under way."""
    found = sequence_of(request, sequence_id)
    if found.status == SequenceStatus.ARCHIVED:
        raise Conflict(_("The sequence is archived; write a new one."))
    return _edited(request, found)


def _edited(request: HttpRequest, sequence: Sequence | None) -> HttpResponse:
    """POST with `do` only draws the form again, with one step more or less, or in another order."""
    actor, status = actor_of(request), 200
    if request.method != "POST":
        form = form_of(actor, sequence, sequences.steps_of(sequence) if sequence else [])
        return _shown(request, sequence, form, status)
    form = form_in(actor, request.POST.dict())
    if request.POST.get("do"):
        return _shown(request, sequence, form, status)
    if not form.is_valid():
        return _shown(request, sequence, form, 422)
    try:
        if sequence is None:
            saved = sequences.create_sequence(actor=actor, at=timezone.now(), **form.changes())
        else:
            saved = sequences.update_sequence(actor=actor, sequence=sequence, at=timezone.now(), **form.changes())
    except DomainError as refusal:
        _say(form, refusal)
        return _shown(request, sequence, form, status_of(refusal))
    said = _("Kept. Nothing goes out until somebody else has approved it.")
    messages.success(request, said)
    return redirect("sequence", actor.organization.slug, saved.pk)


def _say(form: SequenceForm, refusal: DomainError) -> None:
    """Beside the question that it is about, where there is one."""
    number, field = refusal.details.get("step"), refusal.details.get("field")
    if isinstance(number, int) and 1 <= number <= len(form.steps):
        step = form.steps[number - 1]
        step.add_error(field if field in step.fields else None, refusal.message)
    else:
        form.rules.add_error(field if field in form.rules.fields else None, refusal.message)


def _shown(request: HttpRequest, sequence: Sequence | None, form: SequenceForm, status: int) -> HttpResponse:
    context: dict[str, Any] = {"here": "sequences", "sequence": sequence, "form": form}
    context["under_way"] = sequence is not None and sequence.status in (SequenceStatus.ACTIVE, SequenceStatus.PAUSED)
    return render(request, "campaigns/sequence_form.html", context, status=status)
