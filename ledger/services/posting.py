"""Every change of the ledger. No door calls these: the services of higher apps do, after asking who may.

Each is one statement. The transfer itself is the record of who posted what and when, so the audit trail has no copy.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any

from django.db import DatabaseError, connection

from core.actors import Actor
from core.errors import DomainError
from core.money import LARGEST_MINOR, decimals, format_money
from ledger import errors
from ledger.models import Account, Entry
from ledger.postings import Line, NewAccount, Posted, Posting

REFERENCE_LENGTH, DESCRIPTION_LENGTH = 120, 300

OPEN = """SELECT * FROM ledger_open_accounts(
    %s, %s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::bigint[], %s)"""
POST = """SELECT ordinal, transfer_id, replayed, refusal, detail FROM ledger_post(
    %s, %s::bigint, %s, %s::text[], %s::text[], %s::text[], %s::date[], %s::bigint[],
    %s::integer[], %s::bigint[], %s::bigint[])"""


def open_accounts(*, actor: Actor, accounts: Sequence[NewAccount], at: datetime) -> dict[str, Account]:
    """The accounts of these codes, opened where they are not yet. One statement; safe to repeat.

    Raises AccountDiffers when an open one has another kind or currency, CurrencyUnknown.
    """
    if not accounts:
        return {}
    for account in accounts:
        decimals(account.currency)
    columns: list[Any] = [
        [account.code for account in accounts],
        [account.name for account in accounts],
        [account.kind.value for account in accounts],
        [account.currency for account in accounts],
        [account.owner for account in accounts],
        [account.lowest_minor for account in accounts],
    ]
    found = {row.code: row for row in Account.objects.raw(OPEN, [actor.organization.pk, *columns, at])}
    for account in accounts:
        row = found[account.code]
        if (row.kind, row.currency) != (account.kind, account.currency):
            raise errors.AccountDiffers(
                f"Account {account.code} is open as {row.kind} in {row.currency}.", account=account.code
            )
    return found


def post(*, actor: Actor, posting: Posting, at: datetime) -> Posted:
    """Post one transfer, in one statement. The same reference and content again changes nothing and says `replayed`.

    Amounts are minor units, positive for debit. Raises TransferUnbalanced, AccountUnknown, TransferCurrencyMixed,
    ReferenceTaken, OverdraftRefused, CreditLimitReached, AmountTooLarge, PeriodClosed, and for reversals AlreadyReversed, ReversalNotReversible,
    ReversalNotMirror, TransferUnknown. After a refusal nothing is changed and the transaction goes on.
    """
    return post_many(actor=actor, postings=[posting], at=at)[0]


def post_many(*, actor: Actor, postings: Sequence[Posting], at: datetime) -> list[Posted]:
    """Post several transfers in one statement, all or none; accounts are locked once, in the order of their ids.

    Raises what `post` raises; `details["reference"]` names the transfer that was refused.
    """
    if not postings:
        return []
    _check(postings)
    lines = [(ordinal, line) for ordinal, posting in enumerate(postings, start=1) for line in posting.lines]
    parameters: list[Any] = [
        actor.organization.pk,
        actor.membership.pk if actor.membership else None,
        at,
        [posting.reference for posting in postings],
        [posting.description for posting in postings],
        [posting.currency for posting in postings],
        [posting.effective_on for posting in postings],
        [posting.reverses_id for posting in postings],
        [ordinal for ordinal, _ in lines],
        [line.account_id for _, line in lines],
        [line.amount_minor for _, line in lines],
    ]
    try:
        with connection.cursor() as cursor:
            cursor.execute(POST, parameters)
            rows = cursor.fetchall()
    except DatabaseError as error:
        refusal = _refusal_of(error)
        if refusal is None:
            raise
        raise refusal from error
    posted = []
    for ordinal, transfer_id, replayed, refusal_code, detail in rows:
        reference = postings[ordinal - 1].reference
        if refusal_code:
            raise _refused(refusal_code, reference, json.loads(detail) if isinstance(detail, str) else detail)
        posted.append(Posted(transfer_id, reference, replayed))
    return posted


def open_and_post(
    *,
    actor: Actor,
    reference: str,
    description: str,
    currency: str,
    effective_on: date,
    amounts: Sequence[tuple[NewAccount, int]],
    at: datetime,
) -> Posted:
    """Open the accounts that are not open yet, and post these amounts to them. Two statements. Raises what both raise."""
    accounts = {account.code: account for account, _ in amounts}
    opened = open_accounts(actor=actor, accounts=list(accounts.values()), at=at)
    lines = [Line(opened[account.code].pk, amount_minor) for account, amount_minor in amounts]
    return post(actor=actor, posting=Posting(reference, description, currency, effective_on, lines), at=at)


def reverse(
    *, actor: Actor, transfer_id: int, reference: str, description: str, effective_on: date, at: datetime
) -> Posted:
    """Undo a transfer by its mirror image, once. Two statements. A reversal itself cannot be reversed: post anew.

    Raises AlreadyReversed, ReversalNotReversible, TransferUnknown, OverdraftRefused, PeriodClosed.
    """
    entries = Entry.objects.for_organization(actor.organization).filter(transfer=transfer_id)
    rows = list(entries.order_by("id").values_list("account_id", "amount_minor", "transfer__currency"))
    if not rows:
        raise errors.TransferUnknown("There is no such transfer here.", transfer=transfer_id)
    lines = [Line(account_id, -amount_minor) for account_id, amount_minor, _ in rows]
    posting = Posting(reference, description, rows[0][2], effective_on, lines, reverses_id=transfer_id)
    return post(actor=actor, posting=posting, at=at)


def _check(postings: Iterable[Posting]) -> None:
    """What needs no database: texts that fit, amounts that fit, references that differ."""
    seen: set[str] = set()
    for posting in postings:
        if not 0 < len(posting.reference) <= REFERENCE_LENGTH or len(posting.description) > DESCRIPTION_LENGTH:
            raise errors.PostingInvalid(
                f"A reference has 1 to {REFERENCE_LENGTH} characters, a description at most {DESCRIPTION_LENGTH}.",
                reference=posting.reference[:REFERENCE_LENGTH],
            )
        if "\x00" in posting.reference + posting.description:
            raise errors.PostingInvalid("References and descriptions are plain text.")
        if posting.reference in seen:
            raise errors.PostingInvalid(
                "Two postings of one batch have the same reference.", reference=posting.reference
            )
        seen.add(posting.reference)
        if not posting.lines:  # otherwise the function says so
            raise errors.TransferUnbalanced("A transfer needs at least two lines.", reference=posting.reference)
        if any(abs(line.amount_minor) > LARGEST_MINOR for line in posting.lines):
            raise _too_large()


def _refused(code: str, reference: str, detail: dict[str, Any]) -> DomainError:
    """The refusal of the database's function in our words."""
    detail = {**detail, "reference": reference}
    match code:
        case "unbalanced":
            return errors.TransferUnbalanced(
                "A transfer needs at least two lines, none of them zero, whose debits equal its credits.", **detail
            )
        case "account_unknown":
            return errors.AccountUnknown("There is no such account here.", **detail)
        case "currency_mixed":
            return errors.TransferCurrencyMixed("All accounts of a transfer must have its currency.", **detail)
        case "reference_taken":
            return errors.ReferenceTaken(
                f"{reference} was already posted with other content; use a new reference.", **detail
            )
        case "overdraft":
            balance = format_money(detail["balance_minor"], detail["currency"])
            lowest = format_money(detail["lowest_minor"], detail["currency"])
            return errors.OverdraftRefused(
                f"Account {detail['code']} stands at {balance} and may not fall below {lowest}.", **detail
            )
        case "credit_limit":
            balance = format_money(detail["balance_minor"], detail["currency"])
            highest = format_money(detail["highest_minor"], detail["currency"])
            return errors.CreditLimitReached(
                f"Account {detail['code']} stands at {balance} and may not rise above {highest}.", **detail
            )
        case "period_closed":
            return errors.PeriodClosed(
                f"The books are closed through {detail['closed_through']}; date it later, or ask for that period to be "
                f"opened again.",
                **detail,
            )
        case "transfer_unknown":
            return errors.TransferUnknown("There is no such transfer here.", **detail)
        case "already_reversed":
            return errors.AlreadyReversed("This transfer was already reversed.", **detail)
        case "reversal_not_reversible":
            return errors.ReversalNotReversible("A reversal cannot be reversed; post the transfer anew.", **detail)
        case "not_mirror":
            return errors.ReversalNotMirror("A reversal undoes every line of its transfer, and nothing else.", **detail)
    raise AssertionError(f"ledger_post refused with an unknown code: {code}")


def _refusal_of(error: DatabaseError) -> DomainError | None:
    """What only the database can see: a reference or reversal that another session posted at the same instant."""
    cause = error.__cause__
    state = getattr(cause, "sqlstate", None)
    constraint = getattr(getattr(cause, "diag", None), "constraint_name", None)
    if state == "22003":
        return _too_large()
    if constraint == "ledger_transfer_reference_once":
        return errors.ReferenceTaken("This reference was posted at the same moment by somebody else.")
    if constraint == "ledger_transfer_reversed_once":
        return errors.AlreadyReversed("This transfer was already reversed.")
    return None


def _too_large() -> DomainError:
    return errors.AmountTooLarge("This amount, or the balance it would make, is larger than any we keep.")
