"""Every refusal of the ledger."""

from __future__ import annotations

from core.errors import Conflict, Invalid, NotAllowed, NotFound


class TransferUnbalanced(Invalid):
    code = "transfer_unbalanced"


class PostingInvalid(Invalid):
    code = "posting_invalid"


class AccountUnknown(NotFound):
    code = "account_unknown"


class AccountDiffers(Conflict):
    code = "account_differs"


class TransferCurrencyMixed(Invalid):
    code = "transfer_currency_mixed"


class ReferenceTaken(Conflict):
    code = "transfer_reference_taken"


class OverdraftRefused(Conflict):
    code = "overdraft_refused"


class CreditLimitReached(Conflict):
    code = "credit_limit_reached"


class LimitInvalid(Invalid):
    code = "account_limit_invalid"


class LimitRefused(Conflict):
    code = "account_limit_refused"


class AmountTooLarge(Invalid):
    code = "amount_too_large"


class AlreadyReversed(Conflict):
    code = "transfer_already_reversed"


class ReversalNotReversible(Conflict):
    code = "reversal_not_reversible"


class ReversalNotMirror(Invalid):
    code = "reversal_not_mirror"


class TransferUnknown(NotFound):
    code = "transfer_unknown"


class EntriesUnbounded(Invalid):
    code = "entries_need_account_or_transfer"


class PeriodClosed(Conflict):
    code = "period_closed"


class PeriodAlreadyClosed(Conflict):
    code = "period_already_closed"


class PeriodNotOver(Invalid):
    code = "period_not_over"


class PeriodUnknown(NotFound):
    code = "period_unknown"


class PeriodNeedsSecondPerson(NotAllowed):
    code = "period_needs_second_person"


class ReopenLaterFirst(Conflict):
    code = "period_reopen_later_first"


class ReopeningAsked(Conflict):
    code = "period_reopening_asked"


class ReasonMissing(Invalid):
    code = "ledger_reason_missing"
