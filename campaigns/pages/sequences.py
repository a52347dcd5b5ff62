"""Sequences on pages: the list, one with its funnel, the people behind every number, and one person's story."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_POST

from campaigns import sequences
from campaigns.models import Enrollment, EnrollmentState, Segment, Sequence, SequenceStatus, StopReason
from campaigns.pages.asking import actor_of
from campaigns.segments import contacts_of
from campaigns.sequences import selectors
from campaigns.sequences.enrolling import MOST_AT_ONCE
from core.actors import Actor
from core.doors import page
from core.errors import DomainError, NotFound
from core.roles import Capability
from crm.keyset import NEWEST, page_of
from crm.pages import listed
from crm.pages.asking import number_in

PAGE = 30
PEOPLE = 50
LONGEST_REASON = 300
FILTERS = ("q", "state", "reason", "step", "reached")
TONES = {"draft": "", "in_review": "warn", "active": "good", "paused": "bad", "archived": ""}
STATE_TONES = {"active": "brand", "paused": "warn", "completed": "good", "stopped": ""}
REFUSED = {
    "unknown": gettext_lazy("not among yours"),
    "already": gettext_lazy("in it already"),
    "no_reentry": gettext_lazy("has been in it once"),
    "nothing_left": gettext_lazy("has had every step"),
    "talking": gettext_lazy("talks with us at the moment"),
    "variable": gettext_lazy("a text lacks a value for them"),
}
REACHED = {
    "sent": gettext_lazy("Sent"),
    "delivered": gettext_lazy("Delivered"),
    "read": gettext_lazy("Read"),
    "replied": gettext_lazy("Replied"),
    "failed": gettext_lazy("Failed"),
    "unknown": gettext_lazy("In doubt"),
    "skipped": gettext_lazy("Skipped"),
}


@dataclass(frozen=True, slots=True)
class Decision:
    """One verb of a sequence: the words of its button, who may, when it is offered, and whether it wants a reason."""

    label: Any
    capability: Capability
    service: Callable[..., Any]
    statuses: tuple[str, ...]
    asks: bool = False
    tone: str = ""


_S = SequenceStatus
DECISIONS: dict[str, Decision] = {
    "submit": Decision(
        gettext_lazy("Submit for review"),
        Capability.CAMPAIGNS_WRITE,
        sequences.submit_sequence,
        (_S.DRAFT,),
        tone="primary",
    ),
    "approve": Decision(
        gettext_lazy("Approve"),
        Capability.CAMPAIGNS_APPROVE,
        sequences.approve_sequence,
        (_S.IN_REVIEW, _S.ACTIVE, _S.PAUSED),
        tone="primary",
    ),
    "give_back": Decision(
        gettext_lazy("Send back"), Capability.CAMPAIGNS_APPROVE, sequences.return_sequence, (_S.IN_REVIEW,), asks=True
    ),
    "pause": Decision(
        gettext_lazy("Pause"), Capability.CAMPAIGNS_RUN, sequences.pause_sequence, (_S.ACTIVE,), asks=True
    ),
    "resume": Decision(
        gettext_lazy("Resume"), Capability.CAMPAIGNS_RUN, sequences.resume_sequence, (_S.PAUSED,), tone="primary"
    ),
    "archive": Decision(
        gettext_lazy("Archive"),
        Capability.CAMPAIGNS_RUN,
        sequences.archive_sequence,
        (_S.DRAFT, _S.IN_REVIEW, _S.ACTIVE, _S.PAUSED),
        asks=True,
        tone="danger",
    ),
}
OF_PEOPLE: dict[str, Callable[..., Any]] = {
    "pause": sequences.pause_enrollment,
    "resume": sequences.resume_enrollment,
    "stop": sequences.stop_enrollment,
}


def listed_sequences(actor: Actor, asked: str) -> QuerySet[Sequence]:
    """What `sequences/?<asked>` shows to this actor, newest first."""
    return selectors.narrowed_sequences(actor, QueryDict(asked[: listed.LONGEST]).dict())


def listed_people(actor: Actor, asked: str) -> QuerySet[Enrollment]:
    """What `sequences/<sequence>/people/?<asked>` shows; `asked` names the sequence too."""
    query = {name: str(value) for name, value in QueryDict(asked[: listed.LONGEST]).dict().items()}
    return selectors.narrowed_people(actor, number_in(query.get("sequence", "")) or 0, query)


listed.register("sequences", listed_sequences)
listed.register("sequence-people", listed_people)


@require_GET
@page(Capability.CAMPAIGNS_READ)
def sequence_list(request: HttpRequest) -> HttpResponse:
    """Newest first, each with how its people fare."""
    actor = actor_of(request)
    asked = {name: request.GET.get(name, "") for name in ("q", "status")}
    rows = selectors.narrowed_sequences(actor, asked).select_related("channel", "created_by__user")
    shown, after = page_of(rows, NEWEST, request.GET.get("after", "")[:64], PAGE)
    context = {
        "here": "sequences",
        "rows": selectors.sequence_rows(actor=actor, sequences=shown),
        "tones": TONES,
        "next_cursor": after,
        "asked": asked,
        "is_filtered": any(asked.values()),
        "statuses": SequenceStatus.choices,
    }
    return render(request, "campaigns/sequences.html", context)


@require_GET
@page(Capability.CAMPAIGNS_READ)
def sequence_page(request: HttpRequest, sequence_id: int) -> HttpResponse:
    """The steps with their funnel, why people left, and a simulation for somebody enrolled at any time."""
    actor, sequence = actor_of(request), sequence_of(request, sequence_id)
    at = _moment(actor, request.GET.get("enrolled", "")) or timezone.now()
    figures = selectors.step_figures(actor=actor, sequence=sequence)
    row = selectors.sequence_rows(actor=actor, sequences=[sequence])[0]
    waits = sequence.status in (_S.ACTIVE, _S.PAUSED) and not all(each.is_approved for each in figures)
    offers = [
        (name, decision)
        for name, decision in DECISIONS.items()
        if sequence.status in decision.statuses
        and actor.can(decision.capability)
        and (name != "approve" or sequence.status == _S.IN_REVIEW or waits)
    ]
    segments = Segment.objects.visible_to(actor).order_by("name") if actor.can(Capability.CAMPAIGNS_WRITE) else []
    context = {
        "here": "sequences",
        "sequence": sequence,
        "row": row,
        "tones": TONES,
        "figures": figures,
        "reached": REACHED,
        "waits": waits,
        "ends": [
            (reason, StopReason(reason).label, count)
            for reason, count in selectors.ends(actor=actor, sequence=sequence)
        ],
        "offers": offers,
        "own": actor.membership is not None and actor.membership.pk in (sequence.created_by_id, sequence.edited_by_id),
        "planned": selectors.simulate(actor=actor, sequence=sequence, at=at),
        "simulated_at": at,
        "segments": segments,
        "may_enrol": actor.can(Capability.CAMPAIGNS_WRITE) and sequence.status in (_S.ACTIVE, _S.PAUSED),
    }
    return render(request, "campaigns/sequence.html", context)


@require_GET
@page(Capability.CAMPAIGNS_READ)
def people(request: HttpRequest, sequence_id: int) -> HttpResponse:
    """Who is or was in it; every number of the sequence's page opens this list."""
    actor, sequence = actor_of(request), sequence_of(request, sequence_id)
    asked = {name: request.GET.get(name, "") for name in FILTERS}
    rows = selectors.enrollments_shown(selectors.narrowed_people(actor, sequence.pk, asked))
    shown, after = page_of(rows, NEWEST, request.GET.get("after", "")[:64], PEOPLE)
    exported = request.GET.copy()
    exported["sequence"] = str(sequence.pk)
    context = {
        "here": "sequences",
        "sequence": sequence,
        "rows": shown,
        "tones": STATE_TONES,
        "next_cursor": after,
        "asked": asked,
        "is_filtered": any(asked.values()),
        "exported": exported.urlencode(),
        "states": [
            ("live", _("Under way or paused")),
            *((value, _(str(label))) for value, label in EnrollmentState.choices),
        ],
        "reasons": [(value, label) for value, label in StopReason.choices if value],
        "reached": REACHED.get(asked["reached"], ""),
        "step": next((each for each in sequences.steps_of(sequence) if str(each.pk) == asked["step"]), None),
    }
    return render(request, "campaigns/sequence_people.html", context)


@require_POST
@page(Capability.CAMPAIGNS_WRITE)
def enrolling(request: HttpRequest, sequence_id: int) -> HttpResponse:
    """Put people in: of a segment, or by their ids (of a list that was ticked, or one person)."""
    actor, sequence, at = actor_of(request), sequence_of(request, sequence_id), timezone.now()
    ids = [found for text in request.POST.getlist("rows")[:MOST_AT_ONCE] if (found := number_in(text)) is not None]
    wanted = number_in(request.POST.get("segment", ""))
    if wanted is not None:
        segment = Segment.objects.visible_to(actor).filter(pk=wanted).first()
        if segment is None:
            raise NotFound(_("There is no such segment here."))
        ids += contacts_of(actor=actor, segment=segment, at=at).values_list("pk", flat=True)[: MOST_AT_ONCE + 1]
    try:
        done = sequences.enrol(actor=actor, sequence=sequence, contact_ids=ids, at=at)
    except DomainError as refusal:
        messages.error(request, refusal.message)
    else:
        messages.success(request, _("%(count)d people were enrolled.") % {"count": done.count})
        counted: dict[str, int] = {}
        for reason in done.refused.values():
            counted[reason] = counted.get(reason, 0) + 1
        said = ", ".join(f"{count} {_words(reason)}" for reason, count in sorted(counted.items()))
        if said:
            messages.warning(request, _("Not enrolled: %(reasons)s.") % {"reasons": said})
    return redirect("sequence", actor.organization.slug, sequence.pk)


@require_POST
@page(Capability.CAMPAIGNS_READ)
def decide(request: HttpRequest, sequence_id: int, decision: str) -> HttpResponse:
    """Submit, approve, send back, pause, resume, archive."""
    actor, sequence = actor_of(request), sequence_of(request, sequence_id)
    if decision not in DECISIONS:
        raise NotFound(_("There is no such decision."))
    wanted, reason = DECISIONS[decision], request.POST.get("reason", "").strip()[:LONGEST_REASON]
    if wanted.asks and not reason:
        messages.error(request, _("Say why: it is kept, and whoever works with this sequence reads it."))
        return redirect("sequence", actor.organization.slug, sequence.pk)
    more = {"reason": reason} if wanted.asks else {}
    try:
        wanted.service(actor=actor, sequence=sequence, at=timezone.now(), **more)
    except DomainError as refusal:
        messages.error(request, refusal.message)
    else:
        messages.success(request, f"{wanted.label}: {_('done')}.")
    return redirect("sequence", actor.organization.slug, sequence.pk)


@require_GET
@page(Capability.CAMPAIGNS_READ)
def person(request: HttpRequest, enrollment_id: int) -> HttpResponse:
    """What one person got and when, what they did, what is still to come, and why it ended."""
    actor, found = actor_of(request), _enrollment(request, enrollment_id)
    house = actor.organization
    zone = selectors.zone_of_contact(found.contact_id, house)
    context = {
        "here": "sequences",
        "enrollment": found,
        "sequence": found.sequence,
        "tones": STATE_TONES,
        "story": selectors.story(actor=actor, enrollment=found),
        "zone": zone,
        "may": actor.can(Capability.CAMPAIGNS_WRITE),
    }
    return render(request, "campaigns/sequence_person.html", context)


@require_POST
@page(Capability.CAMPAIGNS_WRITE)
def person_decision(request: HttpRequest, enrollment_id: int, decision: str) -> HttpResponse:
    """Let one person wait, go on, or leave."""
    actor, found = actor_of(request), _enrollment(request, enrollment_id)
    if decision not in OF_PEOPLE:
        raise NotFound(_("There is no such decision."))
    try:
        OF_PEOPLE[decision](actor=actor, enrollment=found, at=timezone.now())
    except DomainError as refusal:
        messages.error(request, refusal.message)
    return redirect("sequence-person", actor.organization.slug, found.pk)


def sequence_of(request: HttpRequest, sequence_id: int) -> Sequence:
    """With what its pages name. One query. Raises NotFound for what this member may not see."""
    rows = Sequence.objects.visible_to(actor_of(request))
    rows = rows.select_related("organization", "channel", "created_by__user", "edited_by__user")
    found: Sequence | None = rows.filter(pk=sequence_id).first()
    if found is None:
        raise NotFound(_("There is no such sequence here."))
    return found


def _enrollment(request: HttpRequest, enrollment_id: int) -> Enrollment:
    found = selectors.enrollment_of(actor=actor_of(request), enrollment_id=enrollment_id)
    if found is None:
        raise NotFound(_("There is no such person in a sequence here."))
    return found


def _moment(actor: Actor, text: str) -> datetime | None:
    """What a datetime field of the page says, by the house's clock."""
    try:
        return datetime.fromisoformat(text[:16]).replace(tzinfo=ZoneInfo(actor.organization.time_zone))
    except (ValueError, OverflowError):
        return None


def _words(reason: str) -> str:
    if reason in REFUSED:
        return str(REFUSED[reason])
    return _(str(StopReason(reason).label)).lower() if reason in StopReason.values else reason
