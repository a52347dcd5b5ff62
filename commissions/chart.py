"""The chart of accounts of commissions, and what each event posts. Codes end in the currency; one set per currency.

| account                        | kind      | normal | when                                                        |
|--------------------------------|-----------|--------|-------------------------------------------------------------|
| receivable:deal:<id>           | asset     | debit  | approval: what the client owes for the deal, VAT included;  |
|                                |           |        | of a lease ...:<id>:tenant and :landlord                    |
| commission_revenue             | income    | credit | approval: the commission, net of VAT                        |
| vat_payable                    | liability | credit | approval: output VAT, owed to the tax authority             |
| commission_expense             | expense   | debit  | approval: the parts of agents, supervisors and referrers    |
| payable:agent:<id>, :contact:  | liability | credit | approval: what we owe that person; never below zero         |
| clawback:agent:<id>, :contact: | asset     | debit  | what they owe us: what they were paid of a cancelled        |
|                                |           |        | commission, and deductions; never below zero                |
| bank                           | asset     | debit  | payment by bank transfer leaves here                        |
| cheques_outstanding            | liability | credit | payment by cheque waits here until the bank has cleared it  |
| cheques_in_hand                | asset     | debit  | a client's cheque arrives here                              |
| cash                           | asset     | debit  | payment in cash leaves here                                 |

approval      Dr receivable (amount + VAT)   Cr commission_revenue (amount), Cr vat_payable (VAT)
              Dr commission_expense (parts)  Cr payable of each beneficiary
receipt       Dr bank, cheques_in_hand or cash  Cr receivable
payment       Dr payable of the beneficiary  Cr bank, cheques_outstanding or cash
adjustment    Dr commission_expense          Cr payable: the house owes it, no client does
deduction     Dr clawback of the agent       Cr commission_expense: he owes it, and no client is owed anything
repayment     Dr bank, cheques_in_hand or cash  Cr clawback
bounced cheque (ours or the client's), cancellation: the mirror image of the payment, of the approval
cancellation of what is paid: the mirror image of the approval, but Dr clawback instead of payable for what was paid
set-off       Dr payable of the beneficiary  Cr clawback of the same
The house's own part is what revenue exceeds expense by; it has no payable.
"""

from __future__ import annotations

from collections.abc import Iterable

from commissions.models import Commission, CommissionSplit, Method, Side, SplitRole
from ledger.models import AccountKind
from ledger.postings import NewAccount

PAYMENT_ACCOUNTS = {
    Method.BANK_TRANSFER: ("bank", "Cash at bank", AccountKind.ASSET),
    Method.CHEQUE: ("cheques_outstanding", "Cheques issued, not cleared", AccountKind.LIABILITY),
    Method.CASH: ("cash", "Cash in hand", AccountKind.ASSET),
}


RECEIVING_ACCOUNTS = PAYMENT_ACCOUNTS | {Method.CHEQUE: ("cheques_in_hand", "Cheques of clients", AccountKind.ASSET)}


def receivable(commission: Commission) -> NewAccount:
    owner = f"deal:{commission.deal_id}"
    if commission.side in {Side.TENANT, Side.LANDLORD}:
        owner += f":{commission.side}"
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


def clawback(split: CommissionSplit) -> NewAccount:
    """What one beneficiary owes us."""
    return to_recover(owner_of(split), split.currency)


def to_recover(owner: str, currency: str) -> NewAccount:
    """What somebody owes us. It may not fall below zero either: nothing is set off or repaid twice."""
    return _account(
        f"clawback:{owner}", "Commission to recover", AccountKind.ASSET, currency, owner=owner, lowest_minor=0
    )


def paying(split: CommissionSplit, method: Method) -> NewAccount:
    """Where a payment leaves from."""
    if method is Method.SET_OFF:
        return clawback(split)
    code, name, kind = PAYMENT_ACCOUNTS[method]
    return _account(code, name, kind, split.currency)


def owner_of(split: CommissionSplit) -> str:
    return owner_of_agent(split.agent_id) if split.agent_id else owner_of_contact(split.contact_id)


def owner_of_agent(agent_id: int) -> str:
    """What the accounts of one agent carry as their owner."""
    return f"agent:{agent_id}"


def owner_of_contact(contact_id: int | None) -> str:
    """The same of a referrer outside the house."""
    return f"contact:{contact_id}"


def accrual(commission: Commission, splits: Iterable[CommissionSplit]) -> list[tuple[NewAccount, int]]:
    """What approving the commission posts: accounts and amounts, debits positive; what comes to nothing is left out."""
    currency, owed = commission.currency, [split for split in splits if split.role != SplitRole.HOUSE]
    if commission.taken_from_id:
        owing = to_recover(owner_of_agent(commission.taken_from_id), currency)
        return [(owing, commission.amount_minor), (expense(currency), -commission.amount_minor)]
    earned = [
        (receivable(commission), commission.total_minor),
        (revenue(currency), -commission.amount_minor),
        (vat(currency), -commission.vat_minor),
    ]
    amounts = [
        *([] if commission.side == Side.ADJUSTMENT else earned),
        (expense(currency), sum(split.amount_minor for split in owed)),
        *((payable(split), -split.amount_minor) for split in owed),
    ]
    return [(account, amount) for account, amount in amounts if amount]


def undone(commission: Commission, splits: Iterable[CommissionSplit]) -> list[tuple[NewAccount, int]]:
    """What cancelling a commission of which something is paid posts: the accrual undone, what was paid to recover."""
    splits = list(splits)
    amounts = [(account, -amount) for account, amount in accrual(commission, splits)]
    for split in (one for one in splits if one.paid_minor):
        amounts += [(payable(split), -split.paid_minor), (clawback(split), split.paid_minor)]
    sums: dict[NewAccount, int] = {}
    for account, amount in amounts:  # one line for each account: none may fall too low on the way
        sums[account] = sums.get(account, 0) + amount
    return [(account, amount) for account, amount in sums.items() if amount]


def receipt(commission: Commission, method: Method, amount_minor: int) -> list[tuple[NewAccount, int]]:
    """What money of the client posts."""
    code, name, kind = RECEIVING_ACCOUNTS[method]
    return [(_account(code, name, kind, commission.currency), amount_minor), (receivable(commission), -amount_minor)]


def repayment(owner: str, currency: str, method: Method, amount_minor: int) -> list[tuple[NewAccount, int]]:
    """What posts when somebody pays back what they owe us."""
    code, name, kind = RECEIVING_ACCOUNTS[method]
    return [(_account(code, name, kind, currency), amount_minor), (to_recover(owner, currency), -amount_minor)]


def payment(split: CommissionSplit, method: Method, amount_minor: int) -> list[tuple[NewAccount, int]]:
    """What paying a part posts."""
    return [(payable(split), amount_minor), (paying(split, method), -amount_minor)]


def _account(
    code: str, name: str, kind: AccountKind, currency: str, *, owner: str = "", lowest_minor: int | None = None
) -> NewAccount:
    return NewAccount(f"{code}:{currency}", f"{name} ({currency})", kind, currency, owner, lowest_minor)
