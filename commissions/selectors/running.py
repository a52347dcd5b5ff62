"""An agent's account as the books have it: what came to be owed, what was paid, and the balance after each line."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from typing import Any

from django.db.models import Q

from commissions import chart
from commissions.errors import CommissionUnknown
from commissions.models import Approval, Cancellation, Commission, CommissionPayment, PaymentReversal
from commissions.selectors.statements import may_see
from core.actors import Actor, system
from core.models import Organization
from core.roles import Capability
from crm.models import Agent
from ledger import selectors as ledger
from ledger.models import Account

MOST_LINES = 1000


@dataclass(frozen=True, slots=True)
class RunningLine:
    """One entry of the payable account. `kind` is approved, paid, taken_back, cancelled, or other: then `text` says it."""

    on: date
    kind: str
    text: str
    commission: Commission | None
    payment: CommissionPayment | None
    amount_minor: int
    balance_minor: int


@dataclass(frozen=True, slots=True)
class Month:
    """The lines of one month, oldest first; opening + more + less = closing. More came to be owed, less was paid."""

    first: date
    opening_minor: int
    more_minor: int
    less_minor: int
    closing_minor: int
    lines: tuple[RunningLine, ...]


@dataclass(frozen=True, slots=True)
class Running:
    """One currency, from a day to a day; months newest first."""

    account: Account
    currency: str
    opening_minor: int
    closing_minor: int
    months: tuple[Month, ...]

    @property
    def is_recovery(self) -> bool:
        """What the agent owes after claw-backs, and not what is owed to him."""
        return self.account.code.startswith("clawback:")

    @property
    def lines(self) -> list[RunningLine]:
        """All lines, oldest first."""
        return [line for month in reversed(self.months) for line in month.lines]


def running_statements(
    *, actor: Actor, agent: Agent, since: date | None = None, until: date | None = None
) -> tuple[Running, ...]:
    """The account of an agent by month, one for each currency, and what is to be recovered after it; the newest MOST_LINES lines of each.

    Ten queries for each account, however long. Raises CommissionUnknown when the actor may not see this agent.
    """
    actor.require(Capability.COMMISSIONS_READ)
    if not may_see(actor, agent):
        raise CommissionUnknown("There is no such agent here.", agent=agent.pk)
    # Whose account it is was asked above: agents may read their own, though not the books.
    books = system(actor.organization)
    accounts = Account.objects.for_organization(actor.organization).filter(owner=chart.owner_of_agent(agent.pk))
    found = []
    which = Q(code__startswith="payable:") | Q(code__startswith="clawback:")
    for account in accounts.filter(which).order_by("currency", "-code"):
        told = ledger.statement(actor=books, account=account, since=since, until=until, limit=MOST_LINES)
        lines = explained_lines(actor.organization, told.lines)
        found.append(Running(account, account.currency, told.opening_minor, told.closing_minor, _months(told, lines)))
    return tuple(found)


def _months(told: ledger.Statement, lines: list[RunningLine]) -> tuple[Month, ...]:
    months, balance = [], told.opening_minor
    for first, members in groupby(lines, key=lambda line: line.on.replace(day=1)):
        within = tuple(members)
        more = sum(line.amount_minor for line in within if line.amount_minor > 0)
        less = sum(line.amount_minor for line in within if line.amount_minor < 0)
        months.append(Month(first, balance, more, less, balance + more + less, within))
        balance += more + less
    return tuple(reversed(months))


def explained_lines(organization: Organization, entries: Iterable[ledger.StatementLine]) -> list[RunningLine]:
    """Each line with the decision or payment behind its transfer. Four queries."""
    entries = list(entries)
    transfers = [entry.transfer_id for entry in entries]
    unit = "deal__property__project"
    reasons: dict[int, tuple[str, Commission, CommissionPayment | None]] = {}
    for row in _behind(Approval, organization, transfers, f"commission__{unit}"):
        reasons[row.transfer_id] = ("approved", row.commission, None)
    for row in _behind(Cancellation, organization, transfers, f"commission__{unit}"):
        reasons[row.transfer_id] = ("cancelled", row.commission, None)
    for row in _behind(CommissionPayment, organization, transfers, f"split__commission__{unit}"):
        reasons[row.transfer_id] = ("paid", row.split.commission, row)
    for row in _behind(PaymentReversal, organization, transfers, f"payment__split__commission__{unit}"):
        reasons[row.transfer_id] = ("taken_back", row.payment.split.commission, row.payment)
    lines = []
    for entry in entries:
        kind, commission, payment = reasons.get(entry.transfer_id, ("other", None, None))
        lines.append(
            RunningLine(
                on=entry.effective_on,
                kind=kind,
                text=entry.description,
                commission=commission,
                payment=payment,
                amount_minor=entry.amount_minor,
                balance_minor=entry.balance_minor,
            )
        )
    return lines


def _behind(model: Any, organization: Organization, transfers: list[int], joined: str) -> Iterable[Any]:
    rows: Iterable[Any] = (
        model.objects.for_organization(organization).filter(transfer__in=transfers).select_related(joined)
    )
    return rows
