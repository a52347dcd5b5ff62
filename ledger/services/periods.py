"""Closing the books until a day, and opening them again: the second takes two people."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

from django.db import connection, transaction

from core import audit
from core.actors import Actor
from core.models import Membership
from core.roles import Capability
from ledger.errors import (
    PeriodAlreadyClosed,
    PeriodNeedsSecondPerson,
    PeriodNotOver,
    PeriodUnknown,
    ReasonMissing,
    ReopeningAsked,
    ReopenLaterFirst,
)
from ledger.models import PeriodClosing, PeriodReopening, ReopeningRequest

# Who posts takes this lock shared (ledger_post), who closes takes it alone: a posting is in the books before they
# close, or sees that they are closed.
LOCK = "SELECT pg_advisory_xact_lock(ledger_period_lock(%s))"


@transaction.atomic
def close_period(*, actor: Actor, through_on: date, at: datetime, note: str = "") -> PeriodClosing:
    """From now on nothing is posted with a date until `through_on`, included. Waits for who is posting just now.

    Raises PeriodNotOver for today and later, PeriodAlreadyClosed, ReasonMissing when the note is too long.
    """
    actor.require(Capability.LEDGER_CLOSE)
    if through_on >= at.astimezone(ZoneInfo(actor.organization.time_zone)).date():
        raise PeriodNotOver(
            f"{through_on} is not over yet; close the books until yesterday at most.", field="through_on"
        )
    if len(note) > 300 or "\x00" in note:
        raise ReasonMissing("A note has at most 300 characters.", field="note")
    _lock(actor)
    closed = PeriodClosing.objects.for_organization(actor.organization).closed_through()
    if closed is not None and through_on <= closed:
        raise PeriodAlreadyClosed(f"The books are closed through {closed} already.", field="through_on")
    closing: PeriodClosing = PeriodClosing.objects.create(
        organization=actor.organization, through_on=through_on, note=note, closed_by=_person(actor), at=at
    )
    after = {"through_on": through_on.isoformat(), "note": note}
    audit.record(actor=actor, action="ledger.period_closed", target=closing, after=after, at=at)
    return closing


@transaction.atomic
def ask_to_reopen(*, actor: Actor, closing: PeriodClosing, reason: str, at: datetime) -> ReopeningRequest:
    """Ask for the latest closing to be taken back. Nothing is open before somebody else agrees.

    Raises PeriodUnknown, ReopenLaterFirst, ReopeningAsked, ReasonMissing.
    """
    actor.require(Capability.LEDGER_CLOSE)
    reason = checked_reason(reason, "Say why the books must be opened again")
    _lock(actor)
    _latest(actor, closing.pk)
    if ReopeningRequest.objects.for_organization(actor.organization).filter(closing=closing.pk).exists():
        raise ReopeningAsked("Somebody asked for this already; a second person may approve it.", closing=closing.pk)
    asked: ReopeningRequest = ReopeningRequest.objects.create(
        organization=actor.organization, closing=closing, reason=reason, asked_by=_person(actor), at=at
    )
    after = {"through_on": closing.through_on.isoformat(), "reason": reason}
    audit.record(actor=actor, action="ledger.reopening_asked", target=closing, after=after, at=at)
    return asked


@transaction.atomic
def approve_reopening(*, actor: Actor, request: ReopeningRequest, at: datetime) -> PeriodReopening:
    """Agree, as the second person: the period is open again until it is closed anew.

    Raises PeriodUnknown, ReopenLaterFirst, PeriodNeedsSecondPerson.
    """
    actor.require(Capability.LEDGER_CLOSE)
    _lock(actor)
    asked = ReopeningRequest.objects.visible_to(actor).filter(pk=request.pk).first()
    if asked is None:
        raise PeriodUnknown("There is no such request here.", request=request.pk)
    closing = _latest(actor, asked.closing_id)
    member = _person(actor)
    if member.pk == asked.asked_by_id:
        raise PeriodNeedsSecondPerson("You asked for it; somebody else must agree that the books are opened again.")
    reopening: PeriodReopening = PeriodReopening.objects.create(
        organization=actor.organization, request=asked, approved_by=member, at=at
    )
    after = {"through_on": closing.through_on.isoformat(), "reason": asked.reason}
    audit.record(actor=actor, action="ledger.period_reopened", target=closing, after=after, at=at)
    return reopening


def _latest(actor: Actor, closing_id: int) -> PeriodClosing:
    """That closing, when it stands and none after it does."""
    standing = PeriodClosing.objects.visible_to(actor).standing().order_by("-through_on")
    found: PeriodClosing | None = next((one for one in standing if one.pk == closing_id), None)
    if found is None:
        raise PeriodUnknown("There is no such closing here, or it was taken back already.", closing=closing_id)
    if standing[0].pk != found.pk:
        raise ReopenLaterFirst(
            f"The books are closed through {standing[0].through_on}; take that closing back first.", closing=found.pk
        )
    return found


def _lock(actor: Actor) -> None:
    with connection.cursor() as cursor:
        cursor.execute(LOCK, [actor.organization.pk])


def _person(actor: Actor) -> Membership:
    if actor.membership is None:
        raise PeriodNeedsSecondPerson("Books are closed and opened by people.")
    return actor.membership


def checked_reason(text: str, ask: str) -> str:
    """Why the books are touched, without blanks around it; `ask` begins what is said otherwise. Raises ReasonMissing."""
    text = text.strip()
    if not 0 < len(text) <= 300 or "\x00" in text:
        raise ReasonMissing(f"{ask}, in 1 to 300 characters.", field="reason")
    return text
