"""The list of owners, for agents."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_GET

from core.doors import page
from core.roles import Capability
from crm import panels, selectors
from crm.filtering import OWNER_ORDERS, OwnerFilter
from crm.models import Contact, Project
from crm.models.search import FilteredList
from crm.pages.asking import actor_of
from crm.pages.filters import chips, default_view, views

PAGE = 40
MOST_CHOICES = 500
ORDERS = [("newest", _("Newest first")), ("name", _("By name"))]


@require_GET
@page(Capability.CRM_READ)
def owners(request: HttpRequest) -> HttpResponse:
    """The owners this member may see, filtered and sorted as the address asks; the bare address is one's default view."""
    if default := default_view(request, FilteredList.OWNERS):
        return redirect(f"{request.path}?{default}")
    actor, asked = actor_of(request), request.GET
    listing = selectors.owner_list(
        actor=actor, asked=asked, after=asked.get("after", ""), limit=PAGE, counted=True, at=timezone.now()
    )
    projects = Project.objects.visible_to(actor).order_by("number").values_list("pk", "number", "name")[:MOST_CHOICES]
    choices = [(pk, f"{number} {name}") for pk, number, name in projects]
    narrowed = OwnerFilter(asked, queryset=Contact.objects.none())
    return render(
        request,
        "crm/owners.html",
        {
            "here": "owners",
            "rows": listing.rows,
            "marks": panels.marks_of(actor, [row.contact_id for row in listing.rows]),
            "next_cursor": listing.next,
            "count": listing.count,
            "counted_to": selectors.COUNTED_TO,
            "search": asked.get("q", ""),
            "chips": chips(narrowed, asked, {"project": dict(choices)}),
            "errors": narrowed.form.errors,
            "views": views(request, FilteredList.OWNERS),
            "sort": asked.get("sort", "") if asked.get("sort", "") in OWNER_ORDERS else "newest",
            "orders": ORDERS,
            "projects": choices,
            "chosen": asked.getlist("project"),
        },
    )
