"""What comes after an approval, as an accountant would write it: leases, claw-backs, adjustments, talks."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import DatabaseError, transaction

from commissions import services, subscribers
from commissions.errors import (
    AdjustmentInvalid,
    AlreadyApproved,
    BeneficiaryMayNotDecide,
    CommissionExists,
    CommissionPaidInPart,
    DisputeClosed,
    DisputeNotAllowed,
    NotPayable,
    PaymentExceedsDue,
    ReasonMissing,
    SelfApproval,
    SideInvalid,
)
from commissions.models import Clawback, Commission, DisputeMessage, Method, PaymentReversal, Side, Status, VatMode
from core.actors import Actor
from core.money import AmountInvalid
from crm.events import DealClosed
from ledger import verification
from tests.commissions.factories import AT, approved, closed_deal, commission, parts, pay, plan, sales_profile
from tests.commissions.test_worked_examples import books


def test_a_lease_earns_five_percent_from_the_tenant_and_from_the_landlord(
    manager: Actor, second_manager: Actor, agent: Actor
) -> None:
    """A year's rent of 120,000.00: 6,000.00 from each side, and both are the agent's. His own 3 % is of sales."""
    omar = sales_profile(agent, commission_basis_points=300)
    deal = closed_deal(omar, 120_000_00, kind="lease")

    subscribers.earn(DealClosed(organization_id=manager.organization.pk, deal_id=deal.pk))
    subscribers.earn(DealClosed(organization_id=manager.organization.pk, deal_id=deal.pk))  # told twice

    tenant, landlord = Commission.objects.order_by("pk")
    assert [(one.side, one.amount_minor, one.explanation) for one in (tenant, landlord)] == [
        (Side.TENANT, 6_000_00, "5 % of AED 120,000.00"),
        (Side.LANDLORD, 6_000_00, "5 % of AED 120,000.00"),
    ]
    for one in (tenant, landlord):
        services.approve_commission(actor=second_manager, commission=one, at=AT)
    assert books(manager) == {
        f"receivable:deal:{deal.pk}:tenant:AED": (6_000_00, 0),
        f"receivable:deal:{deal.pk}:landlord:AED": (6_000_00, 0),
        "commission_revenue:AED": (0, 12_000_00),
        "commission_expense:AED": (12_000_00, 0),
        f"payable:agent:{omar.pk}:AED": (0, 12_000_00),
    }


def test_sides_that_a_deal_does_not_have(manager: Actor, agent: Actor) -> None:
    omar = sales_profile(agent)
    sale, lease = closed_deal(omar), closed_deal(omar, kind="lease")
    with pytest.raises(SideInvalid):
        commission(manager, sale, side=Side.TENANT)
    for side in (Side.SALE, Side.ADJUSTMENT):
        with pytest.raises(SideInvalid):
            commission(manager, lease, side=side)
    commission(manager, lease, side=Side.LANDLORD)
    with pytest.raises(CommissionExists):
        commission(manager, lease, side=Side.LANDLORD)
    assert Commission.objects.count() == 1


def test_leases_have_a_default_plan_of_their_own(manager: Actor, agent: Actor) -> None:
    omar = sales_profile(agent)
    house_sale = plan(manager, "Sales", rate_basis_points=200)
    services.make_default(actor=manager, plan=house_sale.plan, at=AT)

    assert commission(manager, closed_deal(omar, 100_000_00)).amount_minor == 2_000_00
    assert commission(manager, closed_deal(omar, 100_000_00, kind="lease")).amount_minor == 5_000_00


def test_a_deal_cancelled_after_payout_is_clawed_back_from_the_next_one(
    manager: Actor, second_manager: Actor, agent: Actor
) -> None:
    """12,500.00 + 5 % VAT; 8,000.00 is paid out when the buyer withdraws. 4,500.00 is owed no more, 8,000.00 is to
    recover. The next deal earns 5,000.00, all set off; the one after 12,500.00: 3,000.00 set off, 9,500.00 paid."""
    omar = sales_profile(agent)
    with_vat = plan(manager, vat_mode=VatMode.ON_TOP, vat_basis_points=500)
    made = approved(manager, second_manager, closed_deal(omar), plan_version=with_vat)
    paid = pay(manager, parts(made)[0], "8000.00", "TRF-1")

    with pytest.raises(CommissionPaidInPart, match="claw them back"):
        services.cancel_commission(actor=second_manager, commission=made, reason="Buyer withdrew", at=AT)
    services.cancel_commission(actor=second_manager, commission=made, reason="Buyer withdrew", at=AT, claw_back=True)

    made.refresh_from_db()
    assert made.status == Status.CANCELLED
    assert list(Clawback.objects.values_list("split__agent", "amount_minor")) == [(omar.pk, 8_000_00)]
    assert books(manager) == {f"clawback:agent:{omar.pk}:AED": (8_000_00, 0), "bank:AED": (0, 8_000_00)}
    with pytest.raises(NotPayable):  # it is recovered already: not taken back as well
        services.reverse_payment(actor=manager, payment=paid, reason="Came back", at=AT)
    with pytest.raises(DatabaseError, match="can be taken back"), transaction.atomic():
        PaymentReversal.objects.create(
            organization=manager.organization, payment=paid, reason="x", transfer=paid.transfer, at=AT
        )

    small = parts(approved(manager, second_manager, closed_deal(omar, 200_000_00)))[0]
    large = parts(approved(manager, second_manager, closed_deal(omar, 500_000_00)))[0]
    pay(manager, small, "5000.00", "SO-1", method=Method.SET_OFF)
    with pytest.raises(PaymentExceedsDue, match=r"Only AED 3,000\.00 is to be recovered"):
        pay(manager, large, "3000.01", "SO-2", method=Method.SET_OFF)
    pay(manager, large, "3000.00", "SO-3", method=Method.SET_OFF)
    pay(manager, large, "9500.00", "TRF-2")

    small.commission.refresh_from_db()
    large.commission.refresh_from_db()
    assert (small.commission.status, large.commission.status) == (Status.PAID, Status.PAID)
    found = books(manager)
    assert (found["bank:AED"], f"clawback:agent:{omar.pk}:AED" in found) == ((0, 17_500_00), False)
    assert verification.verify(manager.organization).findings == ()


def test_nothing_is_clawed_back_of_what_was_not_paid_nor_by_who_is_paid(
    admin: Actor, manager: Actor, second_manager: Actor
) -> None:
    mona = sales_profile(manager)
    made = approved(second_manager, admin, closed_deal(mona))
    pay(second_manager, parts(made)[0], "1.00", "T-1")
    with pytest.raises(BeneficiaryMayNotDecide):
        services.cancel_commission(actor=manager, commission=made, reason="x", at=AT, claw_back=True)
    other = approved(second_manager, admin, closed_deal(mona))

    services.cancel_commission(actor=admin, commission=other, reason="x", at=AT, claw_back=True)

    assert not Clawback.objects.exists()
    with pytest.raises(PaymentExceedsDue):
        pay(second_manager, parts(made)[0], "1.00", "T-2", method=Method.SET_OFF)


def test_an_adjustment_has_a_reason_and_a_second_person(manager: Actor, second_manager: Actor, agent: Actor) -> None:
    """The agent was promised 500.00 more: the house owes it, no client does."""
    omar = sales_profile(agent)
    pending = commission(manager, closed_deal(omar))
    with pytest.raises(AdjustmentInvalid):
        services.adjust_commission(
            actor=manager, commission=pending, agent=omar, amount="500", reason="Promised", at=AT
        )
    made = approved(manager, second_manager, closed_deal(omar))
    for amount, reason, refusal in [
        ("0", "Promised", AdjustmentInvalid),
        ("0.001", "Promised", AmountInvalid),
        ("500", " ", ReasonMissing),
    ]:
        with pytest.raises(refusal), transaction.atomic():
            services.adjust_commission(actor=manager, commission=made, agent=omar, amount=amount, reason=reason, at=AT)

    more = services.adjust_commission(
        actor=manager, commission=made, agent=omar, amount="500.00", reason="Promised", at=AT
    )
    with pytest.raises(SelfApproval):
        services.approve_commission(actor=manager, commission=more, at=AT)
    services.approve_commission(actor=second_manager, commission=more, at=AT)
    with pytest.raises(AlreadyApproved):
        services.approve_commission(actor=second_manager, commission=more, at=AT)

    found = books(manager)
    assert found[f"payable:agent:{omar.pk}:AED"] == (0, 13_000_00)
    assert found["commission_revenue:AED"] == (0, 12_500_00)
    pay(manager, parts(more)[0], "500.00", "T-1")
    more.refresh_from_db()
    assert (more.status, more.explanation) == (Status.PAID, "adjustment: Promised")


def test_a_dispute_is_talked_about_until_it_is_resolved(
    manager: Actor, second_manager: Actor, agent: Actor, other_agent: Actor
) -> None:
    omar = sales_profile(agent)
    sales_profile(other_agent)
    made = approved(manager, second_manager, closed_deal(omar))
    dispute = services.dispute_commission(actor=agent, commission=made, reason="It was 3 %", at=AT)
    say = services.add_dispute_message

    say(actor=second_manager, dispute=dispute, text="Who told you so?", at=AT + timedelta(minutes=1))
    say(actor=agent, dispute=dispute, text="It is in my contract.", at=AT + timedelta(minutes=2))
    for actor, text, refusal in [(agent, "  ", ReasonMissing), (agent, "x" * 5001, ReasonMissing)]:
        with pytest.raises(refusal):
            say(actor=actor, dispute=dispute, text=text, at=AT)
    with pytest.raises(Exception, match="no such commission"):
        say(actor=other_agent, dispute=dispute, text="Me too", at=AT)
    services.resolve_dispute(actor=second_manager, dispute=dispute, resolution="You are right", at=AT)
    with pytest.raises(DisputeClosed):
        say(actor=agent, dispute=dispute, text="Thank you", at=AT)

    assert list(DisputeMessage.objects.order_by("at").values_list("author__user__name", "text")) == [
        (second_manager.user.name, "Who told you so?"),
        (agent.user.name, "It is in my contract."),
    ]
    with pytest.raises(DatabaseError), transaction.atomic():
        DisputeMessage.objects.update(text="I agree")


def test_a_supervisor_reads_a_dispute_but_only_those_with_a_part_speak(
    manager: Actor, second_manager: Actor, agent: Actor, supervisor: Actor
) -> None:
    made = approved(manager, second_manager, closed_deal(sales_profile(agent)))
    dispute = services.dispute_commission(actor=agent, commission=made, reason="It was 3 %", at=AT)

    with pytest.raises(DisputeNotAllowed):
        services.add_dispute_message(actor=supervisor, dispute=dispute, text="Hm", at=AT)
