"""Clients' money, payouts, repayments and the closing of the books, as an integration sees them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from commissions import services
from commissions.models import Receipt
from commissions.services.decisions import local_day
from core.actors import Actor
from core.tenancy import organization_scope
from tests.commissions.factories import AT, approved, closed_deal, commission, parts, pay, sales_profile
from tests.commissions.test_api import Api
from tests.commissions.test_payouts import HOUSE_IBAN, IBAN, with_bank
from tests.commissions.test_recoveries import deduct

PAID = {"method": "cheque", "received_on": "2026-03-09"}


@pytest.fixture(autouse=True)
def keep_scope(organization):
    """Requests close the scope they opened; tests look at rows afterwards."""
    with organization_scope(organization.pk):
        yield


def two_halves(first: str = "6562.50", second: str = "6562.50") -> list[dict[str, str]]:
    return [{"amount": first, "expected_on": "2026-04-01"}, {"amount": second, "expected_on": "2026-05-01"}]


def test_instalments_from_the_schedule_over_a_bounced_cheque_to_other_days(
    manager: Actor, second_manager: Actor, agent: Actor, other_agent: Actor
) -> None:
    """12,500.00 in two instalments: the first cheque bounces, the client gets more time, the agent reads it all."""
    made = approved(manager, second_manager, closed_deal(sales_profile(agent)))
    office, place = Api(manager), f"commissions/{made.pk}/instalments/"
    assert office.get(place) == (200, [])

    status, refused = office.post(place, instalments=two_halves())
    assert (status, refused["code"], refused["details"]["field"]) == (422, "instalments_invalid", "instalments")
    assert "12,500.00" in refused["detail"]
    status, [first, second] = office.post(place, instalments=two_halves("6250.00", "6250.00"))
    assert (status, first["amount"], first["received"], first["due"]) == (201, "6250.00", "0.00", "6250.00")
    assert office.post(place, instalments=two_halves("6250.00", "6250.00"))[1]["code"] == "instalments_stand"

    receipt = {"instalment": first["id"], "amount": "6250.00", "reference": "CHQ-1", **PAID}
    status, came = office.post("receipts/", **receipt)
    assert (status, came["commission"], came["amount"], came["reversal"]) == (201, made.pk, "6250.00", None)
    assert office.post("receipts/", **receipt)[1]["code"] == "receipt_invalid"  # nothing of it is left
    assert office.post("receipts/", **receipt | {"instalment": second["id"]})[1]["code"] == "receipt_refused"
    assert office.post("receipts/", **receipt | {"method": "set_off"})[0] == 400
    status, back = office.post(f"receipts/{came['id']}/reversal/", reason="bounced")
    assert (status, back["reversal"]["reason"]) == (201, "bounced")
    assert [one["reference"] for one in office.get("receipts/", is_owed_again="true")[1]["results"]] == ["CHQ-1"]
    assert office.get("receipts/", is_reversed="false")[1]["results"] == []

    later = [{"amount": "12500.00", "expected_on": "2026-06-01"}]
    status, [whole, nothing] = office.post(f"{place}rescheduling/", instalments=later, reason="he asked for time")
    assert (status, whole["due"], whole["expected_on"], nothing["amount"]) == (201, "12500.00", "2026-06-01", "0.00")
    assert [one["id"] for one in office.get("instalments/", is_due="true")[1]["results"]] == [whole["id"]]
    assert office.get("instalments/", is_due="false", commission=made.pk)[1]["results"] == [nothing]

    his = Api(agent)
    assert his.get(place)[1] == [whole, nothing]
    assert his.get("instalments/")[0] == his.get("receipts/")[0] == 403
    assert his.post(place, instalments=later)[0] == 403
    sales_profile(other_agent)
    assert Api(other_agent).get(place)[0] == 404


def test_a_hold_back_until_the_handover(manager: Actor, second_manager: Actor, agent: Actor) -> None:
    made = approved(manager, second_manager, closed_deal(sales_profile(agent)))
    office, place = Api(manager), f"commissions/{made.pk}/hold-back/"
    assert office.get(place)[0] == 404
    assert office.post(place, basis_points=10_001, reason="keys")[0] == 400
    assert office.post(place, basis_points=1000, reason="keys", until_on="2026-01-01")[1]["code"] == "hold_back_invalid"

    status, held = office.post(place, basis_points=1000, reason="until the keys are handed over")

    assert (status, held["basis_points"], held["until_on"], held["release"]) == (201, 1000, None, None)
    assert Api(agent).get(place) == (200, held)
    assert Api(agent).post(f"{place}release/", reason="it is mine")[0] == 403
    status, free = Api(second_manager).post(f"{place}release/", reason="keys handed over")
    assert (status, free["release"]["reason"]) == (201, "keys handed over")
    assert free["release"]["released_by"] == second_manager.membership.pk
    assert Api(second_manager).post(f"{place}release/", reason="again")[1]["code"] == "hold_back_stands"


def test_a_payout_from_collecting_to_the_banks_answer(
    admin: Actor, manager: Actor, second_manager: Actor, agent: Actor, other_agent: Actor
) -> None:
    omar = with_bank(manager, admin, sales_profile(agent))
    approved(manager, second_manager, closed_deal(omar))
    unknown = approved(manager, second_manager, closed_deal(sales_profile(other_agent)))
    maker, approver, cashier = Api(manager), Api(second_manager), Api(admin)
    tomorrow = (timezone.localdate() + timedelta(days=2)).isoformat()

    assert maker.post("payouts/", currency="AED", pay_on="2026-03-01")[1]["code"] == "payout_invalid"
    assert maker.post("payouts/", currency="USD", pay_on=tomorrow)[1]["code"] == "nothing_to_pay_out"
    status, made = maker.post("payouts/", currency="AED", pay_on=tomorrow)
    assert (status, made["status"], made["people"], made["total"]) == (201, "proposed", 1, "12500.00")
    [left] = made["left_out"]
    assert (left["commission"], "no bank details" in left["why"]) == (unknown.pk, True)
    place = f"payouts/{made['id']}/"
    assert maker.post(f"{place}approval/")[1]["code"] == "payout_self_approval"
    assert cashier.get(f"{place}file/")[1]["code"] == "payout_not_at_that_stage"
    status, shown = approver.post(f"{place}approval/")
    assert (status, shown["status"], shown["approved_by"]) == (201, "approved", second_manager.membership.pk)

    assert cashier.get(f"{place}file/")[1]["code"] == "payout_invalid"  # out of which account?
    account = {"currency": "AED", "holder": "Palm Brokers LLC", "swift": "NBADAEAA"}
    assert cashier.post("paying-accounts/", **account, iban="AE00")[1]["code"] == "payout_invalid"
    status, known = cashier.post("paying-accounts/", **account, iban=HOUSE_IBAN)
    assert (status, known["iban_end"], "iban" in known) == (201, HOUSE_IBAN[-4:], False)
    assert cashier.get("paying-accounts/")[1]["results"] == [known]
    assert maker.get("paying-accounts/")[0] == maker.get(f"{place}file/")[0] == 403
    asked = Client(headers=cashier.headers)
    xml, rows = asked.get(f"/api/v1/palm/{place}file/"), asked.get(f"/api/v1/palm/{place}file/?format=csv")
    assert (xml["Content-Type"], IBAN.encode() in xml.content, b"pain.001.001.09" in xml.content) == (
        "application/xml", True, True,
    )  # fmt: skip
    assert (rows["Content-Type"], IBAN.encode() in rows.content) == ("text/csv", True)
    assert asked.get(f"/api/v1/palm/{place}file/?format=doc").json()["code"] == "payout_invalid"

    [line] = maker.get("payout-lines/", batch=made["id"], state="waiting")[1]["results"]
    assert (line["amount"], line["iban_end"], line["items"][0]["payment"]) == ("12500.00", IBAN[-4:], None)
    assert IBAN not in str(line)
    status, paid = maker.post(f"payout-lines/{line['id']}/payment/", paid_on="2026-03-10")
    assert (status, paid["state"], paid["items"][0]["payment"] is not None) == (201, "paid", True)
    assert maker.post(f"payout-lines/{line['id']}/payment/", paid_on="2026-03-10")[0] == 409
    assert maker.get(place)[1]["status"] == "settled"
    status, returned = maker.post(f"payout-lines/{line['id']}/return/", reason="account closed")
    assert (status, returned["state"], returned["reason"]) == (201, "returned", "account closed")
    assert approver.post(f"{place}cancellation/", reason="too late")[1]["code"] == "payout_not_at_that_stage"

    status, again = maker.post("payouts/", currency="AED", pay_on=tomorrow)  # it is due again
    assert approver.post(f"payouts/{again['id']}/cancellation/", reason="wrong day")[1]["status"] == "cancelled"
    assert [one["id"] for one in maker.get("payouts/", status="cancelled")[1]["results"]] == [again["id"]]
    assert Api(agent).get("payouts/")[1]["results"] == Api(agent).get("payout-lines/")[1]["results"] == []


def test_what_an_agent_owes_is_repaid_once(
    manager: Actor, second_manager: Actor, agent: Actor, other_agent: Actor
) -> None:
    omar = sales_profile(agent)
    made = approved(manager, second_manager, closed_deal(omar))
    pay(manager, parts(made)[0], "12500.00", "TRF-1")
    services.approve_commission(actor=second_manager, commission=deduct(manager, made, omar, "-700.00"), at=AT)
    office, money = Api(manager), {"amount": "700.00", "currency": "AED", "reference": "CASH-1", **PAID}

    assert office.post("repayments/", **money)[0] == 400
    assert office.post("repayments/", **money, agent=omar.pk, contact=1)[0] == 400
    assert office.post("repayments/", **money, agent=10**12)[0] == 404
    assert office.post("repayments/", **money | {"amount": "700.01"}, agent=omar.pk)[1]["code"] == "repayment_invalid"
    status, came = office.post("repayments/", **money, agent=omar.pk)
    assert (status, came["amount"], came["agent"], came["contact"]) == (201, "700.00", omar.pk, None)
    assert office.post("repayments/", **money, agent=omar.pk)[1]["code"] == "repayment_invalid"
    assert [one["id"] for one in Api(agent).get("repayments/")[1]["results"]] == [came["id"]]
    sales_profile(other_agent)
    assert Api(other_agent).get("repayments/")[1]["results"] == []
    assert Api(agent).post(f"repayments/{came['id']}/reversal/", reason="give it back")[0] == 403
    status, back = office.post(f"repayments/{came['id']}/reversal/", reason="cheque bounced")
    assert (status, back["reversal"]["reason"]) == (201, "cheque bounced")
    assert office.get("repayments/", is_reversed="true")[1]["results"] == [back]


def test_closing_the_books_and_opening_them_again(admin: Actor, manager: Actor, second_manager: Actor) -> None:
    first, second = Api(manager), Api(second_manager)
    today = local_day(manager, timezone.now())
    assert first.post("ledger/closings/", through_on=str(today))[1]["code"] == "period_not_over"

    status, closing = first.post("ledger/closings/", through_on="2026-02-28", note="February")

    assert (status, closing["reopening"]) == (201, None)
    assert first.post("ledger/closings/", through_on="2026-02-28")[1]["code"] == "period_already_closed"
    place = f"ledger/closings/{closing['id']}/reopening/"
    assert second.post(f"{place}approval/")[0] == 404  # nobody asked
    assert first.post(place, reason="a receipt of February was forgotten")[1]["reopening"]["approval"] is None
    assert first.post(f"{place}approval/")[1]["code"] == "period_needs_second_person"
    status, opened = second.post(f"{place}approval/")
    assert (status, opened["reopening"]["approval"]["approved_by"]) == (201, second_manager.membership.pk)
    assert first.get("ledger/closings/")[1]["results"] == [opened]


def test_limits_of_an_account(manager: Actor, second_manager: Actor, agent: Actor) -> None:
    pay(manager, parts(approved(manager, second_manager, closed_deal(sales_profile(agent))))[0], "100.00", "TRF-1")
    office = Api(manager)
    [bank] = office.get("ledger/accounts/", code="bank:AED")[1]["results"]
    assert bank["balance"] == "-100.00"

    beyond = office.post(f"ledger/accounts/{bank['id']}/limits/", lowest="0.00", highest=None, reason="no overdraft")
    assert beyond[1]["code"] == "account_limit_refused"
    status, limited = office.post(
        f"ledger/accounts/{bank['id']}/limits/", lowest="-100.00", highest=None, reason="the bank's overdraft"
    )
    assert (status, limited["lowest"], limited["highest"]) == (201, "-100.00", None)
    assert Api(agent).post(f"ledger/accounts/{bank['id']}/limits/", lowest=None, highest=None, reason="x")[0] == 403


def test_a_receipt_sent_twice_under_one_key_is_noted_once(manager: Actor, second_manager: Actor, agent: Actor) -> None:
    made = approved(manager, second_manager, closed_deal(sales_profile(agent)))
    office = Api(manager)
    _, [only] = office.post(
        f"commissions/{made.pk}/instalments/", instalments=[{"amount": "12500.00", "expected_on": "2026-04-01"}]
    )
    office.headers["Idempotency-Key"] = "receipt-1"
    body = {"instalment": only["id"], "amount": "100.00", "reference": "CHQ-9", **PAID}

    answers = [office.post("receipts/", **body) for _ in range(2)]

    assert answers[0] == answers[1]
    assert Receipt.objects.count() == 1


def test_nothing_of_a_pending_commission_is_received(manager: Actor, agent: Actor) -> None:
    made = commission(manager, closed_deal(sales_profile(agent)))
    office = Api(manager)
    _, [only] = office.post(
        f"commissions/{made.pk}/instalments/", instalments=[{"amount": "12500.00", "expected_on": "2026-04-01"}]
    )

    status, refused = office.post("receipts/", instalment=only["id"], amount="1.00", reference="CHQ-1", **PAID)

    assert (status, refused["code"]) == (409, "receipt_refused")
