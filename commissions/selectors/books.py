"""The books for whoever keeps them: accounts by family, what moved in a period, one account line by line.

A family is what stands before the first colon of a code: receivable, payable, bank, ... There is an account for each
deal and each beneficiary, so reports sum families, and a family opens its accounts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import BigIntegerField, CharField, Count, F, Func, OuterRef, Q, QuerySet, Subquery, Sum, Value
from django.db.models.functions import Coalesce, Greatest

from commissions.errors import CommissionUnknown
from commissions.selectors.lists import PAGE, Listing
from commissions.selectors.running import RunningLine, explained_lines
from core.actors import Actor
from core.roles import Capability
from crm.keyset import Order, page_of
from ledger import selectors as ledger
from ledger.models import Account, AccountKind, Entry

MOST_LINES = 500
OLDEST = Order("oldest")
KIND_ORDER = list(AccountKind)


@dataclass(frozen=True, slots=True)
class Family:
    """Accounts of one family and currency at the end of a day; of a trial balance."""

    family: str
    kind: AccountKind
    currency: str
    count: int
    debit_minor: int
    credit_minor: int


@dataclass(frozen=True, slots=True)
class Movement:
    """The same from a day to a day, on the family's normal side: opening + more - less = closing."""

    family: str
    kind: AccountKind
    currency: str
    opening_minor: int
    more_minor: int
    less_minor: int
    closing_minor: int


@dataclass(frozen=True, slots=True)
class AccountLines:
    """One account from a day to a day: the newest MOST_LINES lines, oldest first; `is_cut` when there are more."""

    statement: ledger.Statement
    lines: list[RunningLine]
    is_cut: bool


def families(*, actor: Actor, as_of: date | None = None) -> tuple[Family, ...]:
    """The trial balance by family: per currency, debits equal credits. One query."""
    actor.require(Capability.LEDGER_READ)
    rows = (
        _at(Account.objects.visible_to(actor), as_of)
        .annotate(family=_family())
        .exclude(standing=0)
        .order_by()
        .values("family", "kind", "currency")
        .annotate(count=Count("pk"), debit=Sum(Greatest(F("standing"), 0)), credit=Sum(Greatest(-F("standing"), 0)))
    )
    found = [
        Family(row["family"], AccountKind(row["kind"]), row["currency"], row["count"], row["debit"], row["credit"])
        for row in rows
    ]
    return tuple(sorted(found, key=lambda row: (row.currency, KIND_ORDER.index(row.kind), row.family)))


def movements(*, actor: Actor, since: date, until: date) -> tuple[Movement, ...]:
    """What moved between two days, both included, by family. One query."""
    actor.require(Capability.LEDGER_READ)
    within = Q(effective_on__gte=since, effective_on__lte=until)
    rows = (
        Account.objects.visible_to(actor)
        .annotate(
            family=_family(),
            later=_sum(Q(effective_on__gt=until)),
            debits=_sum(within & Q(amount_minor__gt=0)),
            credits=_sum(within & Q(amount_minor__lt=0)),
        )
        .order_by()
        .values("family", "kind", "currency", "normal_side")
        .annotate(end=Sum(F("balance_minor") - F("later")), debit=Sum("debits"), credit=Sum("credits"))
    )
    found = []
    for row in rows:
        side, moved = row["normal_side"], (row["debit"], -row["credit"])
        more, less = moved if side == 1 else moved[::-1]
        closing = row["end"] * side
        if closing or more or less:
            found.append(
                Movement(
                    row["family"], AccountKind(row["kind"]), row["currency"], closing - more + less, more, less, closing
                )
            )
    return tuple(sorted(found, key=lambda row: (row.currency, KIND_ORDER.index(row.kind), row.family)))


def accounts(*, actor: Actor, asked: Mapping[str, Any], as_of: date | None = None) -> QuerySet[Account]:
    """Accounts with `standing`, debits less credits at the end of a day, narrowed by `family`, `currency` and `q`."""
    actor.require(Capability.LEDGER_READ)
    found = _at(Account.objects.visible_to(actor), as_of)
    if asked.get("family"):
        found = found.annotate(family=_family()).filter(family=str(asked["family"])[:80].replace("\x00", ""))
    if asked.get("currency"):
        found = found.filter(currency=str(asked["currency"])[:3].replace("\x00", ""))
    if asked.get("q"):
        text = str(asked["q"])[:80].replace("\x00", "")
        found = found.filter(Q(code__icontains=text) | Q(name__icontains=text))
    return found


def account_page(
    *, actor: Actor, asked: Mapping[str, Any], as_of: date | None = None, after: str = "", limit: int = PAGE
) -> Listing:
    """A page of those accounts, in the order in which they were opened. One query."""
    rows, following = page_of(accounts(actor=actor, asked=asked, as_of=as_of), OLDEST, after, limit)
    return Listing(rows, (), following)


def account_lines(
    *, actor: Actor, account_id: int, since: date | None = None, until: date | None = None
) -> AccountLines:
    """One account line by line, each with the decision or payment behind it. Nine queries at most.

    Raises CommissionUnknown when there is no such account here.
    """
    actor.require(Capability.LEDGER_READ)
    account = Account.objects.visible_to(actor).filter(pk=account_id).first()
    if account is None:
        raise CommissionUnknown("There is no such account here.", account=account_id)
    told = ledger.statement(actor=actor, account=account, since=since, until=until, limit=MOST_LINES)
    return AccountLines(told, explained_lines(actor.organization, told.lines), len(told.lines) == MOST_LINES)


def _family() -> Func:
    return Func(F("code"), Value(":"), Value(1), function="split_part", output_field=CharField())


def _sum(which: Q) -> Coalesce:
    entries = Entry.objects.filter(which, account=OuterRef("pk")).order_by().values("account")
    total = entries.annotate(total=Sum("amount_minor")).values("total")
    return Coalesce(Subquery(total, output_field=BigIntegerField()), 0)


def _at(found: QuerySet[Any], as_of: date | None) -> QuerySet[Any]:
    later: Any = 0 if as_of is None else _sum(Q(effective_on__gt=as_of))
    standing: QuerySet[Any] = found.annotate(standing=F("balance_minor") - later)
    return standing
