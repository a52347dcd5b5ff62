"""What is taken from an agent, by two persons' word, and what comes back; and instalments that are agreed anew."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.db import DatabaseError, connection, transaction

from commissions import services
from commissions.errors import (
    AdjustmentInvalid,
    BeneficiaryMayNotDecide,
    CommissionUnknown,
    DeductionRecovered,
    InstalmentsInvalid,
    InstalmentsStand,
    ReasonMissing,
    RepaymentInvalid,
    RepaymentRefused,
    SelfApproval,
)
from commissions.models import Commission, Instalment, Method, Repayment, Rescheduling, Side, SplitRole, Status
from commissions.splitting import ShareKind
from core.actors import Actor
from core.errors import DomainError, NotAllowed
from core.models import AuditEntry
from core.money import AmountInvalid
from core.roles import Role
from core.tenancy import organization_scope
from crm.models import Agent, Contact
from ledger import verification
from tests.commissions.factories import (
    AT,
    PAID_ON,
    approved,
    closed_deal,
    commission,
    parts,
    pay,
    referrer,
    sales_profile,
    share,
)
from tests.commissions.test_instalments import receive, released, schedule
from tests.commissions.test_payouts import payout, with_bank
from tests.commissions.test_races import at_once
from tests.commissions.test_worked_examples import books
from tests.live import house


def deduct(
    actor: Actor, made: Commission, agent: Agent, amount: str, reason: str = "The deposit was lost"
) -> Commission:
    return services.adjust_commission(actor=actor, commission=made, agent=agent, amount=amount, reason=reason, at=AT)


def repay(actor: Actor, owing: Agent | Contact, amount: str, reference: str, **more) -> Repayment:
    fields = {"currency": "AED", "method": Method.CASH, "received_on": PAID_ON, "at": AT, **more}
    return services.record_repayment(actor=actor, owing=owing, amount=amount, reference=reference, **fields)


def test_a_deduction_is_owed_by_the_agent_and_set_off_in_the_next_payout(
    admin: Actor, manager: Actor, second_manager: Actor, agent: Actor
) -> None:
    """12,500.00 is due; 700.00 is taken by two persons' word; the payout sends 11,800.00."""
    omar = with_bank(manager, admin, sales_profile(agent))
    made = approved(manager, second_manager, closed_deal(omar))

    taken = deduct(manager, made, omar, "-700.00")

    assert (taken.side, taken.amount_minor, taken.taken_from, taken.status) == (
        Side.DEDUCTION, 700_00, omar, Status.PENDING,
    )  # fmt: skip
    assert [(part.role, part.agent, part.due_minor) for part in parts(taken)] == [(SplitRole.HOUSE, None, 0)]
    assert f"clawback:agent:{omar.pk}:AED" not in books(manager)  # nothing before a second person agrees
    with pytest.raises(SelfApproval):
        services.approve_commission(actor=manager, commission=taken, at=AT)
    services.approve_commission(actor=second_manager, commission=taken, at=AT)
    found = books(manager)
    assert found[f"clawback:agent:{omar.pk}:AED"] == (700_00, 0)
    assert found["commission_expense:AED"] == (11_800_00, 0)
    assert found["commission_revenue:AED"] == (0, 12_500_00)  # the client owes what he owed

    batch = payout(manager).batch
    assert sum(line.amount_minor for line in batch.lines.all()) == 11_800_00
    assert f"clawback:agent:{omar.pk}:AED" not in books(manager)
    with pytest.raises(DeductionRecovered, match="recovered already"):
        services.cancel_commission(actor=second_manager, commission=taken, reason="It was found", at=AT)
    assert verification.verify(manager.organization).findings == ()


def test_who_is_deducted_from_sees_it_disputes_it_and_decides_nothing(
    admin: Actor, manager: Actor, second_manager: Actor, agent: Actor, other_agent: Actor
) -> None:
    omar, mona = sales_profile(agent), sales_profile(second_manager)
    sales_profile(other_agent)
    made = approved(manager, admin, closed_deal(omar))
    taken = deduct(manager, made, omar, "-700.00")
    from_mona = deduct(manager, made, mona, "-1.00")

    assert taken in Commission.objects.visible_to(agent)
    assert taken not in Commission.objects.visible_to(other_agent)
    dispute = services.dispute_commission(actor=agent, commission=taken, reason="I did not lose it", at=AT)
    services.resolve_dispute(actor=admin, dispute=dispute, resolution="The bank says so", at=AT)
    for decide in (
        lambda: services.approve_commission(actor=second_manager, commission=from_mona, at=AT),
        lambda: services.cancel_commission(actor=second_manager, commission=from_mona, reason="no", at=AT),
        lambda: deduct(second_manager, made, mona, "-1.00"),
    ):
        with pytest.raises(BeneficiaryMayNotDecide), transaction.atomic():
            decide()
    with pytest.raises(DatabaseError, match="are paid by or owe"), transaction.atomic():
        from_mona.approvals.create(
            organization=admin.organization,
            approved_by=second_manager.membership,
            transfer=made.approvals.get().transfer,
            at=AT,
        )
    services.cancel_commission(actor=admin, commission=from_mona, reason="A mistake", at=AT)  # nothing was posted
    services.approve_commission(actor=admin, commission=taken, at=AT)
    services.cancel_commission(actor=admin, commission=taken, reason="It was found", at=AT)
    assert f"clawback:agent:{omar.pk}:AED" not in books(manager)


def test_a_deduction_that_makes_no_sense_is_refused(
    manager: Actor, second_manager: Actor, agent: Actor, other_agent: Actor
) -> None:
    omar = sales_profile(agent)
    pending, made = commission(manager, closed_deal(omar)), approved(manager, second_manager, closed_deal(omar))
    taken = deduct(manager, made, omar, "-1.00")
    services.approve_commission(actor=second_manager, commission=taken, at=AT)
    for of, amount, reason, refusal in [
        (pending, "-1.00", "x", AdjustmentInvalid),
        (taken, "-1.00", "x", AdjustmentInvalid),  # of a deduction nothing is deducted
        (made, "-0.00", "x", AdjustmentInvalid),
        (made, "-0.001", "x", AmountInvalid),
        (made, "-" + "9" * 30, "x", AmountInvalid),
        (made, "-1.00", " ", ReasonMissing),
    ]:
        with pytest.raises(refusal), transaction.atomic():
            deduct(manager, of, omar, amount, reason)
    with pytest.raises(NotAllowed):
        deduct(agent, made, omar, "1.00")
    for side, who in [("deduction", None), ("sale", omar)]:
        with pytest.raises(DatabaseError, match="taken_from_somebody"), transaction.atomic():
            Commission.objects.create(
                organization=manager.organization, deal=closed_deal(omar), side=side, plan_version=made.plan_version,
                base_price_minor=1, amount_minor=1, currency="AED", explanation="x", earned_on=PAID_ON, taken_from=who,
            )  # fmt: skip


def test_a_deal_cancelled_after_payout_is_paid_back_in_cash_and_by_a_cheque_that_bounces(
    manager: Actor, second_manager: Actor, agent: Actor
) -> None:
    """8,000.00 was paid when the buyer withdrew. Omar brings 3,000.00 in cash and a cheque of 5,000.00, which bounces."""
    omar = sales_profile(agent)
    made = approved(manager, second_manager, closed_deal(omar))
    pay(manager, parts(made)[0], "8000.00", "TRF-1")
    services.cancel_commission(actor=second_manager, commission=made, reason="Buyer withdrew", at=AT, claw_back=True)

    repay(manager, omar, "3000.00", "CASH-1")
    cheque = repay(manager, omar, "5000.00", "CHQ-1", method=Method.CHEQUE)
    assert books(manager) == {
        "bank:AED": (0, 8_000_00), "cash:AED": (3_000_00, 0), "cheques_in_hand:AED": (5_000_00, 0),
    }  # fmt: skip
    with pytest.raises(RepaymentInvalid, match=r"at most what is to be recovered: AED 0\.00"):
        repay(manager, omar, "0.01", "CASH-2")

    services.reverse_repayment(actor=manager, repayment=cheque, reason="Cheque bounced", at=AT)
    with pytest.raises(RepaymentRefused, match="already taken back"):
        services.reverse_repayment(actor=manager, repayment=cheque, reason="Cheque bounced", at=AT)
    assert books(manager) == {
        "bank:AED": (0, 8_000_00), "cash:AED": (3_000_00, 0), f"clawback:agent:{omar.pk}:AED": (5_000_00, 0),
    }  # fmt: skip
    repay(manager, omar, "5000.00", "TRF-2", method=Method.BANK_TRANSFER)
    assert books(manager) == {"bank:AED": (0, 3_000_00), "cash:AED": (3_000_00, 0)}
    assert list(AuditEntry.objects.filter(target_type="commissions.repayment").order_by("pk").values_list("action", flat=True)) == [
        "commissions.repayment_recorded", "commissions.repayment_recorded", "commissions.repayment_reversed",
        "commissions.repayment_recorded",
    ]  # fmt: skip
    assert verification.verify(manager.organization).findings == ()


def test_a_referrer_outside_the_house_pays_back_too(manager: Actor, second_manager: Actor, agent: Actor) -> None:
    omar, layla = sales_profile(agent), referrer(manager)
    shares = [
        share(ShareKind.PERCENT, 1000, SplitRole.REFERRER, contact_id=layla.pk),
        share(ShareKind.PERCENT, 9000, agent_id=omar.pk),
    ]
    made = approved(manager, second_manager, closed_deal(omar), shares=shares)
    pay(manager, parts(made)[0], "1250.00", "T-1")
    services.cancel_commission(actor=second_manager, commission=made, reason="Withdrew", at=AT, claw_back=True)

    repay(manager, layla, "1250.00", "CASH-1")

    assert books(manager) == {"bank:AED": (0, 1_250_00), "cash:AED": (1_250_00, 0)}


def test_repayments_that_make_no_sense_are_refused(
    admin: Actor, manager: Actor, second_manager: Actor, agent: Actor, outsider: Actor
) -> None:
    omar, mona = sales_profile(agent), sales_profile(second_manager)
    made = approved(manager, admin, closed_deal(omar))
    for one in (omar, mona):
        services.approve_commission(actor=admin, commission=deduct(manager, made, one, "-100.00"), at=AT)
    first = repay(manager, omar, "1.00", "R-1")
    tomorrow = AT.date() + timedelta(days=2)
    for amount, reference, more, refusal in [
        ("0", "R-2", {}, RepaymentInvalid),
        ("-1.00", "R-2", {}, RepaymentInvalid),
        ("99.01", "R-2", {}, RepaymentInvalid),
        ("0.001", "R-2", {}, AmountInvalid),
        ("1.00", " ", {}, RepaymentInvalid),
        ("1.00", "R-1", {}, RepaymentRefused),
        ("1.00", "R-2", {"currency": "USD"}, RepaymentInvalid),
        ("1.00", "R-2", {"method": Method.SET_OFF}, RepaymentInvalid),
        ("1.00", "R-2", {"received_on": tomorrow}, RepaymentInvalid),
    ]:
        with pytest.raises(refusal):
            repay(manager, omar, amount, reference, **more)
    with pytest.raises(BeneficiaryMayNotDecide):
        repay(second_manager, mona, "1.00", "R-3")
    with pytest.raises(NotAllowed):
        repay(agent, omar, "1.00", "R-3")
    with pytest.raises(CommissionUnknown):
        repay(manager, Agent(pk=omar.pk + 10_000), "1.00", "R-3")
    with pytest.raises(ReasonMissing):
        services.reverse_repayment(actor=manager, repayment=first, reason="", at=AT)
    assert list(Repayment.objects.visible_to(agent)) == [first]
    for statement in (
        "UPDATE commissions_repayment SET amount_minor = 1",
        "DELETE FROM commissions_repayment",
        "TRUNCATE commissions_repaymentreversal",
    ):
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)


@pytest.mark.timeout(300)
def test_eight_note_the_same_debt_and_it_is_paid_back_once(committed: str) -> None:
    organization, members = house()
    with organization_scope(organization.pk):
        maker, approver = Actor(organization, members[Role.MANAGER]), Actor(organization, members[Role.ADMIN])
        omar = sales_profile(Actor(organization, members[Role.AGENT]))
        made = approved(maker, approver, closed_deal(omar))
        services.approve_commission(actor=approver, commission=deduct(maker, made, omar, "-100.00"), at=AT)

        found = at_once(organization, lambda number: repay(maker, omar, "60.00", f"R-{number}"))
        again = at_once(organization, lambda _: repay(maker, omar, "1.00", "SAME"))

        assert found["won"] == 1
        assert found["repayment_refused"] + found["repayment_invalid"] == 7
        assert again == {"won": 1, "repayment_refused": 7}
        assert books(maker)[f"clawback:agent:{omar.pk}:AED"] == (39_00, 0)
        assert verification.verify(organization).findings == ()


def test_a_client_agrees_on_other_instalments_and_what_came_stays(
    manager: Actor, second_manager: Actor, agent: Actor
) -> None:
    """Three of 5,000 + 5,000 + 2,500; the first came. Two are left: 5,000 in June and 2,500 in July, then one of 7,500."""
    made = approved(manager, second_manager, closed_deal(sales_profile(agent)))
    first, *_ = schedule(manager, made, "5000.00", "5000.00", "2500.00")
    receive(manager, first, "5000.00", "CHQ-1")
    june, july = date(2026, 6, 1), date(2026, 7, 1)

    def anew(*wanted: tuple[str, date], reason: str = "He was ill", actor: Actor = manager) -> list[Instalment]:
        return services.reschedule_instalments(actor=actor, commission=made, instalments=wanted, reason=reason, at=AT)

    anew(("5000.00", date(2026, 3, 1)), ("5000.00", june), ("2500.00", july))
    anew(("5000.00", date(2026, 3, 1)), ("7500.00", july), reason="Both in July")

    rows = Instalment.objects.order_by("position").values_list("amount_minor", "received_minor", "expected_on")
    assert list(rows) == [(5000_00, 5000_00, date(2026, 3, 1)), (7500_00, 0, july), (0, 0, july)]
    assert released(made) == [5000_00]
    told = Rescheduling.objects.order_by("pk").last()
    assert told is not None
    assert (told.reason, told.before[1:], told.after[1:]) == (
        "Both in July",
        [["5000.00", "2026-06-01"], ["2500.00", "2026-07-01"]],
        [["7500.00", "2026-07-01"], ["0.00", "2026-07-01"]],
    )
    anew(*((amount, july) for amount in ("5000.00", "2500.00", "2500.00", "2500.00")), reason="In four")
    assert Instalment.objects.count() == 4
    bad: list[tuple[list[str], str, type[DomainError]]] = [
        (["4999.99", "7500.01"], "x", InstalmentsInvalid),  # 5,000.00 came of the first
        (["5000.00", "7500.01"], "x", InstalmentsInvalid),
        (["5000.00", "-7500.00", "15000.00"], "x", InstalmentsInvalid),
        ([], "x", InstalmentsInvalid),
        (["12500.00"], " ", ReasonMissing),
    ]
    for amounts, reason, refusal in bad:
        with pytest.raises(refusal):
            anew(*((amount, july) for amount in amounts), reason=reason)
    with pytest.raises(NotAllowed):
        anew(("12500.00", july), actor=agent)
    with pytest.raises(InstalmentsStand):
        services.reschedule_instalments(
            actor=manager, commission=commission(manager, closed_deal(made.deal.agent)),
            instalments=[("12500.00", july)], reason="x", at=AT,
        )  # fmt: skip
    for statement, why in [
        ("UPDATE commissions_instalment SET expected_on = '2027-01-01'", "nobody rescheduled"),
        ("UPDATE commissions_instalment SET amount_minor = amount_minor + 1", "nobody rescheduled"),
        ("UPDATE commissions_instalment SET received_minor = 0", "permission denied"),
        ("UPDATE commissions_rescheduling SET reason = 'x'", "permission denied"),
    ]:
        with pytest.raises(DatabaseError, match=why), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)
