"""What an agent earned and why, and the same in sums for a team."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import F, Q, QuerySet, Sum
from django.utils import timezone

from commissions.errors import CommissionUnknown
from commissions.filtering import LEFT, OWED, held, payable
from commissions.models import CommissionPayment, CommissionSplit, SplitRole, Status
from core.actors import Actor
from core.roles import Capability
from crm.models import Agent


@dataclass(frozen=True, slots=True)
class Totals:
    """One currency of a statement, in minor units; cancelled commissions count nowhere.

    earned = pending + approved + disputed. Of approved ones, due may be paid now and held not yet: the client has not paid
    it, or it is held back. paid is all that was paid, also of commissions that were disputed later. approved = due + held + paid while nothing paid is disputed.
    """

    currency: str
    earned_minor: int
    pending_minor: int
    approved_minor: int
    disputed_minor: int
    due_minor: int
    held_minor: int
    paid_minor: int


@dataclass(frozen=True, slots=True)
class StatementLine:
    """One part of one commission, with the reason for each figure."""

    split_id: int
    commission_id: int
    deal_id: int
    property_label: str
    project_name: str
    earned_on: date
    status: Status
    role: SplitRole
    currency: str
    base_price_minor: int
    commission_minor: int
    amount_minor: int
    paid_minor: int
    due_minor: int
    held_minor: int
    commission_reason: str
    share_reason: str

    @property
    def status_label(self) -> str:
        return self.status.label

    @property
    def role_label(self) -> str:
        return self.role.label


@dataclass(frozen=True, slots=True)
class StatementPayment:
    """A payment, standing or taken back (then with the reason)."""

    payment_id: int
    commission_id: int
    paid_on: date
    method: str
    reference: str
    currency: str
    amount_minor: int
    is_reversed: bool
    reversal_reason: str


@dataclass(frozen=True, slots=True)
class AgentStatement:
    agent: Agent
    since: date | None
    until: date | None
    totals: tuple[Totals, ...]
    lines: tuple[StatementLine, ...]
    payments: tuple[StatementPayment, ...]


@dataclass(frozen=True, slots=True)
class TeamRow:
    """One agent of a team statement, in one currency."""

    agent: Agent
    totals: Totals


def agent_statement(
    *, actor: Actor, agent: Agent, since: date | None = None, until: date | None = None, limit: int = 200
) -> AgentStatement:
    """What an agent earned, what is approved, due and paid, and why. Five queries, however long the history.

    `since` and `until` are days on which commissions were earned, both included; payments shown are those of the same
    commissions. The newest `limit` lines and payments are shown, totals are over all. Raises CommissionUnknown when
    the actor may not see this agent.
    """
    actor.require(Capability.COMMISSIONS_READ)
    found = Agent.objects.for_organization(actor.organization).filter(pk=agent.pk).first()
    if found is None or not may_see(actor, found):
        raise CommissionUnknown("There is no such agent here.", agent=agent.pk)
    splits = _earned(CommissionSplit.objects.for_organization(actor.organization).filter(agent=found), since, until)
    shown = splits.select_related("commission__deal__property__project").annotate(payable=payable(timezone.localdate()))
    payments = CommissionPayment.objects.for_organization(actor.organization).filter(split__in=splits.values("pk"))
    annotated = payments.select_related("split").annotate(taken_back=F("reversals__reason")).order_by("-id")[:limit]
    return AgentStatement(
        agent=found,
        since=since,
        until=until,
        totals=tuple(_totals(row) for row in _summed(splits, "currency")),
        lines=tuple(_line(split) for split in shown.order_by("-id")[:limit]),
        payments=tuple(_payment(payment) for payment in annotated),
    )


def team_totals(*, actor: Actor, since: date | None = None, until: date | None = None) -> tuple[TeamRow, ...]:
    """The same totals for every agent the actor may see: reports of a supervisor, all for a manager. Two queries
    (three for a supervisor)."""
    actor.require(Capability.COMMISSIONS_READ)
    splits = CommissionSplit.objects.visible_to(actor).filter(agent__isnull=False)
    rows = list(_summed(_earned(splits, since, until), "agent", "currency"))
    agents = Agent.objects.for_organization(actor.organization).in_bulk([row["agent"] for row in rows])
    found = [TeamRow(agents[row["agent"]], _totals(row)) for row in rows]
    return tuple(sorted(found, key=lambda row: (row.totals.currency, -row.totals.earned_minor, row.agent.name)))


def may_see(actor: Actor, agent: Agent) -> bool:
    """Own, direct reports', or all: by the reach of the role. A deleted agent's money is still seen."""
    return (
        Agent.objects.for_organization(actor.organization)
        .filter(pk=agent.pk)
        .filter(Q() if actor.reach == "organization" else Q(membership__in=actor.membership_ids))
        .exists()
    )


def _earned(splits: QuerySet[CommissionSplit], since: date | None, until: date | None) -> QuerySet[CommissionSplit]:
    if since is not None:
        splits = splits.filter(commission__earned_on__gte=since)
    if until is not None:
        splits = splits.filter(commission__earned_on__lte=until)
    return splits


def _summed(splits: QuerySet[CommissionSplit], *by: str) -> Iterable[dict[str, Any]]:
    """The sums of which Totals are made, one row for each value of `by`."""
    status, today = "commission__status", timezone.localdate()
    summed: Iterable[dict[str, Any]] = (
        splits.exclude(**{status: Status.CANCELLED})
        .order_by(*by)
        .values(*by)
        .annotate(
            earned=Sum("amount_minor"),
            pending=Sum("amount_minor", filter=Q(**{status: Status.PENDING}), default=0),
            approved=Sum("amount_minor", filter=Q(**{f"{status}__in": OWED}), default=0),
            disputed=Sum("amount_minor", filter=Q(**{status: Status.DISPUTED}), default=0),
            due=Sum(payable(today), filter=LEFT, default=0),
            held=Sum(held(today), filter=LEFT, default=0),
            paid=Sum("paid_minor"),
        )
    )
    return summed


def _totals(row: dict[str, Any]) -> Totals:
    return Totals(
        currency=row["currency"],
        earned_minor=row["earned"],
        pending_minor=row["pending"],
        approved_minor=row["approved"],
        disputed_minor=row["disputed"],
        due_minor=row["due"],
        held_minor=row["held"],
        paid_minor=row["paid"],
    )


def _line(split: Any) -> StatementLine:
    """Of a part with `payable`."""
    commission, unit = split.commission, split.commission.deal.property
    status = Status(commission.status)
    return StatementLine(
        split_id=split.pk,
        commission_id=commission.pk,
        deal_id=commission.deal_id,
        property_label=unit.label,
        project_name=unit.project.name,
        earned_on=commission.earned_on,
        status=status,
        role=SplitRole(split.role),
        currency=split.currency,
        base_price_minor=commission.base_price_minor,
        commission_minor=commission.amount_minor,
        amount_minor=split.amount_minor,
        paid_minor=split.paid_minor,
        due_minor=split.payable if status in OWED else 0,
        held_minor=split.due_minor - split.payable if status in OWED else 0,
        commission_reason=commission.explanation,
        share_reason=split.explanation,
    )


def _payment(payment: CommissionPayment) -> StatementPayment:
    taken_back: str | None = payment.taken_back  # type: ignore[attr-defined]  # annotated above
    return StatementPayment(
        payment_id=payment.pk,
        commission_id=payment.split.commission_id,
        paid_on=payment.paid_on,
        method=payment.get_method_display(),
        reference=payment.reference,
        currency=payment.currency,
        amount_minor=payment.amount_minor,
        is_reversed=taken_back is not None,
        reversal_reason=taken_back or "",
    )
