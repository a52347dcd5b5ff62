"""Whatever sequence of operations: the books balance, balances equal a plain dict's, and history never changes."""

from __future__ import annotations

from collections import defaultdict
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, multiple, rule, run_state_machine_as_test

from core.actors import Actor
from core.roles import Role
from core.tenancy import organization_scope
from ledger import errors, selectors, services, verification
from ledger.models import Account, AccountKind, Entry
from tests.ledger.factories import AT, DAY, open_account, posting
from tests.live import house

ACCOUNTS = [("bank", AccountKind.ASSET, None), ("revenue", AccountKind.INCOME, None), ("payable", AccountKind.LIABILITY, 0),
            ("credit", AccountKind.ASSET, -500)]  # fmt: skip


class Books(RuleBasedStateMachine):
    """The model is a dict of natural balances, and every entry as it was first seen."""

    transfers = Bundle("transfers")
    actor: Actor

    def __init__(self) -> None:
        super().__init__()
        self.run = Books.runs = getattr(Books, "runs", 0) + 1
        self.accounts = [
            open_account(self.actor, f"{code}-{self.run}", kind, lowest_minor=lowest) for code, kind, lowest in ACCOUNTS
        ]
        self.balances: dict[int, int] = defaultdict(int)
        self.by_day: dict[tuple[int, Any], int] = defaultdict(int)
        self.history: dict[int, tuple[Any, ...]] = {}
        self.reversed: set[int] = set()
        self.counter = 0

    def would_refuse(self, lines: list[tuple[Account, int]]) -> bool:
        running = dict(self.balances)
        for account, amount in lines:
            natural = amount * account.normal_side
            running[account.pk] = running.get(account.pk, 0) + natural
            if account.lowest_minor is not None and natural < 0 and running[account.pk] < account.lowest_minor:
                return True
        return False

    def apply(self, lines: list[tuple[Account, int]], day: Any) -> None:
        for account, amount in lines:
            self.balances[account.pk] += amount * account.normal_side
            self.by_day[account.pk, day] += amount * account.normal_side

    @rule(
        target=transfers,
        debit=st.integers(0, 3),
        credit=st.integers(0, 3),
        amount=st.integers(-300, 300),
        day=st.integers(0, 5),
    )
    def post(self, debit: int, credit: int, amount: int, day: int) -> Any:
        self.counter += 1
        on = DAY + timedelta(days=day)
        lines = [(self.accounts[debit], amount), (self.accounts[credit], -amount)]
        one = posting(f"{self.run}-{self.counter}", *lines, on=on)
        try:
            made = services.post(actor=self.actor, posting=one, at=AT)
        except errors.TransferUnbalanced:
            assert amount == 0
            return multiple()
        except errors.OverdraftRefused:
            assert self.would_refuse(lines)
            return multiple()
        assert amount
        assert not self.would_refuse(lines)
        self.apply(lines, on)
        return made.transfer_id, one, lines, on

    @rule(transfer=transfers)
    def replay(self, transfer: Any) -> None:
        assert services.post(actor=self.actor, posting=transfer[1], at=AT).replayed

    @rule(transfer=transfers)
    def reverse(self, transfer: Any) -> None:
        transfer_id, one, lines, on = transfer
        mirror = [(account, -amount) for account, amount in lines]
        try:
            services.reverse(
                actor=self.actor,
                transfer_id=transfer_id,
                reference=f"{one.reference}-r-{self.counter}-{len(self.reversed)}",
                description="",
                effective_on=on,
                at=AT,
            )
        except errors.AlreadyReversed:
            assert transfer_id in self.reversed
            return
        except errors.OverdraftRefused:
            assert self.would_refuse(mirror)
            return
        assert transfer_id not in self.reversed
        self.reversed.add(transfer_id)
        self.apply(mirror, on)

    @rule(day=st.integers(0, 5))
    def read_as_of(self, day: int) -> None:
        on = DAY + timedelta(days=day)
        for account in self.accounts:
            account.refresh_from_db()
            wanted = sum(amount for (pk, when), amount in self.by_day.items() if pk == account.pk and when <= on)
            assert selectors.balance_as_of(actor=self.actor, account=account, on=on) == wanted
            found = selectors.statement(actor=self.actor, account=account, until=on)
            assert (found.opening_minor, found.closing_minor) == (0, wanted)

    @invariant()
    def balances_are_those_of_the_model(self) -> None:
        for account in Account.objects.filter(pk__in=[account.pk for account in self.accounts]):
            assert account.natural_minor == self.balances[account.pk]

    @invariant()
    def history_is_unchanged(self) -> None:
        entries = Entry.objects.filter(account__in=self.accounts)
        rows = {
            row[0]: row for row in entries.values_list("id", "amount_minor", "sequence", "balance_after_minor", "hash")
        }
        frozen = {key: (*row[:4], bytes(row[4])) for key, row in rows.items()}
        assert {key: frozen[key] for key in self.history} == self.history
        self.history = frozen

    def teardown(self) -> None:
        assert verification.verify(self.actor.organization).findings == ()
        for total in selectors.trial_balance(actor=self.actor).totals:
            assert total.debit_minor == total.credit_minor


@pytest.mark.timeout(300)
def test_the_books_balance_whatever_happens(committed: str) -> None:
    organization, members = house()
    with organization_scope(organization.pk):
        Books.actor = Actor(organization, members[Role.MANAGER])
        run_state_machine_as_test(
            Books,
            settings=settings(
                max_examples=15, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
            ),
        )
