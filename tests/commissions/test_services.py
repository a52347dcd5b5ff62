"""The life of a commission: who may do what to it, when, and what is refused."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from commissions import errors, selectors, services
from commissions.models import (
    Approval,
    Commission,
    CommissionPayment,
    CommissionPlan,
    Dispute,
    Method,
    PaymentReversal,
    SplitRole,
    Status,
)
from commissions.splitting import ShareKind
from core.actors import Actor, system
from core.errors import CapabilityMissing
from core.models import AuditEntry
from core.money import AmountInvalid, CurrencyMismatch
from crm.models import Deal
from crm.services.deals import close_deal
from ledger.models import Entry, Transfer
from tests.commissions.factories import (
    AT,
    CLOSED_ON,
    approved,
    closed_deal,
    commission,
    parts,
    pay,
    plan,
    sales_profile,
    share,
)


def everything() -> tuple[object, ...]:
    """All that money hangs on: unchanged after a refusal."""
    return (
        list(Commission.objects.order_by("id").values()),
        list(Approval.objects.values()),
        list(Dispute.objects.values()),
        list(CommissionPayment.objects.values()),
        list(PaymentReversal.objects.values()),
        list(Entry.objects.values("id", "amount_minor")),
        AuditEntry.objects.count(),
    )


def test_closing_a_deal_earns_a_commission_once(manager: Actor, second_manager: Actor, agent: Actor) -> None:
    deal = closed_deal(sales_profile(agent), stage="contract", closed_on=None)

    close_deal(actor=agent, deal=deal, closed_on=CLOSED_ON, at=AT)

    made = Commission.objects.get()
    assert (made.deal_id, made.amount_minor, made.created_by, made.status) == (deal.pk, 12_500_00, None, "pending")
    assert CommissionPlan.objects.get().name == "Standard 2.5 %"
    from commissions.subscribers import earn
    from crm.events import DealClosed

    earn(DealClosed(organization_id=manager.organization.pk, deal_id=deal.pk))
    with pytest.raises(errors.CommissionExists):
        commission(manager, deal)
    assert Commission.objects.count() == 1
    services.approve_commission(actor=manager, commission=made, at=AT)  # Majlis made it: any manager may


def test_a_reopened_deal_loses_what_is_pending_and_keeps_what_is_approved(
    manager: Actor, second_manager: Actor, agent: Actor
) -> None:
    from crm.services.deals import reopen_deal

    omar = sales_profile(agent)
    pending, standing = closed_deal(omar), closed_deal(omar)
    made = commission(manager, pending)
    approved(manager, second_manager, standing)

    reopen_deal(actor=manager, deal=pending, reason="The buyer withdrew", at=AT)
    with pytest.raises(errors.CommissionStands, match="is approved; cancel that first"):
        reopen_deal(actor=manager, deal=standing, reason="The buyer withdrew", at=AT)

    made.refresh_from_db()
    assert made.status == Status.CANCELLED
    assert Deal.objects.get(pk=standing.pk).stage == "closed"
    close_deal(actor=manager, deal=Deal.objects.get(pk=pending.pk), closed_on=CLOSED_ON, at=AT)
    assert list(Commission.objects.filter(deal=pending).order_by("id").values_list("status", flat=True)) == [
        "cancelled",
        "pending",
    ]


@pytest.mark.parametrize("price", ["0", "-1", "-500000", "0.00"])
def test_a_price_that_is_not_above_zero(manager: Actor, agent: Actor, price: str) -> None:
    deal = closed_deal(sales_profile(agent))
    before = everything()

    with pytest.raises(errors.PriceNotPositive, match="must be above zero"):
        commission(manager, deal, price=price)

    assert everything() == before


@pytest.mark.parametrize(
    ("price", "refusal"),
    [
        ("abc", AmountInvalid),
        ("1.005", AmountInvalid),
        ("1e400", AmountInvalid),
        ("9" * 30, AmountInvalid),
        ("NaN", AmountInvalid),
        ("0.10", errors.CommissionZero),
    ],
)
def test_a_price_that_cannot_be_used(manager: Actor, agent: Actor, price: str, refusal) -> None:
    deal = closed_deal(sales_profile(agent))
    before = everything()

    with pytest.raises(refusal):
        commission(manager, deal, price=price)

    assert everything() == before


def test_an_open_deal_earns_nothing_yet(manager: Actor, agent: Actor) -> None:
    deal = closed_deal(sales_profile(agent), stage="contract", closed_on=None)

    with pytest.raises(errors.DealNotClosed):
        commission(manager, deal)


def test_a_plan_in_another_currency_is_refused(manager: Actor, agent: Actor) -> None:
    deal = closed_deal(sales_profile(agent), 100_000_00, "USD")

    with pytest.raises(CurrencyMismatch):
        commission(manager, deal, plan_version=plan(manager, cap_minor=1_000_00, currency="AED"))


def test_the_maker_a_beneficiary_and_majlis_may_not_approve(
    manager: Actor, second_manager: Actor, agent: Actor
) -> None:
    omar, boss = sales_profile(agent), sales_profile(second_manager)
    shares = [share(ShareKind.PERCENT, 9000, agent_id=omar.pk), share(ShareKind.PERCENT, 1000, SplitRole.SUPERVISOR, agent_id=boss.pk)]  # fmt: skip
    made = commission(manager, closed_deal(omar), shares=shares)
    before = everything()

    with pytest.raises(errors.SelfApproval):
        services.approve_commission(actor=manager, commission=made, at=AT)
    with pytest.raises(errors.BeneficiaryMayNotDecide):
        services.approve_commission(actor=second_manager, commission=made, at=AT)
    with pytest.raises(errors.SelfApproval):
        services.approve_commission(actor=system(manager.organization), commission=made, at=AT)
    with pytest.raises(CapabilityMissing):
        services.approve_commission(actor=agent, commission=made, at=AT)

    assert everything() == before


def test_approving_twice_is_refused(manager: Actor, second_manager: Actor, agent: Actor) -> None:
    made = approved(manager, second_manager, closed_deal(sales_profile(agent)))
    before = everything()

    with pytest.raises(errors.AlreadyApproved):
        services.approve_commission(actor=second_manager, commission=made, at=AT)

    assert everything() == before


@pytest.mark.parametrize(
    ("change", "refusal"),
    [
        ({"amount": "12500.01"}, errors.PaymentExceedsDue),
        ({"amount": "0"}, errors.PaymentInvalid),
        ({"amount": "-1.00"}, errors.PaymentInvalid),
        ({"amount": "0.005"}, AmountInvalid),
        ({"amount": "lots"}, AmountInvalid),
        ({"amount": "9" * 40}, AmountInvalid),
        ({"currency": "USD"}, CurrencyMismatch),
        ({"reference": " "}, errors.PaymentInvalid),
        ({"reference": "x" * 81}, errors.PaymentInvalid),
        ({"reference": "a\x00b"}, errors.PaymentInvalid),
        ({"notes": "x" * 301}, errors.PaymentInvalid),
        ({"paid_on": date(2026, 3, 11)}, errors.PaymentInvalid),
        ({"paid_on": date(2027, 4, 1), "method": Method.CHEQUE}, errors.PaymentInvalid),
        ({"reference": "T-0"}, errors.PaymentReferenceTaken),
    ],
)
def test_a_payment_that_is_refused_changes_nothing(
    manager: Actor, second_manager: Actor, agent: Actor, change, refusal
) -> None:
    omar = sales_profile(agent)
    pay(manager, parts(approved(manager, second_manager, closed_deal(omar)))[0], "1.00", "T-0")
    split = parts(approved(manager, second_manager, closed_deal(omar)))[0]
    before = everything()

    with pytest.raises(refusal) as refused:
        pay(manager, split, **{"amount": "100.00", "reference": "T-1", **change})

    assert refused.value.message
    assert everything() == before


def test_nothing_is_paid_before_approval_in_dispute_after_cancellation_or_twice(
    manager: Actor, second_manager: Actor, agent: Actor
) -> None:
    omar = sales_profile(agent)
    pending = commission(manager, closed_deal(omar))
    disputed = approved(manager, second_manager, closed_deal(omar))
    services.dispute_commission(actor=agent, commission=disputed, reason="It was 3 %", at=AT)
    cancelled = approved(manager, second_manager, closed_deal(omar))
    services.cancel_commission(actor=second_manager, commission=cancelled, reason="Withdrawn", at=AT)
    paid = approved(manager, second_manager, closed_deal(omar))
    pay(manager, parts(paid)[0], "12500.00", "T-1")
    before = everything()

    for made in (pending, disputed, cancelled, paid):
        with pytest.raises(errors.NotPayable):
            pay(manager, parts(made)[0], "1.00", "T-2")

    assert everything() == before


def test_the_house_is_not_paid_and_nobody_pays_himself(manager: Actor, second_manager: Actor) -> None:
    mona = sales_profile(manager)
    shares = [share(ShareKind.PERCENT, 6000), share(ShareKind.PERCENT, 4000, SplitRole.HOUSE)]
    version = plan(second_manager, shares=shares)
    made = commission(second_manager, closed_deal(mona), plan_version=version)
    with pytest.raises(errors.BeneficiaryMayNotDecide):
        services.approve_commission(actor=manager, commission=made, at=AT)
    made = approved(system(manager.organization), second_manager, closed_deal(mona), plan_version=version)

    with pytest.raises(errors.BeneficiaryMayNotDecide):
        pay(manager, parts(made)[0], "1.00", "T-1")
    with pytest.raises(errors.NotPayable, match="stays in the house"):
        pay(second_manager, parts(made)[1], "1.00", "T-1")

    assert not CommissionPayment.objects.exists()


def test_part_payments_keep_it_open_to_the_last_fils(manager: Actor, second_manager: Actor, agent: Actor) -> None:
    """The system this replaces fell back to pending after the first instalment, and refused the second."""
    made = approved(manager, second_manager, closed_deal(sales_profile(agent)))
    split = parts(made)[0]

    for number, amount in enumerate(["5000.00", "7499.99", "0.01"]):
        pay(manager, split, amount, f"T-{number}")
        made.refresh_from_db()
        assert made.status == (Status.PAID if number == 2 else Status.PART_PAID)


def test_a_post_dated_cheque_may_be_recorded(manager: Actor, second_manager: Actor, agent: Actor) -> None:
    split = parts(approved(manager, second_manager, closed_deal(sales_profile(agent))))[0]

    payment = pay(manager, split, "1.00", "CHQ", method=Method.CHEQUE, paid_on=date(2026, 6, 1))

    assert Transfer.objects.get(pk=payment.transfer_id).effective_on == date(2026, 6, 1)


def test_a_payment_is_taken_back_once_and_its_reference_never_pays_again(
    manager: Actor, second_manager: Actor, agent: Actor
) -> None:
    made = approved(manager, second_manager, closed_deal(sales_profile(agent)))
    payment = pay(manager, parts(made)[0], "12500.00", "CHQ-1", method=Method.CHEQUE)
    services.reverse_payment(actor=manager, payment=payment, reason="Cheque bounced", at=AT)
    before = everything()

    with pytest.raises(errors.PaymentAlreadyReversed):
        services.reverse_payment(actor=manager, payment=payment, reason="Cheque bounced", at=AT)
    with pytest.raises(errors.PaymentReferenceTaken):
        pay(manager, parts(made)[0], "12500.00", "CHQ-1", method=Method.CHEQUE)

    assert everything() == before


def test_a_cheque_bounces_while_its_commission_is_disputed(manager: Actor, second_manager: Actor, agent: Actor) -> None:
    made = approved(manager, second_manager, closed_deal(sales_profile(agent)))
    payment = pay(manager, parts(made)[0], "12500.00", "CHQ-1", method=Method.CHEQUE)
    dispute = services.dispute_commission(actor=manager, commission=made, reason="Wrong unit", at=AT)

    services.reverse_payment(actor=manager, payment=payment, reason="Cheque bounced", at=AT)
    made.refresh_from_db()
    assert made.status == Status.DISPUTED

    services.resolve_dispute(actor=second_manager, dispute=dispute, resolution="Right unit", at=AT)
    made.refresh_from_db()
    assert made.status == Status.APPROVED
    with pytest.raises(errors.DisputeClosed):
        services.resolve_dispute(actor=second_manager, dispute=dispute, resolution="Again", at=AT)


def test_what_is_paid_in_part_is_not_cancelled(manager: Actor, second_manager: Actor, agent: Actor) -> None:
    made = approved(manager, second_manager, closed_deal(sales_profile(agent)))
    pay(manager, parts(made)[0], "1.00", "T-1")
    before = everything()

    with pytest.raises(errors.CommissionPaidInPart):
        services.cancel_commission(actor=second_manager, commission=made, reason="Withdrawn", at=AT)
    with pytest.raises(errors.ReasonMissing):
        services.dispute_commission(actor=second_manager, commission=made, reason=" ", at=AT)

    assert everything() == before


def test_only_who_has_a_part_or_keeps_commissions_disputes(
    manager: Actor, agent: Actor, supervisor: Actor, other_agent: Actor
) -> None:
    made = commission(manager, closed_deal(sales_profile(agent)))

    with pytest.raises(errors.DisputeNotAllowed):
        services.dispute_commission(actor=supervisor, commission=made, reason="Hm", at=AT)
    with pytest.raises(errors.CommissionUnknown):
        services.dispute_commission(actor=other_agent, commission=made, reason="Hm", at=AT)

    assert not Dispute.objects.exists()


def test_an_agents_statement_says_what_and_why(
    manager: Actor,
    second_manager: Actor,
    agent: Actor,
    other_agent: Actor,
    supervisor: Actor,
    django_assert_num_queries,
) -> None:
    omar, huda = sales_profile(agent), sales_profile(other_agent)
    commission(manager, closed_deal(omar))
    owed = approved(manager, second_manager, closed_deal(omar))
    pay(manager, parts(owed)[0], "5000.00", "T-1")
    bounced = pay(manager, parts(owed)[0], "1000.00", "CHQ-2", method=Method.CHEQUE)
    services.reverse_payment(actor=manager, payment=bounced, reason="Cheque bounced", at=AT)
    gone = approved(manager, second_manager, closed_deal(omar))
    services.cancel_commission(actor=second_manager, commission=gone, reason="Withdrawn", at=AT)

    with django_assert_num_queries(5):  # agent, may see it, totals, lines with deal and unit, payments
        found = selectors.agent_statement(actor=agent, agent=omar)

    assert found.totals == (
        selectors.Totals("AED", earned_minor=25_000_00, pending_minor=12_500_00, approved_minor=12_500_00,
                         disputed_minor=0, due_minor=7_500_00, held_minor=0, paid_minor=5_000_00),
    )  # fmt: skip
    line = found.lines[1]
    assert (line.commission_reason, line.share_reason) == ("2.5 % of AED 500,000.00", "100 % of AED 12,500.00")
    assert (line.amount_minor, line.paid_minor, line.due_minor) == (12_500_00, 5_000_00, 7_500_00)
    assert [(payment.reference, payment.is_reversed, payment.reversal_reason) for payment in found.payments] == [
        ("CHQ-2", True, "Cheque bounced"),
        ("T-1", False, ""),
    ]
    assert selectors.agent_statement(actor=supervisor, agent=omar).totals == found.totals
    assert selectors.agent_statement(actor=agent, agent=omar, until=date(2026, 1, 1)).totals == ()
    with pytest.raises(errors.CommissionUnknown):
        selectors.agent_statement(actor=agent, agent=huda)
    assert [row.agent for row in selectors.team_totals(actor=supervisor)] == [omar]
    assert selectors.status_counts(actor=manager)[Status.CANCELLED] == 1
    assert [one.status for one in selectors.pending_approvals(actor=manager)] == ["pending"]


def test_dates_are_those_of_the_office(manager: Actor, second_manager: Actor, agent: Actor) -> None:
    """22:00 in London is already tomorrow in Dubai."""
    made = commission(manager, closed_deal(sales_profile(agent)))

    services.approve_commission(actor=second_manager, commission=made, at=datetime(2026, 3, 10, 22, tzinfo=UTC))

    assert Transfer.objects.get().effective_on == date(2026, 3, 11)
