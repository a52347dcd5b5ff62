"""What is handed to the ledger to be posted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from ledger.models import AccountKind


@dataclass(frozen=True, slots=True)
class NewAccount:
    """An account to open, unless it is open already. `lowest_minor` limits its natural balance; None is no limit."""

    code: str
    name: str
    kind: AccountKind
    currency: str
    owner: str = ""
    lowest_minor: int | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """One side of a posting: positive minor units are a debit, negative ones a credit."""

    account_id: int
    amount_minor: int


@dataclass(frozen=True, slots=True)
class Posting:
    """A transfer to be. `reference` is unique in the organisation and makes posting safe to repeat."""

    reference: str
    description: str
    currency: str
    effective_on: date
    lines: Sequence[Line]
    reverses_id: int | None = None


@dataclass(frozen=True, slots=True)
class Posted:
    """What became of a posting; `replayed` when it had been posted before."""

    transfer_id: int
    reference: str
    replayed: bool
