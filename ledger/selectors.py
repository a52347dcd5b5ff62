"""Reads of the ledger."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from django.db.models import BigIntegerField, OuterRef, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce

from core.actors import Actor
from core.roles import Capability
from ledger.models import Account, AccountKind, Entry


@dataclass(frozen=True, slots=True)
class StatementLine:
    """One entry as a statement shows it; amounts and balance are on the account's normal side."""

    entry_id: int
    transfer_id: int
    sequence: int
    effective_on: date
    reference: str
    description: str
    currency: str
    amount_minor: int
    balance_minor: int


@dataclass(frozen=True, slots=True)
class Statement:
    """An account from a day to a day, both included. opening + lines = closing, always."""

    account: Account
    since: date | None
    until: date | None
    opening_minor: int
    closing_minor: int
    lines: tuple[StatementLine, ...]

    @property
    def currency(self) -> str:
        return self.account.currency


@dataclass(frozen=True, slots=True)
class TrialBalanceRow:
    account: Account
    debit_minor: int
    credit_minor: int

    @property
    def currency(self) -> str:
        return self.account.currency


@dataclass(frozen=True, slots=True)
class TrialBalanceTotal:
    currency: str
    debit_minor: int
    credit_minor: int


@dataclass(frozen=True, slots=True)
class TrialBalance:
    """Every account that is not at zero, and per currency the two totals, which are equal."""

    as_of: date | None
    rows: tuple[TrialBalanceRow, ...]
    totals: tuple[TrialBalanceTotal, ...]


def balance(*, actor: Actor, account_id: int) -> int:
    """The natural balance now, in minor units. One query of one row, however long the account.

    Raises Account.DoesNotExist when there is no such account here.
    """
    actor.require(Capability.LEDGER_READ)
    account: Account = Account.objects.visible_to(actor).get(pk=account_id)
    return account.natural_minor


def balance_as_of(*, actor: Actor, account: Account, on: date) -> int:
    """The natural balance at the end of a day. One query over what happened after that day."""
    actor.require(Capability.LEDGER_READ)
    return (account.balance_minor - _moved_after(account, on)) * account.normal_side


def statement(
    *, actor: Actor, account: Account, since: date | None = None, until: date | None = None, limit: int = 1000
) -> Statement:
    """The newest `limit` lines between two days, oldest first, with the balances before and after. At most four queries.

    The opening balance is the one before the first line shown, so a cut statement still adds up.
    """
    actor.require(Capability.LEDGER_READ)
    fresh: Account = Account.objects.visible_to(actor).get(pk=account.pk)
    entries: QuerySet[Entry] = Entry.objects.for_organization(actor.organization).filter(account=fresh)
    if since is not None:
        entries = entries.filter(effective_on__gte=since)
    if until is not None:
        entries = entries.filter(effective_on__lte=until)
    newest = list(entries.select_related("transfer").order_by("-effective_on", "-sequence")[:limit])
    side = fresh.normal_side
    closing = fresh.balance_minor * side
    if until is not None:
        closing -= _moved_after(fresh, until) * side
    opening = closing - sum(entry.amount_minor for entry in newest) * side
    lines, running = [], opening
    for entry in reversed(newest):
        running += entry.amount_minor * side
        lines.append(
            StatementLine(
                entry_id=entry.pk,
                transfer_id=entry.transfer_id,
                sequence=entry.sequence,
                effective_on=entry.effective_on,
                reference=entry.transfer.reference,
                description=entry.transfer.description,
                currency=fresh.currency,
                amount_minor=entry.amount_minor * side,
                balance_minor=running,
            )
        )
    return Statement(fresh, since, until, opening, closing, tuple(lines))


def trial_balance(*, actor: Actor, as_of: date | None = None) -> TrialBalance:
    """What every account stands at, now or at the end of a day, in its debit or credit column. One query."""
    actor.require(Capability.LEDGER_READ)
    accounts = Account.objects.visible_to(actor).order_by("currency", "code")
    if as_of is not None:
        later = Entry.objects.filter(account=OuterRef("pk"), effective_on__gt=as_of).order_by().values("account")
        moved = Subquery(later.annotate(total=Sum("amount_minor")).values("total"), output_field=BigIntegerField())
        accounts = accounts.annotate(later_minor=Coalesce(moved, 0))
    rows = []
    for account in accounts:
        balance_minor = account.balance_minor - getattr(account, "later_minor", 0)
        if balance_minor:
            rows.append(TrialBalanceRow(account, max(balance_minor, 0), max(-balance_minor, 0)))
    return TrialBalance(as_of, tuple(rows), _totals(rows))


def account_kinds(rows: Sequence[TrialBalanceRow]) -> dict[str, list[TrialBalanceRow]]:
    """The rows of a trial balance by kind, in the order accountants read them."""
    grouped: dict[str, list[TrialBalanceRow]] = {kind.label: [] for kind in AccountKind}
    for row in rows:
        grouped[AccountKind(row.account.kind).label].append(row)
    return {kind: members for kind, members in grouped.items() if members}


def _moved_after(account: Account, day: date) -> int:
    """Debits less credits after a day."""
    later = Entry.objects.filter(organization=account.organization_id, account=account, effective_on__gt=day)
    return later.aggregate(total=Sum("amount_minor"))["total"] or 0


def _totals(rows: Sequence[TrialBalanceRow]) -> tuple[TrialBalanceTotal, ...]:
    sums: dict[str, list[int]] = {}
    for row in rows:
        columns = sums.setdefault(row.account.currency, [0, 0])
        columns[0] += row.debit_minor
        columns[1] += row.credit_minor
    return tuple(TrialBalanceTotal(currency, debit, credit) for currency, (debit, credit) in sorted(sums.items()))
