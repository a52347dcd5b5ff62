"""What every page of crm asks of its request."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponseRedirect
from django.shortcuts import redirect
from django.utils.http import url_has_allowed_host_and_scheme

from core.actors import Actor
from crm.models.mergeable import MergeableQuerySet


def actor_of(request: HttpRequest) -> Actor:
    """Who asks: the door has turned away everyone without."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    return actor


def number_in(text: str) -> int | None:
    """A key or a count as an address carries it; None for everything else."""
    return int(text) if text.isdecimal() and len(text) <= 18 else None


def to_survivor(request: HttpRequest, rows: MergeableQuerySet, pk: int, page: str) -> HttpResponseRedirect | None:
    """To the page of what a merged row leads to, when there is such and this actor sees it."""
    found = rows.survivor_of(pk).visible_to(actor_of(request)).values_list("pk", flat=True).first()
    return None if found is None else redirect(page, actor_of(request).organization.slug, found)


def back(request: HttpRequest, page: str, *arguments: object) -> HttpResponseRedirect:
    """To the page of ours that the form named as `next`, or else to this one."""
    named = request.POST.get("next", "")
    if named and url_has_allowed_host_and_scheme(named, allowed_hosts={request.get_host()}):
        return HttpResponseRedirect(named)
    return redirect(page, actor_of(request).organization.slug, *arguments)
