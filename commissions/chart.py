"""The chart of accounts of commissions, and what each event posts. Codes end in the currency; one set per currency.

| account                        | kind      | normal | when                                                        |
|--------------------------------|-----------|--------|-------------------------------------------------------------|
| receivable:deal:<id>           | asset     | debit  | approval: what the client owes for the deal, VAT included   |
| commission_revenue             | income    | credit | approval: the commission, net of VAT                        |
| vat_payable                    | liability | credit | approval: output VAT, owed to the tax authority             |
| commission_expense             | expense   | debit  | approval: the parts of agents, supervisors and referrers    |
| payable:agent:<id>, :contact:  | liability | credit | approval: what we owe that person; never below zero         |
| bank                           | asset     | debit  | payment by bank transfer leaves here                        |
| cheques_outstanding            | liability | credit | payment by cheque waits here until the bank has cleared it  |
| cash                           | asset     | debit  | payment in cash leaves here                                 |

approval      Dr receivable (amount + VAT)   Cr commission_revenue (amount), Cr vat_payable (VAT)
              Dr commission_expense (parts)  Cr payable of each beneficiary
payment       Dr payable of the beneficiary  Cr bank, cheques_outstanding or cash
bounced cheque, cancellation: the mirror image of the payment, of the approval
The house's own part is what revenue exceeds expense by; it has no payable.
"""

from __future__ import annotations

from collections.abc import Iterable

from commissions.models import Commission, CommissionSplit, Method, SplitRole
from ledger.models import AccountKind
from ledger.postings import NewAccount

PAYMENT_ACCOUNTS = {
    Method.BANK_TRANSFER: ("bank", "Cash at bank", AccountKind.ASSET),
    Method.CHEQUE: ("cheques_outstanding", "Cheques issued, not cleared", AccountKind.LIABILITY),
    Method.CASH: ("cash", "Cash in hand", AccountKind.ASSET),
}


def receivable(commission: Commission) -> NewAccount:
    owner = f"deal:{commission.deal_id}"
    return _account(f"receivable:{owner}", "Commission receivable", AccountKind.ASSET, commission.currency, owner=owner)


def revenue(currency: str) -> NewAccount:
    return _account("commission_revenue", "Commission revenue", AccountKind.INCOME, currency)


def vat(currency: str) -> NewAccount:
    return _account("vat_payable", "VAT payable", AccountKind.LIABILITY, currency)


def expense(currency: str) -> NewAccount:
    return _account("commission_expense", "Commission shares of agents", AccountKind.EXPENSE, currency)


def payable(split: CommissionSplit) -> NewAccount:
    """What we owe one beneficiary. It may not fall below zero: a wall behind the one at the payment."""
    owner = owner_of(split)
    return _account(
        f"payable:{owner}", "Commission payable", AccountKind.LIABILITY, split.currency, owner=owner, lowest_minor=0
    )


def paying(method: Method, currency: str) -> NewAccount:
    """Where a payment leaves from."""
    code, name, kind = PAYMENT_ACCOUNTS[method]
    return _account(code, name, kind, currency)


def owner_of(split: CommissionSplit) -> str:
    return owner_of_agent(split.agent_id) if split.agent_id else f"contact:{split.contact_id}"


def owner_of_agent(agent_id: int) -> str:
    """What the accounts of one agent carry as their owner."""
    return f"agent:{agent_id}"


def accrual(commission: Commission, splits: Iterable[CommissionSplit]) -> list[tuple[NewAccount, int]]:
    """What approving the commission posts: accounts and amounts, debits positive; what comes to nothing is left out."""
    currency, owed = commission.currency, [split for split in splits if split.role != SplitRole.HOUSE]
    amounts = [
        (receivable(commission), commission.total_minor),
        (revenue(currency), -commission.amount_minor),
        (vat(currency), -commission.vat_minor),
        (expense(currency), sum(split.amount_minor for split in owed)),
        *((payable(split), -split.amount_minor) for split in owed),
    ]
    return [(account, amount) for account, amount in amounts if amount]


def payment(split: CommissionSplit, method: Method, amount_minor: int) -> list[tuple[NewAccount, int]]:
    """What paying a part posts."""
    return [(payable(split), amount_minor), (paying(method, split.currency), -amount_minor)]


def _account(
    code: str, name: str, kind: AccountKind, currency: str, *, owner: str = "", lowest_minor: int | None = None
) -> NewAccount:
    return NewAccount(f"{code}:{currency}", f"{name} ({currency})", kind, currency, owner, lowest_minor)
