"""Why some did not get it, in plain words, and what is safe to do."""

from __future__ import annotations

from dataclasses import dataclass

from django.db.models import Count
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from campaigns.models import Campaign, CampaignMessage, SkipReason, Status
from core.actors import Actor
from messaging.error_codes import explain

NEXT_STEPS = {
    SkipReason.NO_NUMBER: gettext_noop("Add a mobile number to these contacts."),
    SkipReason.LANDLINE: gettext_noop("Ask them for a mobile number."),
    SkipReason.INVALID_NUMBER: gettext_noop("Correct the numbers on these contacts."),
    SkipReason.REVIEW: gettext_noop("Look at the numbers that wait to be reviewed."),
    SkipReason.OPTED_OUT: gettext_noop("Nothing: only they can undo it, by writing START."),
    SkipReason.VARIABLE: gettext_noop("Fill in what is missing, or give the variable a fallback."),
    SkipReason.RECENT: gettext_noop("Write to them another day."),
}
IN_DOUBT = gettext_noop("It may have been sent: WhatsApp's answer never reached us.")
DOUBT_STEP = gettext_noop("Nothing to do: WhatsApp's next status settles it. It is never sent again by itself.")


@dataclass(frozen=True, slots=True)
class Cause:
    """Why some did not get it, and how many. `status`, `skip_reason` and `error_code` find the rows behind it."""

    count: int
    meaning: str
    next_step: str
    status: str
    skip_reason: str = ""
    error_code: int | None = None


def causes(*, actor: Actor, campaign: Campaign) -> list[Cause]:
    """Skips, failures and doubts in plain words, the most frequent first. One query."""
    rows = (
        CampaignMessage.objects.for_organization(actor.organization)
        .filter(campaign=campaign, status__in=[Status.SKIPPED, Status.FAILED, Status.UNKNOWN])
        .values_list("status", "skip_reason", "error_code")
        .annotate(count=Count("pk"))
        .order_by()
    )
    found = [
        Cause(count, *words_of(status, skip_reason, error_code), status, skip_reason, error_code)
        for status, skip_reason, error_code, count in rows
    ]
    return sorted(found, key=lambda cause: -cause.count)


def words_of(status: str, skip_reason: str, error_code: int | None) -> tuple[str, str]:
    """What it means and the safe next step, in the reader's language; "" for the next step when there is none."""
    if status == Status.SKIPPED:
        step = NEXT_STEPS.get(SkipReason(skip_reason), "")
        return f"{_(str(SkipReason(skip_reason).label))}.", _(step) if step else ""
    if status == Status.UNKNOWN:
        return _(IN_DOUBT), _(DOUBT_STEP)
    said = explain(error_code)
    return _(said.meaning), _(said.next_step)
