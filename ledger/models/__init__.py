"""The books: accounts, transfers and entries; until which day they are closed; and what each check of them found."""

from ledger.models.books import NORMAL_SIDE, Account, AccountKind, Entry, Side, Transfer
from ledger.models.checks import BooksCheck
from ledger.models.limits import LimitChange
from ledger.models.periods import PeriodClosing, PeriodReopening, ReopeningRequest

__all__ = [
    "NORMAL_SIDE",
    "Account",
    "AccountKind",
    "BooksCheck",
    "Entry",
    "LimitChange",
    "PeriodClosing",
    "PeriodReopening",
    "ReopeningRequest",
    "Side",
    "Transfer",
]
