"""Every change of the ledger: what is posted, until when the books are closed, and that they are checked."""

from ledger.services.checks import check_books, check_if_due
from ledger.services.limits import set_limits
from ledger.services.periods import approve_reopening, ask_to_reopen, close_period
from ledger.services.posting import open_accounts, open_and_post, post, post_many, reverse

__all__ = [
    "approve_reopening",
    "ask_to_reopen",
    "check_books",
    "check_if_due",
    "close_period",
    "open_accounts",
    "open_and_post",
    "post",
    "post_many",
    "reverse",
    "set_limits",
]
