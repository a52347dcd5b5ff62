"""The list of numbers and addresses that nobody writes to."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from core.doors import page
from core.errors import DomainError
from core.roles import Capability
from crm import selectors, services
from crm.models import DoNotContact
from crm.pages.asking import actor_of, number_in
from crm.pages.listed import listed

PAGE = 50
LARGEST = 5 * 1024 * 1024


@require_http_methods(["GET", "POST"])
@page(Capability.STOCK_WRITE)
def do_not_contact_list(request: HttpRequest) -> HttpResponse:
    """What is on it, and the way to put more on it: typed, pasted, or a text file."""
    actor, refusal = actor_of(request), None
    if request.method == "POST":
        file = request.FILES.get("file")
        text, source = request.POST.get("text", ""), ""
        if file is not None and file.size and file.size <= LARGEST:
            text, source = f"{text}\n{file.read().decode('utf-8', 'replace')}", str(file.name)
        try:
            made = services.list_do_not_contact(
                actor=actor, text=text, reason=request.POST.get("reason", ""), source=source, at=timezone.now()
            )
        except DomainError as error:
            refusal = error
        else:
            said = _("%(added)d added, %(known)d were there already; %(marked)d numbers of contacts are stopped.")
            messages.success(request, said % {"added": made.added, "known": made.known, "marked": made.marked})
            if made.unread:
                unread = ", ".join(made.unread[:5])
                messages.warning(
                    request, _("Not read (%(count)d): %(lines)s") % {"count": len(made.unread), "lines": unread}
                )
            return redirect("do-not-contact-list", actor.organization.slug)
    search, before = request.GET.get("q", "").strip()[:254], number_in(request.GET.get("before", ""))
    entries = listed(actor, "do-not-contact", request.GET.urlencode())
    if before is not None:
        entries = entries.filter(pk__lt=before)
    found = list(entries.select_related("added_by__user")[: PAGE + 1])
    rows = [(entry, selectors.masked(entry.kind, entry.value)) for entry in found[:PAGE]]
    context = {
        "here": "do-not-contact",
        "rows": rows,
        "search": search,
        "next_cursor": found[PAGE - 1].pk if len(found) > PAGE else None,
        "error": refusal,
        "text": request.POST.get("text", ""),
        "reason": request.POST.get("reason", ""),
    }
    return render(request, "crm/do_not_contact.html", context, status=422 if refusal else 200)


@require_POST
@page(Capability.STOCK_WRITE)
def do_not_contact_removal(request: HttpRequest, entry_id: int) -> HttpResponse:
    """Off the list, with a reason."""
    actor = actor_of(request)
    entry = get_object_or_404(DoNotContact.objects.visible_to(actor), pk=entry_id)
    try:
        services.unlist_do_not_contact(
            actor=actor, entry=entry, reason=request.POST.get("reason", ""), at=timezone.now()
        )
    except DomainError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, _("It may be written to again."))
    return redirect("do-not-contact-list", actor.organization.slug)
