"""Taking along what a list of crm shows, as its page is filtered."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, QueryDict
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from core import exports
from core.doors import page
from core.models.exports import ExportStatus
from core.roles import Capability
from crm.pages.asking import actor_of
from crm.pages.listed import LONGEST, listed


@require_POST
@page(Capability.CRM_EXPORT)
def export(request: HttpRequest, name: str) -> HttpResponseBase:
    """Short lists at once; long ones are written by a worker, and the page of exports says when."""
    actor, asked = actor_of(request), request.POST.get("asked", "")[:LONGEST]
    rows = listed(actor, name, asked)
    made = exports.take_list(
        actor=actor,
        name=rows.model._meta.label_lower,
        rows=rows,
        format=request.POST.get("format", ""),
        filters=QueryDict(asked).dict(),
        at=timezone.now(),
    )
    if made.status == ExportStatus.DONE:
        return exports.download(made)
    messages.info(request, _("The file is being written; this page says when it is there."))
    return redirect("exports", actor.organization.slug)
