"""Numbers as a manager sees them: how each is, what that means, and how much of the day's allowance is used."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from django.db import connection
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from core.actors import Actor
from core.errors import NotFound
from core.roles import Capability
from messaging import checkup, verdicts
from messaging.checkup import Finding
from messaging.models import Appeal, Channel, Notice
from messaging.models.channels import Quality, SessionStatus
from messaging.models.notices import AppealOutcome
from messaging.verdicts import Verdict

DAY = timedelta(hours=24)
PAGE = 30
QUALITY_TONES = {Quality.GREEN: "good", Quality.YELLOW: "warn", Quality.RED: "bad", Quality.UNKNOWN: ""}
UNLIMITED = verdicts.UNLIMITED
# Whom we began to talk with in a day: by templates that arrived, each person once, however many numbers wrote.
BEGUN = """
SELECT c.portfolio, count(DISTINCT m.recipient)
  FROM unnest(%(channels)s::bigint[], %(portfolios)s::text[]) AS c(id, portfolio)
  JOIN messaging_message m ON m.channel_id = c.id
 WHERE m.organization_id = %(organization)s AND m.template_id IS NOT NULL AND m.at > %(since)s
   AND m.delivered_at IS NOT NULL
 GROUP BY c.portfolio
"""


@dataclass(frozen=True, slots=True)
class State:
    """How a number is, in one word: blocked, submitted, lost, broken, off, troubled or fine."""

    code: str
    label: str
    tone: str


@dataclass(frozen=True, slots=True)
class NumberCard:
    """One number with what is worth knowing of it. `begun` and `limit` are the portfolio's."""

    channel: Channel
    state: State
    quality_tone: str
    begun: int
    limit: int | None  # None: unlimited
    appeal: Appeal | None = None
    findings: list[Finding] = field(default_factory=list)

    @property
    def limit_shown(self) -> str:
        return f"{self.limit:,}" if self.limit else ""

    @property
    def used_percent(self) -> int:
        return 0 if not self.limit else min(100, round(100 * self.begun / self.limit))


@dataclass(frozen=True, slots=True)
class Event:
    """One line of history, in the reader's language."""

    notice: Notice
    verdict: Verdict


def filtered_numbers(*, actor: Actor, search: str = "", state: str = "", whose: str = "") -> QuerySet[Channel]:
    """The numbers whose state this actor may see, narrowed as the page is."""
    actor.require(Capability.CHANNELS_READ)
    rows: QuerySet[Channel] = Channel.objects.seen_by(actor).select_related("owner__user").order_by("name", "pk")
    if search:
        digits = "".join(filter(str.isdigit, search))
        named = Q(name__icontains=search) | Q(verified_name__icontains=search) | Q(owner__user__name__icontains=search)
        rows = rows.filter(named | Q(display_number__contains=digits) if digits else named)
    if state == "blocked":
        rows = rows.filter(Q(blocked_at__isnull=False) | Q(answers_only_since__isnull=False))
    elif state == "trouble":
        rows = rows.filter(
            Q(blocked_at__isnull=False)
            | Q(answers_only_since__isnull=False)
            | ~Q(session_status=SessionStatus.CONNECTED)
            | ~Q(findings=[])
        )
    elif state == "connected":
        rows = rows.filter(
            blocked_at__isnull=True, answers_only_since__isnull=True, session_status=SessionStatus.CONNECTED
        )
    if whose == "house":
        rows = rows.filter(owner__isnull=True)
    elif whose == "agents":
        rows = rows.filter(owner__isnull=False)
    return rows


def number_cards(*, actor: Actor, channels: list[Channel], at: datetime) -> list[NumberCard]:
    """Three queries however many: the numbers are given, their appeals, and whom their portfolios wrote to."""
    appeals = {
        appeal.channel_id: appeal
        for appeal in Appeal.objects.for_organization(actor.organization)
        .filter(channel__in=channels)
        .select_related("asked_by__user")
        .order_by("pk")
    }
    begun = _begun(actor, at)
    return [_card(channel, appeals.get(channel.pk), begun) for channel in channels]


def number_card(*, actor: Actor, channel_id: int, at: datetime) -> NumberCard:
    """One number. Raises NotFound."""
    channel = filtered_numbers(actor=actor).filter(pk=channel_id).first()
    if channel is None:
        raise NotFound(_("There is no such number here."))
    return number_cards(actor=actor, channels=[channel], at=at)[0]


def history(*, actor: Actor, channel: Channel, before: int | None = None) -> tuple[list[Event], int | None]:
    """What was told of a number and its account, newest first, and where the next page begins. One query."""
    actor.require(Capability.CHANNELS_READ)
    rows = Notice.objects.visible_to(actor).of_channel(channel).order_by("-pk")
    return _events(rows, before)


def template_history(*, actor: Actor, template_id: int, before: int | None = None) -> tuple[list[Event], int | None]:
    """What happened to a template, newest first. One query."""
    actor.require(Capability.CONVERSATIONS_READ)
    rows = Notice.objects.for_organization(actor.organization).filter(template=template_id).order_by("-pk")
    return _events(rows, before)


def same_app(*, actor: Actor, channel: Channel) -> list[Channel]:
    """Other numbers of the same Meta app: one secret and one verify token for all of them."""
    actor.require(Capability.CHANNELS_READ)
    if not channel.app_id:
        return []
    return list(Channel.objects.seen_by(actor).filter(app_id=channel.app_id).exclude(pk=channel.pk).order_by("name"))


def _events(rows: QuerySet[Notice], before: int | None) -> tuple[list[Event], int | None]:
    found = list((rows if before is None else rows.filter(pk__lt=before))[: PAGE + 1])
    events = [Event(row, verdicts.read(row.kind, row.code, row.details)) for row in found[:PAGE]]
    return events, found[PAGE - 1].pk if len(found) > PAGE else None


def _begun(actor: Actor, at: datetime) -> dict[str, int]:
    """By portfolio: how many people were written to first in the last 24 hours, by any number of it."""
    rows = list(
        Channel.objects.for_organization(actor.organization).live().values_list("pk", "portfolio_id", "waba_id")
    )
    with connection.cursor() as cursor:
        cursor.execute(
            BEGUN,
            {
                "channels": [pk for pk, _portfolio, _waba in rows],
                "portfolios": [portfolio or waba for _pk, portfolio, waba in rows],
                "organization": actor.organization.pk,
                "since": at - DAY,
            },
        )
        return dict(cursor.fetchall())


def _card(channel: Channel, appeal: Appeal | None, begun: dict[str, int]) -> NumberCard:
    findings = checkup.kept(channel.findings)
    return NumberCard(
        channel=channel,
        state=_state(channel, appeal, findings),
        quality_tone=QUALITY_TONES.get(Quality(channel.quality), ""),
        begun=begun.get(channel.portfolio_id or channel.waba_id, 0),
        limit=None if channel.messaging_limit >= UNLIMITED else channel.messaging_limit,
        appeal=appeal,
        findings=findings,
    )


def _state(channel: Channel, appeal: Appeal | None, findings: list[Finding]) -> State:
    is_limited = channel.answers_only_since is not None
    is_stopped = is_limited or channel.blocked_at is not None or channel.session_status == SessionStatus.ERROR
    if is_stopped and appeal is not None and appeal.outcome == AppealOutcome.WAITING:
        return State("submitted", _("WhatsApp was asked"), "warn")
    if is_stopped and appeal is not None and appeal.outcome == AppealOutcome.REFUSED:
        return State("lost", _("Blocked for good"), "bad")
    if channel.blocked_at is not None:
        return State("blocked", _("Blocked"), "bad")
    if channel.session_status == SessionStatus.ERROR:
        return State("broken", _("Does not work"), "bad")
    if channel.session_status == SessionStatus.DISCONNECTED:
        return State("off", _("Disconnected"), "")
    if is_limited:
        return State("limited", _("Answers only"), "bad")
    if findings:
        return State("troubled", _("Works, with a warning"), "warn")
    return State("fine", _("Connected"), "good")
