"""Payouts and the client's money at the pages, as a manager's phone and an accountant's desk use them."""

from __future__ import annotations

import re
from datetime import date

import pytest

from commissions import services
from commissions.models import Instalment, LineState, PayoutBatch, PayoutStatus, Receipt
from core.models import AuditEntry
from core.tenancy import organization_scope
from tests.commissions.doors import Door
from tests.commissions.factories import AT, approved, closed_deal, sales_profile
from tests.commissions.test_payouts import IBAN, OTHER_IBAN, TODAY, account, payout, with_bank


@pytest.fixture
def open_scope(organization):
    """Requests close the scope they opened; tests look at rows afterwards."""
    with organization_scope(organization.pk):
        yield


def test_a_payout_from_the_empty_page_to_the_banks_answer(
    admin, manager, second_manager, agent, other_agent, open_scope, django_assert_max_num_queries
):
    """Made by one manager, approved by another, taken to the bank by the admin; one line is paid, one comes back."""
    omar = with_bank(manager, admin, sales_profile(agent))
    huda = with_bank(manager, admin, sales_profile(other_agent), OTHER_IBAN, swift="")
    approved(manager, second_manager, closed_deal(omar))
    approved(manager, second_manager, closed_deal(huda, 300_000_00))
    account(admin)
    maker, approver, cashier = Door(manager), Door(second_manager), Door(admin)
    assert "No payout yet" in maker.text("commission-payouts")
    assert "Say on which day" in _after(maker, maker.post("commission-payouts", currency="AED", pay_on="soon"))
    assert "a day that is over" in _after(maker, maker.post("commission-payouts", currency="AED", pay_on="2026-03-01"))

    answer = maker.post("commission-payouts", currency="AED", pay_on="2099-03-10")
    batch = PayoutBatch.objects.get()
    assert answer["Location"].endswith(f"/payouts/{batch.pk}/")
    with django_assert_max_num_queries(20):
        shown = maker.text("commission-payout", batch.pk)
    assert "You made this payout; somebody else must approve it." in shown
    assert "AED 20,000.00" in shown
    assert f"•••• {IBAN[-4:]}" in shown
    assert IBAN not in shown
    assert "AED 20,000.00" in maker.text("commission-payouts", q=omar.name)
    assert "No payout fits" in maker.text("commission-payouts", status="settled")

    approver.post("commission-payout-approval", batch.pk)
    assert Door(agent).get("commission-payout", batch.pk).status_code == 403
    assert approver.post("commission-payout-bank-file", batch.pk, format="xml").status_code == 403
    file = cashier.post("commission-payout-bank-file", batch.pk, format="xml")
    assert (file["Content-Type"], IBAN.encode() in file.content) == ("application/xml", True)
    assert "xml (ISO 20022) or csv" in _after(
        cashier, cashier.post("commission-payout-bank-file", batch.pk, format="doc")
    )
    assert AuditEntry.objects.filter(action="commissions.payout_file_taken").count() == 1

    first, second = batch.lines.order_by("position")
    assert "Tick the lines" in _after(maker, maker.post("commission-payout-answers", batch.pk, act="paid"))
    fields = {"act": "paid", "paid_on": "2026-03-10"}
    assert "1 noted as paid." in _after(
        maker, maker.post("commission-payout-answers", batch.pk, line=[first.pk], **fields)
    )
    without_reason = maker.post("commission-payout-answers", batch.pk, line=[second.pk], act="returned")
    assert f"{second.reference}: Say why" in _after(maker, without_reason)
    maker.post("commission-payout-answers", batch.pk, line=[second.pk], act="returned", reason="No such account")
    assert [line.state for line in batch.lines.order_by("position")] == [LineState.PAID, LineState.RETURNED]
    shown = maker.text("commission-payout", batch.pk)
    assert "Settled" in shown
    assert "No such account" in shown
    assert "The bank has answered" not in _after(approver, approver.post("commission-payout-cancellation", batch.pk))


def test_a_payout_is_cancelled_with_a_reason_and_by_nobody_of_another_house(
    admin, manager, second_manager, agent, outsider, open_scope
):
    approved(manager, second_manager, closed_deal(with_bank(manager, admin, sales_profile(agent))))
    batch = payout(manager).batch
    assert batch.pay_on == TODAY

    assert Door(outsider).get("commission-payout", batch.pk).status_code == 404
    assert Door(outsider).post("commission-payout-cancellation", batch.pk, reason="mine").status_code == 404
    assert Door(manager).get("commission-payout", 10**9).status_code == 404
    office = Door(manager)
    assert "Say why" in _after(office, office.post("commission-payout-cancellation", batch.pk))
    office.post("commission-payout-cancellation", batch.pk, reason="Wrong month")
    assert PayoutBatch.objects.get().status == PayoutStatus.CANCELLED
    export = Door(manager).post("commission-payouts-file", asked="status=cancelled", format="csv")
    assert f"{batch.pk}," in b"".join(export.streaming_content).decode()


def test_instalments_are_said_received_bounced_and_agreed_anew(manager, second_manager, agent, open_scope):
    """12,500.00: typed wrong first, and nothing that was typed is lost."""
    made = approved(manager, second_manager, closed_deal(sales_profile(agent)))
    office, page = Door(manager), ("commission-instalments", made.pk)
    assert "The client owes AED 12,500.00" in office.text(*page)
    assert office.text(*page).count('name="day"') == 4

    more = office.post(*page, amount=["1", "2", "3", "4"], day=["2026-04-01"] * 4, more="yes").content.decode()
    assert more.count('name="day"') == 8
    wrong = office.post(*page, amount=["6250.00", "6000.00"], day=["2026-04-01", "2026-05-01"])
    assert (wrong.status_code, b'value="6000.00"' in wrong.content) == (422, True)
    assert "these sum to AED 12,250.00" in wrong.content.decode()
    no_day = office.post(*page, amount=["6250.00", "6250.00"], day=["2026-04-01", ""])
    assert "Row 2: say on which day it is expected." in no_day.content.decode()
    office.post(*page, amount=["6250.00", "6250.00", ""], day=["2026-04-01", "2026-05-01", ""])
    first, second = Instalment.objects.order_by("position")
    shown = Door(agent).text("commission", made.pk)
    assert "Not payable yet" in shown
    assert 'name="instalment"' not in shown

    came = {"method": "cheque", "received_on": "2026-03-09", "reference": "CHQ-1", "instalment": first.pk}
    assert "at most what is left" in _after(
        office, office.post("commission-receipt", made.pk, amount="6250.01", **came)
    )
    assert "by bank, cheque or in cash" in _after(
        office, office.post("commission-receipt", made.pk, amount="1.00", **came | {"method": "gold"})
    )
    assert "The receipt is noted." in _after(
        office, office.post("commission-receipt", made.pk, amount="6250.00", **came)
    )
    assert "Not payable yet" not in Door(agent).text("commission", made.pk)
    [receipt] = Receipt.objects.all()
    office.post("commission-receipt-bounced", made.pk, receipt=receipt.pk, reason="No cover")
    assert "CHQ-1: No cover" in Door(agent).text("commission", made.pk)

    without = office.post(*page, amount=["12500.00"], day=["2026-06-01"])
    assert (without.status_code, "Say why" in without.content.decode()) == (422, True)
    office.post(*page, amount=["12500.00"], day=["2026-06-01"], reason="He asked for time")
    assert [one.amount_minor for one in Instalment.objects.order_by("position")] == [12_500_00, 0]
    assert "He asked for time" in Door(agent).text("commission", made.pk)
    assert Door(agent).get(*page).status_code == 403
    assert second.pk


def test_a_share_is_held_back_and_let_go_by_a_manager(manager, second_manager, agent, open_scope):
    made = approved(manager, second_manager, closed_deal(sales_profile(agent)))
    office, place = Door(manager), ("commission-hold-back", made.pk)
    for percent in ("0", "100.01", "ten", "0.001", "NaN", "Infinity", ""):
        assert "above 0 and at most 100 %" in _after(office, office.post(*place, percent=percent, reason="keys")), (
            percent
        )

    assert "Say the day." in _after(office, office.post(*place, percent="10", reason="keys", until_on="31.02."))
    office.post(*place, percent="12.5", reason="Until the keys", until_on="")

    assert "12.5 % of each part is held back." in Door(agent).text("commission", made.pk)
    assert 'name="percent"' not in office.text("commission", made.pk)
    assert Door(agent).post("commission-release", made.pk, reason="mine").status_code == 403
    Door(second_manager).post("commission-release", made.pk, reason="Handed over")
    assert "of each part is held back" not in Door(agent).text("commission", made.pk)


def test_whoever_is_paid_by_a_commission_is_offered_nothing_about_its_money(admin, manager, second_manager, open_scope):
    """A manager who also sells: the page does not offer what the services refuse, and they do refuse."""
    made = approved(second_manager, admin, closed_deal(sales_profile(manager)))
    services.schedule_instalments(
        actor=second_manager, commission=made, instalments=[("12500.00", date(2026, 4, 1))], at=AT
    )
    his = Door(manager)

    shown = his.text("commission", made.pk)

    assert not re.findall(r'name="(instalment|percent|receipt)"', shown)
    fields = {"instalment": Instalment.objects.get().pk, "amount": "1.00", "method": "cash", "reference": "C-1"}
    refused = _after(his, his.post("commission-receipt", made.pk, received_on="2026-03-09", **fields))
    assert "somebody else must note what the client paid" in refused


def _after(door: Door, answer) -> str:
    """The page that somebody is led to, with what it says."""
    return (
        door.client.get(answer["Location"]).content.decode() if answer.status_code == 302 else answer.content.decode()
    )
