"""Commissions and the books in the back office."""

from __future__ import annotations

import pytest

from commissions import services
from commissions.models import Commission, CommissionPayment, CommissionPlan, Dispute, PlanVersion, Status
from core.actors import Actor
from ledger.models import Account, Transfer
from tests.commissions.factories import AT, approved, closed_deal, commission, parts, pay, plan, sales_profile


def test_a_commission_is_approved_paid_and_a_cheque_taken_back(
    browse, manager: Actor, second_manager: Actor, agent: Actor
) -> None:
    made = commission(manager, closed_deal(sales_profile(agent)))
    page = f"commissions/commission/{made.pk}"

    refused = browse(manager).post(f"{page}/approve/")
    assert refused.status_code == 422
    assert "somebody else must approve it" in refused.content.decode()
    other = browse(second_manager)
    assert "AED 12,500.00" in other.get(f"{page}/approve/").content.decode()
    assert other.post(f"{page}/approve/").status_code == 302

    split = parts(made)[0]
    fields = {"split": str(split.pk), "method": "cheque", "paid_on": "2026-03-09", "reference": "CHQ-1"}
    too_much = other.post(f"{page}/pay/", **fields, amount="12,500.01")
    assert "Only AED 12,500.00 of this part is due." in too_much.content.decode()
    assert other.post(f"{page}/pay/", **fields, amount="12,500.00").status_code == 302
    made.refresh_from_db()
    assert made.status == Status.PAID
    payment = CommissionPayment.objects.get()
    assert other.post(f"commissions/commissionpayment/{payment.pk}/take-back/", reason="bounced").status_code == 302
    made.refresh_from_db()
    assert made.status == Status.APPROVED
    shown = other.get(f"{page}/change/").content.decode()
    assert "approved by Marwan" in shown
    assert "Record payment" in shown
    assert "Resolve dispute" not in shown


def test_a_dispute_and_a_cancellation(browse, manager: Actor, second_manager: Actor, agent: Actor) -> None:
    made = approved(manager, second_manager, closed_deal(sales_profile(agent)))
    other = browse(second_manager)
    page = f"commissions/commission/{made.pk}"

    assert other.get(f"{page}/resolve/").status_code == 404
    assert other.post(f"{page}/dispute/", reason="").status_code == 422
    assert not Dispute.objects.exists()
    assert other.post(f"{page}/dispute/", reason="Wrong rate").status_code == 302
    assert "Wrong rate" in other.get(f"{page}/resolve/").content.decode()
    assert other.post(f"{page}/resolve/", reason="It is right").status_code == 302
    assert other.post(f"{page}/cancel/", reason="Sale fell through").status_code == 302
    made.refresh_from_db()
    assert made.status == Status.CANCELLED
    assert {account.balance_minor for account in Account.objects.all()} == {0}


def test_selected_commissions_are_approved_and_each_refusal_is_shown(
    browse, manager: Actor, second_manager: Actor, agent: Actor, other_agent: Actor
) -> None:
    first = commission(manager, closed_deal(sales_profile(agent)))
    own = commission(second_manager, closed_deal(sales_profile(other_agent)))
    client = browse(second_manager).client

    answer = client.post(
        "/o/palm/admin/commissions/commission/",
        {"action": "approve_selected", "_selected_action": [str(first.pk), str(own.pk)]},
        follow=True,
    )

    text = answer.content.decode()
    assert "1 approved." in text
    assert "You made this commission" in text


@pytest.mark.parametrize(
    "path",
    [
        "commissions/commission/add/",
        "commissions/commissionpayment/add/",
        "commissions/commissionplan/add/",
        "ledger/account/add/",
        "ledger/transfer/add/",
        "ledger/entry/add/",
    ],
)
def test_nothing_is_added_by_hand(browse, admin: Actor, path: str) -> None:
    assert browse(admin).get(path).status_code == 403


def test_nothing_is_edited_or_deleted_by_hand(browse, admin: Actor, manager: Actor, second_manager, agent) -> None:
    made = approved(manager, second_manager, closed_deal(sales_profile(agent)))
    browser, before = browse(admin), list(Commission.objects.values())
    account, transfer = Account.objects.get(code="commission_revenue:AED"), Transfer.objects.get()

    for path in (f"commissions/commission/{made.pk}", f"ledger/account/{account.pk}", f"ledger/transfer/{transfer.pk}"):
        assert browser.post(f"{path}/change/", amount_minor="1", status="paid").status_code == 403
        assert browser.post(f"{path}/delete/", post="yes").status_code == 403
        assert browser.get(f"{path}/change/").status_code == 200
    assert list(Commission.objects.values()) == before


def test_plans_and_versions_are_made_in_words(browse, manager: Actor) -> None:
    browser = browse(manager)
    fields = {
        "rate_kind": "slabs",
        "rate": "",
        "currency": "aed",
        "slabs": "0: 2 %\n1,000,000: 3 %",
        "cap": "60000",
        "vat_mode": "on_top",
        "vat_rate": "5",
        "splits": "referrer 10 %\nagent 60 % of rest\nhouse 40 % of the rest",
    }

    wrong = browser.post(
        "commissions/commissionplan/new-plan/", **fields | {"splits": "agent lots"}, name="House", deal_kind="sale"
    )
    assert wrong.status_code == 422
    assert "is not a share" in wrong.content.decode()
    assert not CommissionPlan.objects.exists()
    made = browser.post(
        "commissions/commissionplan/new-plan/", **fields, name="House", deal_kind="sale", is_default="on"
    )
    assert made.status_code == 302
    version = PlanVersion.objects.select_related("plan").get()
    assert version.plan.is_default
    assert version.slabs == [{"from_minor": 0, "basis_points": 200}, {"from_minor": 100000000, "basis_points": 300}]
    assert [one["basis_points"] for one in version.splits] == [1000, 6000, 4000]
    page = f"commissions/commissionplan/{version.plan_id}"
    simple = {"rate_kind": "percentage", "rate": "2", "currency": "AED", "vat_mode": "none", "splits": "agent 100 %"}
    assert browser.post(f"{page}/new-version/", **simple).status_code == 302
    assert PlanVersion.objects.get(number=2).currency == ""
    shown = browser.get(f"{page}/change/").content.decode()
    assert "2 % from AED 0.00, 3 % from AED 1,000,000.00, at most AED 60,000.00" in shown
    assert "Referrer 10 %, Agent 60 % of the rest, House 40 % of the rest" in shown


def test_the_statement_and_the_trial_balance(browse, manager: Actor, second_manager: Actor, agent: Actor) -> None:
    omar = sales_profile(agent)
    made = approved(manager, second_manager, closed_deal(omar))
    pay(manager, parts(made)[0], "5000.00", "T-1")
    browser = browse(manager)

    payable = Account.objects.get(owner=f"agent:{omar.pk}")
    text = browser.get(f"ledger/account/{payable.pk}/statement/?until=2026-03-09").content.decode()
    assert "AED -5,000.00" in text
    assert "payment:T-1" in text
    text = browser.get("ledger/account/trial-balance/").content.decode()
    assert "AED 25,000.00" in text
    assert "DOES NOT BALANCE" not in text


def test_a_viewer_reads_and_an_agent_stays_outside(browse, organization, manager: Actor, second_manager, agent) -> None:
    from core.roles import Role
    from tests.conftest import member

    made = approved(manager, second_manager, closed_deal(sales_profile(agent)))
    viewer = browse(Actor(organization, member(organization, Role.VIEWER, "Vera")))

    shown = viewer.get(f"commissions/commission/{made.pk}/change/").content.decode()
    assert "Record payment" not in shown
    assert viewer.post(f"commissions/commission/{made.pk}/cancel/", reason="mine").status_code == 422
    assert viewer.get("commissions/commissionplan/new-plan/").status_code == 403
    assert browse(agent).get("commissions/commission/").status_code in {302, 403}
    made.refresh_from_db()
    assert made.status == Status.APPROVED


def test_lists_cost_the_same_however_long(
    browse, manager: Actor, second_manager: Actor, agent: Actor, django_assert_max_num_queries
) -> None:
    omar = sales_profile(agent)
    version = plan(manager)
    for number in range(6):
        made = approved(manager, second_manager, closed_deal(omar), plan_version=version)
        payment = pay(manager, parts(made)[0], "1.00", f"T-{number}")
        services.reverse_payment(actor=manager, payment=payment, reason="bounced", at=AT)
    browser = browse(manager)
    pages = ["commission", "commissionpayment", "commissionplan"]
    for path in [f"commissions/{page}/" for page in pages] + [
        f"ledger/{page}/" for page in ("account", "transfer", "entry")
    ]:
        with django_assert_max_num_queries(13):  # scope, session, user, organisation, member, count, page and its joins
            assert browser.get(path).status_code == 200
