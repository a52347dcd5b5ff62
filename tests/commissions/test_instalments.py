"""Money of the client that comes by instalments, and what is held back: agents are paid as far as it came."""

from __future__ import annotations

from datetime import date, timedelta
from functools import partial
from typing import Any

import pytest
from django.db import DatabaseError, transaction
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from commissions import services
from commissions.errors import (
    BeneficiaryMayNotDecide,
    HoldBackInvalid,
    HoldBackStands,
    InstalmentsInvalid,
    InstalmentsStand,
    NothingToPayOut,
    PaymentExceedsDue,
    ReceiptInvalid,
    ReceiptRefused,
)
from commissions.models import (
    Commission,
    CommissionPayment,
    CommissionSplit,
    Instalment,
    Method,
    Receipt,
    SplitRole,
    Status,
    VatMode,
)
from commissions.splitting import ShareKind
from core.actors import Actor
from core.errors import DomainError
from core.models import Organization
from core.money import AmountInvalid
from core.roles import Role
from core.tenancy import organization_scope
from ledger import verification
from tests.commissions.factories import (
    AT,
    PAID_ON,
    approved,
    closed_deal,
    commission,
    parts,
    pay,
    plan,
    referrer,
    sales_profile,
    share,
)
from tests.commissions.test_payouts import payout, with_bank
from tests.commissions.test_races import at_once
from tests.commissions.test_worked_examples import books
from tests.live import house

DAYS = [date(2026, 3, 1), date(2026, 4, 1), date(2026, 5, 1)]


def schedule(actor: Actor, made: Commission, *amounts: str) -> list[Instalment]:
    return services.schedule_instalments(
        actor=actor, commission=made, instalments=list(zip(amounts, DAYS, strict=False)), at=AT
    )


def receive(actor: Actor, instalment: Instalment, amount: str, reference: str, **more) -> Receipt:
    fields = {"method": Method.CHEQUE, "received_on": PAID_ON, "at": AT, **more}
    return services.record_receipt(actor=actor, instalment=instalment, amount=amount, reference=reference, **fields)


def released(made: Commission, on: date = PAID_ON) -> list[int]:
    splits = CommissionSplit.objects.filter(commission=made).order_by("position").with_released(on)
    return [split.released_minor for split in splits]


def test_sixty_forty_with_a_referral_and_three_instalments_of_which_one_bounces(
    manager: Actor, second_manager: Actor, agent: Actor, other_agent: Actor
) -> None:
    """2.5 % of 1,000,000.00 = 25,000.00 + 5 % VAT = 26,250.00, in three cheques of 8,750.00. Referral 10 % = 2,500.00,
    the rest 60/40 = 13,500.00 and 9,000.00. With two cheques in, two thirds may be paid: 1,666.66, 9,000.00, 6,000.00.
    The second bounces after the first agent got his 9,000.00: he is paid ahead, the others wait."""
    omar, huda, layla = sales_profile(agent), sales_profile(other_agent), referrer(manager)
    deal = closed_deal(omar, 1_000_000_00)
    made = approved(
        manager,
        second_manager,
        deal,
        plan_version=plan(manager, vat_mode=VatMode.ON_TOP, vat_basis_points=500),
        shares=[
            share(ShareKind.PERCENT, 1000, SplitRole.REFERRER, contact_id=layla.pk),
            share(ShareKind.REST, 6000, agent_id=omar.pk),
            share(ShareKind.REST, 4000, agent_id=huda.pk),
        ],
    )
    first, second, third = schedule(manager, made, "8750.00", "8750.00", "8750.00")
    assert released(made) == [0, 0, 0]
    with pytest.raises(PaymentExceedsDue, match=r"Only AED 0.00 of this part may be paid now"):
        pay(manager, parts(made)[1], "0.01", "T-0")

    receive(manager, first, "8750.00", "C-1")
    bounced = receive(manager, second, "8750.00", "C-2")
    assert released(made) == [1_666_66, 9_000_00, 6_000_00]
    pay(manager, parts(made)[1], "9000.00", "T-1")
    services.reverse_receipt(actor=manager, receipt=bounced, reason="Cheque bounced", at=AT)

    second.refresh_from_db()
    assert (second.due_minor, released(made)) == (8_750_00, [833_33, 4_500_00, 3_000_00])
    with pytest.raises(PaymentExceedsDue, match=r"Only AED 0.00"):
        pay(manager, parts(made)[1], "0.01", "T-2")
    made.refresh_from_db()
    assert made.status == Status.PART_PAID  # it never loses its approval
    assert books(manager) == {
        f"receivable:deal:{deal.pk}:AED": (17_500_00, 0),
        "cheques_in_hand:AED": (8_750_00, 0),
        "bank:AED": (0, 9_000_00),
        "commission_revenue:AED": (0, 25_000_00),
        "vat_payable:AED": (0, 1_250_00),
        "commission_expense:AED": (25_000_00, 0),
        f"payable:contact:{layla.pk}:AED": (0, 2_500_00),
        f"payable:agent:{omar.pk}:AED": (0, 4_500_00),
        f"payable:agent:{huda.pk}:AED": (0, 9_000_00),
    }

    receive(manager, second, "8750.00", "TRF-2", method=Method.BANK_TRANSFER)
    receive(manager, third, "8750.00", "TRF-3", method=Method.BANK_TRANSFER)
    assert released(made) == [2_500_00, 13_500_00, 9_000_00]
    pay(manager, parts(made)[0], "2500.00", "T-3")
    pay(manager, parts(made)[1], "4500.00", "T-4")
    pay(manager, parts(made)[2], "9000.00", "T-5")
    made.refresh_from_db()
    assert made.status == Status.PAID
    assert f"receivable:deal:{deal.pk}:AED" not in books(manager)
    assert verification.verify(manager.organization).findings == ()


def test_ten_percent_is_held_back_until_the_handover(
    manager: Actor, second_manager: Actor, admin: Actor, agent: Actor
) -> None:
    """12,500.00, of which 1,250.00 waits for the keys; the payout takes 11,250.00, and later the rest."""
    omar = with_bank(manager, admin, sales_profile(agent))
    made = approved(manager, second_manager, closed_deal(omar))
    services.hold_back(actor=manager, commission=made, basis_points=1000, reason="Until handover", at=AT)

    line = payout(manager).batch.lines.get()
    assert line.amount_minor == 11_250_00
    services.approve_payout(actor=second_manager, batch=line.batch, at=AT)
    services.confirm_line(actor=manager, line=line, paid_on=PAID_ON, at=AT)
    with pytest.raises(NothingToPayOut):
        payout(manager)
    with pytest.raises(HoldBackStands):
        services.hold_back(actor=manager, commission=made, basis_points=500, reason="Again", at=AT)
    services.release_hold_back(actor=second_manager, commission=made, reason="Keys handed over", at=AT)
    with pytest.raises(HoldBackStands):
        services.release_hold_back(actor=second_manager, commission=made, reason="Twice", at=AT)

    assert payout(manager).batch.lines.get().amount_minor == 1_250_00


def test_a_hold_back_until_a_day_ends_by_itself(manager: Actor, second_manager: Actor, agent: Actor) -> None:
    made = approved(manager, second_manager, closed_deal(sales_profile(agent)))
    until = date(2026, 6, 1)
    for basis_points, day in [(0, until), (10_001, until), (1000, AT.date())]:
        with pytest.raises(HoldBackInvalid):
            services.hold_back(
                actor=manager, commission=made, basis_points=basis_points, reason="x", at=AT, until_on=day
            )

    services.hold_back(actor=manager, commission=made, basis_points=2500, reason="Snags", at=AT, until_on=until)

    assert released(made) == released(made, until - timedelta(days=1)) == [9_375_00]
    assert released(made, until) == [12_500_00]


def test_bad_schedules_and_bad_receipts(manager: Actor, second_manager: Actor, agent: Actor) -> None:
    omar = sales_profile(agent)
    pending = commission(manager, closed_deal(omar))
    for amounts, refusal in [
        ((), InstalmentsInvalid),
        (("12499.99",), InstalmentsInvalid),
        (("12500.00", "0.01"), InstalmentsInvalid),
        (("12500.01", "-0.01"), InstalmentsInvalid),
        (("12500.00", "0"), InstalmentsInvalid),
        (("12499.995", "0.005"), AmountInvalid),
    ]:
        with pytest.raises(refusal):
            schedule(manager, pending, *amounts)
    first, _second = schedule(manager, pending, "10000.00", "2500.00")
    with pytest.raises(InstalmentsStand):
        schedule(manager, pending, "12500.00")
    with pytest.raises(ReceiptRefused, match="approve it first"):
        receive(manager, first, "1.00", "R-0")
    services.approve_commission(actor=second_manager, commission=pending, at=AT)
    receive(manager, first, "1.00", "R-1")
    bad: list[tuple[str, str, dict[str, Any], type[DomainError]]] = [
        ("0", "R-2", {}, ReceiptInvalid),
        ("-5", "R-2", {}, ReceiptInvalid),
        ("9999.01", "R-2", {}, ReceiptInvalid),
        ("0.001", "R-2", {}, AmountInvalid),
        ("1.00", " ", {}, ReceiptInvalid),
        ("1.00", "R-1", {}, ReceiptRefused),
        ("1.00", "R-2", {"method": Method.SET_OFF}, ReceiptInvalid),
        ("1.00", "R-2", {"received_on": AT.date() + timedelta(days=2)}, ReceiptInvalid),
    ]
    for amount, reference, more, refused in bad:
        with pytest.raises(refused):
            receive(manager, first, amount, reference, **more)
    paid = approved(manager, second_manager, closed_deal(omar))
    pay(manager, parts(paid)[0], "1.00", "T-1")
    with pytest.raises(InstalmentsStand):
        schedule(manager, paid, "12500.00")
    assert Receipt.objects.count() == 1


def test_nobody_notes_or_lets_go_what_comes_to_them(admin: Actor, manager: Actor, second_manager: Actor) -> None:
    made = approved(second_manager, admin, closed_deal(sales_profile(manager)))
    [only] = schedule(second_manager, made, "12500.00")
    services.hold_back(actor=second_manager, commission=made, basis_points=100, reason="x", at=AT)
    for attempt in (
        lambda: receive(manager, only, "1.00", "R-1"),
        lambda: services.release_hold_back(actor=manager, commission=made, reason="x", at=AT),
    ):
        with pytest.raises(BeneficiaryMayNotDecide):
            attempt()


def test_the_database_holds_it(manager: Actor, second_manager: Actor, agent: Actor) -> None:
    made = approved(manager, second_manager, closed_deal(sales_profile(agent)))
    [only] = schedule(manager, made, "12500.00")
    receipt = receive(manager, only, "100.00", "R-1")
    split = parts(made)[0]
    row = {"organization": manager.organization, "currency": "AED", "at": AT, "transfer": receipt.transfer}
    tries = [
        ("permission denied", lambda: Instalment.objects.update(received_minor=0)),
        ("permission denied", lambda: Receipt.objects.update(amount_minor=1)),
        (
            "received_within_amount",
            lambda: Receipt.objects.create(
                **row, instalment=only, amount_minor=12_400_01, method="cash", received_on=PAID_ON, reference="R-2"
            ),
        ),
        (
            "may not be paid yet",
            lambda: CommissionPayment.objects.create(
                **row | {"transfer": made.approvals.get().transfer},
                split=split,
                amount_minor=100_01,
                method="cash",
                paid_on=PAID_ON,
                reference="P-1",
            ),
        ),
    ]
    for why, attempt in tries:
        with pytest.raises(DatabaseError, match=why), transaction.atomic():
            attempt()
    assert released(made) == [100_00]


@pytest.mark.timeout(300)
def test_eight_cheques_at_once_are_received_as_far_as_the_instalment_goes(committed: str) -> None:
    organization, members = house()
    with organization_scope(organization.pk):
        maker, approver = Actor(organization, members[Role.MANAGER]), Actor(organization, members[Role.ADMIN])
        made = approved(maker, approver, closed_deal(sales_profile(Actor(organization, members[Role.AGENT]))))
        [only] = schedule(maker, made, "12500.00")

        found = at_once(organization, lambda number: receive(maker, only, "5000.00", f"R-{number}"))

        assert found == {"won": 2, "receipt_invalid": 6}
        only.refresh_from_db()
        assert (only.received_minor, released(made)) == (10_000_00, [10_000_00])
        assert verification.verify(organization).findings == ()


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    steps=st.lists(st.tuples(st.sampled_from(["in", "bounce", "out", "back"]), st.integers(1, 12_500_00)), max_size=12)
)
def test_whatever_comes_in_and_goes_out_the_books_balance(
    steps: list[tuple[str, int]], manager: Actor, second_manager: Actor, agent: Actor
) -> None:
    """Never more is paid out, at the moment it is paid, than came in; and no step changes what was posted before."""
    with transaction.atomic():
        made = approved(manager, second_manager, closed_deal(sales_profile(agent)))
        [only] = schedule(manager, made, "12500.00")
        receipts: list[Receipt] = []
        payments: list[CommissionPayment] = []
        for number, (what, minor) in enumerate(steps):
            amount = f"{minor // 100}.{minor % 100:02d}"
            split = parts(made)[0]
            only.refresh_from_db()
            if what == "in" and minor <= only.due_minor:
                receipts.append(receive(manager, only, amount, f"R-{made.pk}-{number}"))
            elif what == "bounce" and receipts:
                services.reverse_receipt(actor=manager, receipt=receipts.pop(), reason="bounced", at=AT)
            elif what == "out":
                paying = partial(pay, manager, split, amount, f"P-{made.pk}-{number}")
                if minor <= only.received_minor - split.paid_minor:
                    payments.append(paying())
                else:
                    with pytest.raises(DomainError):
                        paying()
            elif what == "back" and payments:
                services.reverse_payment(actor=manager, payment=payments.pop(), reason="back", at=AT)
        only.refresh_from_db()
        assert only.received_minor == sum(one.amount_minor for one in receipts)
        assert parts(made)[0].paid_minor == sum(one.amount_minor for one in payments)
        books(manager)
        assert verification.verify(manager.organization).findings == ()
        transaction.set_rollback(True)


def test_an_accountant_schedules_receives_and_holds_back_in_the_back_office(
    organization: Organization, manager: Actor, second_manager: Actor, agent: Actor, client: Client
) -> None:
    made = approved(manager, second_manager, closed_deal(sales_profile(agent)))
    pages = f"/o/palm/admin/commissions/commission/{made.pk}"
    client.force_login(manager.user)
    wrong = client.post(f"{pages}/schedule/", {"instalments": "12500 soon"})
    assert (wrong.status_code, "is not an amount and a day" in wrong.content.decode()) == (422, True)
    short = client.post(f"{pages}/schedule/", {"instalments": "12000 2026-04-01"})
    assert "sum to what the client owes, AED 12,500.00" in short.content.decode()

    lines = "10000.00 2026-04-01\n2500.00 2026-05-01\n"
    assert client.post(f"{pages}/schedule/", {"instalments": lines}).status_code == 302
    held = {"percent": "10", "until_on": "", "reason": "Until handover"}
    assert client.post(f"{pages}/hold-back/", held).status_code == 302
    with organization_scope(organization.pk):
        first = Instalment.objects.order_by("position")[0]
    form = {"amount": "10000", "method": "cheque", "received_on": "2026-03-09", "reference": "C-1"}
    instalment = f"/o/palm/admin/commissions/instalment/{first.pk}"
    assert client.post(f"{instalment}/receive/", form).status_code == 302
    assert "2026-03-09 AED 10,000.00 C-1" in client.get(f"{instalment}/change/").content.decode()
    with organization_scope(organization.pk):
        assert released(made) == [9_000_00]
        receipt = Receipt.objects.get()
    assert client.post(f"{pages}/let-go/", {"reason": "Keys handed over"}).status_code == 302
    with organization_scope(organization.pk):
        assert released(made) == [10_000_00]
    assert (
        client.post(f"/o/palm/admin/commissions/receipt/{receipt.pk}/take-back/", {"reason": "Bounced"}).status_code
        == 302
    )
    with organization_scope(organization.pk):
        assert released(made) == [0]
    for page in ("instalment/", "receipt/", f"commission/{made.pk}/change/"):
        assert client.get(f"/o/palm/admin/commissions/{page}").status_code == 200
