"""Whatever is done with commissions, in whatever order: the books balance, nobody is paid beyond his due, history stays."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db import transaction
from django.db.models import F, Sum
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from commissions import services
from commissions.models import (
    Clawback,
    Commission,
    CommissionPayment,
    CommissionSplit,
    Instalment,
    Method,
    Receipt,
    Repayment,
    Side,
    SplitRole,
    Status,
)
from commissions.splitting import ShareKind
from core.actors import Actor
from core.errors import DomainError
from core.roles import Role
from core.tenancy import organization_scope
from crm.models import Agent
from ledger import selectors, verification
from ledger.models import Account, Entry
from tests.commissions.factories import AT, PAID_ON, closed_deal, commission, parts, pay, plan, sales_profile, share
from tests.live import house

OWED = [Status.APPROVED, Status.PART_PAID, Status.PAID]
PICK = st.integers(0, 10**6)
MINOR = st.sampled_from([1, 100_00, 1_000_00, 5_000_00]) | st.integers(1, 13_000_00)


def decimal(minor: int) -> str:
    return f"{'-' if minor < 0 else ''}{abs(minor) // 100}.{abs(minor) % 100:02d}"


class Commissions(RuleBasedStateMachine):
    """No rule knows whether it is allowed just now: services do it whole, or refuse in words and change nothing."""

    maker: Actor
    approver: Actor
    agents: list[Agent]
    version: Any

    def __init__(self) -> None:
        super().__init__()
        self.history: dict[int, tuple[Any, ...]] = {}
        self.number = 0

    def attempt(self, work: Callable[[], Any]) -> None:
        before = Entry.objects.count()
        try:
            with transaction.atomic():
                work()
        except DomainError:
            assert Entry.objects.count() == before

    def some(self, rows: Any, pick: int) -> Any:
        found = list(rows.order_by("pk"))
        return found[pick % len(found)] if found else None

    def reference(self) -> str:
        Commissions.counter = getattr(Commissions, "counter", 0) + 1
        return f"R-{Commissions.counter}"

    @initialize()
    def begin(self) -> None:
        for number in range(3):
            self.earn(number, shared=number == 0)
            self.approve(0, by_maker=False)

    @rule(pick=PICK, shared=st.booleans())
    def earn(self, pick: int, shared: bool) -> None:
        omar, huda = self.agents
        shares = [share(ShareKind.PERCENT, 3333, agent_id=omar.pk), share(ShareKind.PERCENT, 6667, agent_id=huda.pk)]
        deal = closed_deal(self.agents[pick % 2])
        more = {"shares": shares} if shared else {}
        self.attempt(lambda: commission(self.maker, deal, plan_version=self.version, **more))

    @rule(pick=PICK, by_maker=st.booleans())
    def approve(self, pick: int, by_maker: bool) -> None:
        made = self.some(Commission.objects.filter(status=Status.PENDING), pick)
        who = self.maker if by_maker else self.approver
        if made:
            self.attempt(lambda: services.approve_commission(actor=who, commission=made, at=AT))

    @rule(pick=PICK, minor=MINOR, method=st.sampled_from(Method))
    def pay(self, pick: int, minor: int, method: Method) -> None:
        part = self.some(CommissionSplit.objects.filter(commission__status__in=OWED), pick)
        if part:
            self.attempt(lambda: pay(self.maker, part, decimal(minor), self.reference(), method=method))

    @rule(pick=PICK)
    def pay_all(self, pick: int) -> None:
        part = self.some(CommissionSplit.objects.filter(paid_minor=0), pick)
        if part:
            self.attempt(lambda: pay(self.maker, part, decimal(part.amount_minor), self.reference()))

    @rule(pick=PICK)
    def take_back(self, pick: int) -> None:
        payment = self.some(CommissionPayment.objects, pick)
        if payment:
            self.attempt(lambda: services.reverse_payment(actor=self.maker, payment=payment, reason="bounced", at=AT))

    @rule(pick=PICK, resolve=st.booleans())
    def dispute(self, pick: int, resolve: bool) -> None:
        made = self.some(Commission.objects.exclude(status=Status.CANCELLED), pick)
        if made and resolve:
            dispute = made.disputes.order_by("-pk").first()
            if dispute:
                self.attempt(
                    lambda: services.resolve_dispute(actor=self.approver, dispute=dispute, resolution="ok", at=AT)
                )
        elif made:
            self.attempt(lambda: services.dispute_commission(actor=self.maker, commission=made, reason="x", at=AT))

    @rule(pick=PICK, claw_back=st.booleans())
    def cancel(self, pick: int, claw_back: bool) -> None:
        made = self.some(Commission.objects.exclude(status=Status.CANCELLED), pick)
        if made:
            self.attempt(
                lambda: services.cancel_commission(
                    actor=self.approver, commission=made, reason="x", at=AT, claw_back=claw_back
                )
            )

    @rule(pick=PICK, minor=st.integers(-1_000_00, 1_000_00))
    def adjust(self, pick: int, minor: int) -> None:
        made, agent = self.some(Commission.objects, pick), self.agents[pick % 2]
        if made:
            self.attempt(
                lambda: services.adjust_commission(
                    actor=self.maker, commission=made, agent=agent, amount=decimal(minor), reason="x", at=AT
                )
            )

    @rule(pick=PICK, minor=MINOR)
    def deduct_and_set_off(self, pick: int, minor: int) -> None:
        made, agent = self.some(Commission.objects.filter(status__in=OWED), pick), self.agents[pick % 2]
        if made is None:
            return

        def deduct() -> None:
            taken = services.adjust_commission(
                actor=self.maker, commission=made, agent=agent, amount="-700.00", reason="x", at=AT
            )
            services.approve_commission(actor=self.approver, commission=taken, at=AT)

        self.attempt(deduct)
        part = self.some(CommissionSplit.objects.filter(agent=agent, commission__status__in=OWED), pick)
        if part:
            self.attempt(lambda: pay(self.maker, part, decimal(minor), self.reference(), method=Method.SET_OFF))

    @rule(pick=PICK, minor=MINOR, back=st.booleans())
    def repay(self, pick: int, minor: int, back: bool) -> None:
        repayment = self.some(Repayment.objects, pick)
        if back and repayment:
            self.attempt(lambda: services.reverse_repayment(actor=self.maker, repayment=repayment, reason="x", at=AT))
        elif not back:
            self.attempt(
                lambda: services.record_repayment(
                    actor=self.maker, owing=self.agents[pick % 2], amount=decimal(minor), currency="AED",
                    method=Method.CASH, received_on=PAID_ON, reference=self.reference(), at=AT,
                )
            )  # fmt: skip

    @rule(pick=PICK, cut=st.integers(1, 12_499_99), anew=st.booleans())
    def instalments(self, pick: int, cut: int, anew: bool) -> None:
        made = self.some(Commission.objects, pick)
        if made is None:
            return
        wanted = [(decimal(cut), PAID_ON), (decimal(made.total_minor - cut), PAID_ON)]
        if anew:
            self.attempt(
                lambda: services.reschedule_instalments(
                    actor=self.maker, commission=made, instalments=wanted, reason="x", at=AT
                )
            )
        else:
            self.attempt(
                lambda: services.schedule_instalments(actor=self.maker, commission=made, instalments=wanted, at=AT)
            )

    @rule(pick=PICK, minor=MINOR, back=st.booleans())
    def receive(self, pick: int, minor: int, back: bool) -> None:
        instalment, receipt = self.some(Instalment.objects, pick), self.some(Receipt.objects, pick)
        if back and receipt:
            self.attempt(lambda: services.reverse_receipt(actor=self.maker, receipt=receipt, reason="x", at=AT))
        elif instalment and not back:
            self.attempt(
                lambda: services.record_receipt(
                    actor=self.maker, instalment=instalment, amount=decimal(minor), method=Method.CHEQUE,
                    received_on=PAID_ON, reference=self.reference(), at=AT,
                )
            )  # fmt: skip

    @rule(pick=PICK, release=st.booleans())
    def hold(self, pick: int, release: bool) -> None:
        made = self.some(Commission.objects, pick)
        if made and release:
            self.attempt(lambda: services.release_hold_back(actor=self.approver, commission=made, reason="x", at=AT))
        elif made:
            self.attempt(
                lambda: services.hold_back(actor=self.maker, commission=made, basis_points=1000, reason="x", at=AT)
            )

    @invariant()
    def what_is_owed_stands_in_the_books(self) -> None:
        """The payable of each is what is left of the approved parts; what is to recover, what was taken less what came."""
        owed_parts = (
            CommissionSplit.objects.exclude(role=SplitRole.HOUSE)
            .filter(commission__approvals__isnull=False)
            .exclude(commission__status=Status.CANCELLED)
        )
        for agent in self.agents:
            left = owed_parts.filter(agent=agent).aggregate(left=Sum(F("amount_minor") - F("paid_minor")))["left"] or 0
            assert self.balance(f"payable:agent:{agent.pk}:AED") == left
            taken = self.total(Clawback.objects.filter(split__agent=agent))
            taken += self.total(
                Commission.objects.filter(side=Side.DEDUCTION, taken_from=agent, approvals__isnull=False).exclude(
                    status=Status.CANCELLED
                )
            )
            came = self.total(Repayment.objects.filter(agent=agent, reversals__isnull=True))
            set_off = CommissionPayment.objects.filter(split__agent=agent, method=Method.SET_OFF).standing()
            assert self.balance(f"clawback:agent:{agent.pk}:AED") == taken - came - self.total(set_off)

    @invariant()
    def nobody_is_paid_beyond_his_part(self) -> None:
        for part in CommissionSplit.objects.all():
            standing = CommissionPayment.objects.standing().filter(split=part)
            assert self.total(standing) == part.paid_minor <= part.amount_minor
        for made in Commission.objects.all():
            assert sum(part.amount_minor for part in parts(made)) == made.amount_minor

    @invariant()
    def history_is_unchanged(self) -> None:
        rows = Entry.objects.values_list("id", "amount_minor", "sequence", "balance_after_minor", "hash")
        found = {row[0]: (*row[:4], bytes(row[4])) for row in rows}
        assert {key: found[key] for key in self.history} == self.history
        self.history = found

    def teardown(self) -> None:
        assert verification.verify(self.maker.organization).findings == ()
        for total in selectors.trial_balance(actor=self.maker).totals:
            assert total.debit_minor == total.credit_minor

    @staticmethod
    def balance(code: str) -> int:
        account = Account.objects.filter(code=code).first()
        return account.natural_minor if account else 0

    @staticmethod
    def total(rows: Any) -> int:
        return rows.order_by().aggregate(total=Sum("amount_minor"))["total"] or 0


@pytest.mark.timeout(400)
def test_the_books_and_the_commissions_agree_whatever_happens(committed: str) -> None:
    organization, members = house()
    with organization_scope(organization.pk):
        Commissions.maker = Actor(organization, members[Role.MANAGER])
        Commissions.approver = Actor(organization, members[Role.ADMIN])
        Commissions.agents = [
            sales_profile(Actor(organization, members[Role.AGENT])), sales_profile(Actor(organization, members[Role.SUPERVISOR])),
        ]  # fmt: skip
        Commissions.version = plan(Commissions.maker)
        run_state_machine_as_test(
            Commissions,
            settings=settings(
                max_examples=12, stateful_step_count=40, deadline=None, suppress_health_check=list(HealthCheck)
            ),
        )
