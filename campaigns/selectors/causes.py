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
# What messaging says of the failures that campaigns meet (messaging/error_codes.py): named so that translators meet them.
FAILURES = [
    gettext_noop("WhatsApp could not deliver to this number."),
    gettext_noop("Check that the number is on WhatsApp."),
    gettext_noop("WhatsApp withheld this marketing message from this person."),
    gettext_noop("Try another day, not today."),
    gettext_noop("This person stopped marketing messages from us."),
    gettext_noop("Do not write to them unasked."),
    gettext_noop("This person is in an experiment of WhatsApp's without marketing."),
    gettext_noop("Call instead."),
    gettext_noop("We may not write to people in that country."),
    gettext_noop("Reach this person another way."),
    gettext_noop("The template and its variables do not fit together."),
    gettext_noop("Check the template, then send again."),
    gettext_noop("WhatsApp has paused or disabled this template."),
    gettext_noop("Choose another template."),
    gettext_noop("Too many people blocked or reported this number."),
    gettext_noop("Write to fewer people, more to the point."),
    gettext_noop("WhatsApp could not read the message as we wrote it."),
    gettext_noop("Report this message to support."),
    gettext_noop("WhatsApp refused this message."),
    gettext_noop("See the details, and send it again if they allow."),
    gettext_noop("There is a problem with the payment method at WhatsApp."),
    gettext_noop("The owner mends it in billing."),
]
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
