"""Possible duplicates, merging two side by side, and the way back."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop, ngettext
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from core.doors import page
from core.errors import DomainError, NotFound
from core.roles import Capability
from crm import selectors
from crm.duplicates.judging import LABELS
from crm.models import DuplicateCandidate, Merge
from crm.models.duplicates import CandidateState
from crm.models.merges import Noun
from crm.pages.asking import actor_of, back, number_in
from crm.services import duplicates, merging

NOUNS = {Noun.CONTACT: gettext_noop("Contacts"), Noun.PROPERTY: gettext_noop("Units")}
STATES = {
    CandidateState.OPEN: gettext_noop("To be looked at"),
    CandidateState.DISMISSED: gettext_noop("Not the same"),
    CandidateState.MERGED: gettext_noop("Merged"),
}


@require_GET
@page(Capability.CRM_READ)
def candidates(request: HttpRequest) -> HttpResponse:
    """Pairs that may be one, the most likely first."""
    actor = actor_of(request)
    asked = {name: request.GET.get(name, "") for name in ("noun", "state", "code")}
    state = asked["state"] if asked["state"] in STATES else CandidateState.OPEN
    code = asked["code"] if asked["code"] in LABELS else ""
    noun = asked["noun"] if asked["noun"] in NOUNS else ""
    listing = selectors.candidate_list(
        actor=actor, noun=noun, state=state, code=code, after=request.GET.get("after", "")
    )
    search = selectors.latest_search(actor)
    context = {
        "here": "units",
        "listing": listing,
        "noun": noun,
        "state": state,
        "code": code,
        "nouns": NOUNS.items(),
        "states": STATES.items(),
        "codes": LABELS.items(),
        "search": search,
        "is_searching": selectors.is_searching(search),
        "has_obvious": any(row.candidate.is_obvious and row.may_merge for row in listing.rows) and state == "open",
    }
    return render(request, "crm/duplicates.html", context)


@require_POST
@page(Capability.CONTACTS_MERGE)
def search(request: HttpRequest) -> HttpResponse:
    """Look through the whole organisation."""
    duplicates.start_search(actor=actor_of(request), at=timezone.now())
    messages.success(request, _("Looking for duplicates; the list fills by itself."))
    return back(request, "duplicates")


@require_POST
@page(Capability.CRM_WRITE)
def dismissal(request: HttpRequest, candidate_id: int) -> HttpResponse:
    """They are not the same, or are to be looked at again after all."""
    actor = actor_of(request)
    found = DuplicateCandidate.objects.visible_to(actor).filter(pk=candidate_id).first()
    if found is None:
        raise NotFound(_("There is no such pair here."))
    is_undone = request.POST.get("undo") == "1"
    decide = duplicates.reopen_candidate if is_undone else duplicates.dismiss_candidate
    decide(actor=actor, candidate=found, at=timezone.now())
    messages.success(request, _("To be looked at again.") if is_undone else _("They stay two."))
    return back(request, "duplicates")


@require_POST
@page(Capability.CRM_WRITE)
def proposal(request: HttpRequest) -> HttpResponse:
    """A member says that two are one."""
    given = request.POST
    noun = given.get("noun", "")
    duplicates.propose_duplicate(
        actor=actor_of(request),
        noun=noun,
        first_id=number_in(given.get("first", "")) or 0,
        second_id=number_in(given.get("second", "")) or 0,
        at=timezone.now(),
    )
    messages.success(request, _("Proposed: whoever may merge will look at it."))
    return back(request, "duplicates")


@require_http_methods(["GET", "POST"])
@page(Capability.CRM_WRITE)
def merging_two(request: HttpRequest) -> HttpResponse:
    """Both side by side, what would move, and the choice of each field; POST does it."""
    actor, asked = actor_of(request), request.POST if request.method == "POST" else request.GET
    noun = asked.get("noun", "")
    survivor, other = number_in(asked.get("survivor", "")) or 0, number_in(asked.get("other", "")) or 0
    take = merging.chosen_in(asked)
    at = timezone.now()
    refusal = ""
    if request.method == "POST":
        try:
            merging.merge(actor=actor, noun=noun, survivor_id=survivor, other_id=other, take=take, at=at)
        except DomainError as error:
            refusal = error.message
        else:
            messages.success(request, _("Merged. It can be undone under Merges."))
            return redirect("owner" if noun == Noun.CONTACT else "unit", actor.organization.slug, survivor)
    preview = merging.preview_merge(actor=actor, noun=noun, survivor_id=survivor, other_id=other, take=take, at=at)
    context = {
        "here": "units",
        "preview": preview,
        "survivor": selectors.side_of(preview.survivor),
        "other": selectors.side_of(preview.other),
        "moves": preview.moves.items(),
        "refusal": refusal,
    }
    return render(request, "crm/merging.html", context, status=409 if refusal else 200)


@require_GET
@page(Capability.CRM_WRITE)
def merging_with(request: HttpRequest) -> HttpResponse:
    """The same one is there twice: search for the other. Whoever may not merge proposes the two."""
    actor, asked = actor_of(request), request.GET
    noun, text = asked.get("noun", ""), asked.get("q", "").strip()[:200]
    pair = selectors.others_like(actor=actor, noun=noun, pk=number_in(asked.get("survivor", "")) or 0, text=text)
    context = {
        "here": "owners" if noun == Noun.CONTACT else "units",
        "noun": noun,
        "own": pair.own,
        "others": pair.others,
        "search": text,
        "may_merge": selectors.may_merge(actor, noun),
        "back": reverse("owner" if noun == Noun.CONTACT else "unit", args=[actor.organization.slug, pair.own.pk]),
    }
    return render(request, "crm/merging_with.html", context)


@require_POST
@page(Capability.CRM_WRITE)
def obvious(request: HttpRequest) -> HttpResponse:
    """Many obvious pairs at once: first the list of who stays, then, with `confirmed`, the merges."""
    actor = actor_of(request)
    ids = [pk for text in request.POST.getlist("pair") if (pk := number_in(text)) is not None]
    rows = selectors.candidates_in(actor=actor, ids=ids[: merging.MOST_AT_ONCE])
    pairs = [row.candidate for row in rows if row.candidate.is_obvious]
    if request.POST.get("confirmed") != "1":
        stays = merging.survivors_of(pairs)
        shown = [
            (row, row.first, row.second) if stays[row.candidate.pk][0] == row.first.pk else (row, row.second, row.first)
            for row in rows
            if row.candidate.is_obvious
        ]
        return render(request, "crm/merging_many.html", {"here": "units", "shown": shown, "most": merging.MOST_AT_ONCE})
    batch = merging.merge_obvious(actor=actor, candidates=pairs, at=timezone.now())
    count = len(batch.merged)
    if count:
        said = ngettext("%(count)d pair was merged.", "%(count)d pairs were merged.", count) % {"count": count}
        messages.success(request, said)
    for _pair, why in batch.refused[:5]:
        messages.error(request, why)
    return redirect("duplicates", actor.organization.slug)


@require_GET
@page(Capability.CRM_READ)
def merges(request: HttpRequest) -> HttpResponse:
    """What was merged into what, newest first."""
    rows, following = selectors.merge_list(actor=actor_of(request), before=number_in(request.GET.get("before", "")))
    return render(request, "crm/merges.html", {"here": "units", "rows": rows, "next_cursor": following})


@require_POST
@page(Capability.CRM_WRITE)
def reversal(request: HttpRequest, merge_id: int) -> HttpResponse:
    """Two again. What was changed since stays, and is said."""
    actor = actor_of(request)
    found = Merge.objects.visible_to(actor).filter(pk=merge_id).first()
    if found is None:
        raise NotFound(_("There is no such merge here."))
    try:
        made = merging.reverse_merge(actor=actor, merge=found, at=timezone.now())
    except DomainError as error:
        messages.error(request, error.message)
    else:
        messages.success(request, _("Undone: they are two again."))
        if made.kept:
            count = sum(len(each["ids"]) for each in made.kept)
            said = ngettext(
                "%(count)d value was changed since, and stays.", "%(count)d values were changed since, and stay.", count
            )
            messages.warning(request, said % {"count": count})
    return back(request, "merges")
