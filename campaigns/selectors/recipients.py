"""The people of a campaign, narrowed by what a page asks: every number of the truth screen leads here."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from django.db.models import Q, QuerySet
from django.utils.translation import gettext_noop

from campaigns.models import CampaignMessage, SkipReason, Status
from campaigns.models.recipients import OPEN
from campaigns.selectors.funnels import WENT_OUT
from campaigns.splitting import FIRST, SECOND
from core.actors import Actor

# A reply that quotes nothing belongs to the last campaign that wrote within this time.
REPLY_WINDOW_HOURS = 72
REPLY_WINDOW = timedelta(hours=REPLY_WINDOW_HOURS)
# What a step of the funnel counts: its name in addresses, its words, and the statuses it is the sum of.
STEPS: dict[str, tuple[str, tuple[Status, ...]]] = {
    "waiting": (gettext_noop("Waiting"), OPEN),
    "out": (gettext_noop("Went out"), WENT_OUT),
    "delivered": (gettext_noop("Delivered"), (Status.DELIVERED, Status.READ)),
    "read": (gettext_noop("Read"), (Status.READ,)),
    "failed": (gettext_noop("Failed"), (Status.FAILED,)),
    "unknown": (gettext_noop("In doubt"), (Status.UNKNOWN,)),
    "skipped": (gettext_noop("Skipped"), (Status.SKIPPED,)),
}


def narrowed_recipients(actor: Actor, campaign_id: int, asked: Mapping[str, str]) -> QuerySet[CampaignMessage]:
    """The recipients of a campaign that this actor may see, in the order they are written to.

    `asked` has `step`, `reason`, `code`, `variant`, `replied` and `q` (a name, or a whole number); what makes no sense is left out.
    """
    rows: QuerySet[CampaignMessage] = CampaignMessage.objects.visible_to(actor).filter(campaign=campaign_id)
    if asked.get("step") in STEPS:
        rows = rows.filter(status__in=STEPS[asked["step"]][1])
    if asked.get("reason") and asked["reason"] in SkipReason.values:
        rows = rows.filter(skip_reason=asked["reason"])
    if (code := asked.get("code", "")).isdecimal() and len(code) < 9:
        rows = rows.filter(error_code=int(code))
    if asked.get("variant") in (FIRST, SECOND):
        rows = rows.filter(variant=asked["variant"])
    if asked.get("replied") in ("yes", "no"):
        rows = rows.filter(responded_at__isnull=asked["replied"] == "no")
    if text := asked.get("q", "").replace("\x00", "").strip()[:100]:
        digits = "".join(filter(str.isdigit, text))
        named = Q(contact__display_name__icontains=text)
        rows = rows.filter(named | Q(recipient=digits) if len(digits) > 6 else named)
    return rows.order_by("pk")
