"""Every refusal of the ledger."""

from __future__ import annotations

from core.errors import Conflict, Invalid, NotFound


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
