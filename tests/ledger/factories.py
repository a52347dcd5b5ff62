"""A small set of books."""

from __future__ import annotations

from datetime import UTC, date, datetime

from core.actors import Actor
from ledger import services
from ledger.models import Account, AccountKind
from ledger.postings import Line, NewAccount, Posted, Posting

AT = datetime(2026, 3, 2, 8, 30, tzinfo=UTC)
DAY = date(2026, 3, 2)


def open_account(
    actor: Actor, code: str, kind: AccountKind = AccountKind.ASSET, currency: str = "AED", **more
) -> Account:
    new = NewAccount(code=code, name=code.title(), kind=kind, currency=currency, **more)
    return services.open_accounts(actor=actor, accounts=[new], at=AT)[code]


def posting(
    reference: str, *lines: tuple[Account | int, int], currency: str = "AED", on: date = DAY, **more
) -> Posting:
    """(account, minor units) pairs; positive is a debit."""
    return Posting(
        reference=reference,
        description=more.pop("description", "test"),
        currency=currency,
        effective_on=on,
        lines=[Line(account if isinstance(account, int) else account.pk, amount) for account, amount in lines],
        **more,
    )


def move(actor: Actor, reference: str, debit: Account, credit: Account, amount: int, on: date = DAY) -> Posted:
    """One transfer of two lines."""
    lines = posting(reference, (debit, amount), (credit, -amount), currency=debit.currency, on=on)
    return services.post(actor=actor, posting=lines, at=AT)


def fresh(account: Account) -> Account:
    found: Account = Account.objects.get(pk=account.pk)
    return found
