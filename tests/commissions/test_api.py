"""Commissions, payments and the books as an integration sees them."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from commissions.models import Approval, Commission, CommissionPayment
from core.actors import Actor
from core.services import issue_token
from core.tenancy import organization_scope
from ledger.models import Account, Entry, Transfer
from tests.commissions.factories import approved, closed_deal, commission, parts, pay, plan, sales_profile


class Api:
    """The API of Palm Brokers, as one member."""

    def __init__(self, actor: Actor) -> None:
        self.actor = actor
        self.headers = {"Authorization": f"Bearer {issue_token(actor=actor, name='test', at=timezone.now())[1]}"}

    def get(self, path: str, **query: Any) -> Any:
        return self._answer(Client().get(f"/api/v1/palm/{path}", query, headers=self.headers))

    def post(self, path: str, **body: Any) -> Any:
        return self._answer(
            Client().post(f"/api/v1/palm/{path}", body, content_type="application/json", headers=self.headers)
        )

    def _answer(self, answer: Any) -> tuple[int, Any]:
        return answer.status_code, answer.json()


@pytest.fixture(autouse=True)
def keep_scope(organization):
    """Requests close the scope they opened; tests look at rows afterwards."""
    with organization_scope(organization.pk):
        yield


def test_a_commission_from_making_to_the_last_payment(manager: Actor, second_manager: Actor, agent: Actor) -> None:
    omar = sales_profile(agent)
    deal = closed_deal(omar)
    maker, approver = Api(manager), Api(second_manager)

    status, made = maker.post("commissions/", deal=deal.pk)
    assert (status, made["amount"], made["status"]) == (201, "12500.00", "pending")
    assert maker.post(f"commissions/{made['id']}/approval/")[1]["code"] == "commission_self_approval"
    assert approver.post(f"commissions/{made['id']}/approval/")[0] == 201
    split = made["splits"][0]["id"]
    fields = {"split": split, "currency": "AED", "method": "bank_transfer", "paid_on": "2026-03-09"}
    status, paid = maker.post("commission-payments/", **fields, amount="5000.00", reference="T-1")
    assert (status, paid["amount"], paid["reversal"]) == (201, "5000.00", None)
    status, refused = maker.post("commission-payments/", **fields, amount="7500.01", reference="T-2")
    assert (status, refused["code"], refused["details"]) == (409, "payment_exceeds_due", {"due": "7500.00"})
    assert maker.post("commission-payments/", **fields, amount="7500.00", reference="T-2")[0] == 201

    status, shown = maker.get(f"commissions/{made['id']}/")
    assert (shown["status"], shown["splits"][0]["paid"], shown["splits"][0]["due"]) == ("paid", "12500.00", "0.00")
    status, reversed_ = maker.post(f"commission-payments/{paid['id']}/reversal/", reason="bounced")
    assert (status, reversed_["reversal"]["reason"]) == (201, "bounced")
    assert [one["reference"] for one in maker.get("commission-payments/", is_reversed="true")[1]["results"]] == ["T-1"]
    assert [one["reference"] for one in maker.get("commission-payments/", is_reversed="false")[1]["results"]] == ["T-2"]
    assert maker.get(f"commissions/{made['id']}/")[1]["status"] == "part_paid"
    assert len(maker.get(f"commissions/{made['id']}/payments/")[1]) == 2


@pytest.mark.parametrize("price", ["0", "-1", "0.00", "-500000.00"])
def test_a_price_of_nothing_or_less_is_refused_with_a_sentence(manager: Actor, agent: Actor, price: str) -> None:
    deal = closed_deal(sales_profile(agent))

    status, refused = Api(manager).post("commissions/", deal=deal.pk, price=price)

    assert (status, refused["code"]) == (422, "price_not_positive")
    assert refused["detail"].startswith("The price must be above zero")
    assert not Commission.objects.exists()


def test_two_agents_and_a_referral_by_the_api(manager: Actor, agent: Actor, other_agent: Actor) -> None:
    omar, huda = sales_profile(agent), sales_profile(other_agent)
    deal = closed_deal(omar)
    splits = [
        {"role": "referrer", "kind": "fixed", "amount": "500.00", "agent": huda.pk},
        {"role": "agent", "kind": "rest", "basis_points": 6000, "agent": omar.pk},
        {"role": "house", "kind": "rest", "basis_points": 4000},
    ]

    status, made = Api(manager).post("commissions/", deal=deal.pk, splits=splits)

    assert status == 201
    assert [(one["role"], one["amount"]) for one in made["splits"]] == [
        ("referrer", "500.00"),
        ("agent", "7200.00"),
        ("house", "4800.00"),
    ]
    assert Api(agent).get(f"commissions/{made['id']}/")[1]["splits"] == [
        {**made["splits"][1], "agent_name": "Omar"}
    ]  # his own part only


@pytest.mark.parametrize(
    "splits",
    [
        [{"role": "agent", "basis_points": 10_000}],
        [{"role": "agent", "basis_points": 10_000, "agent": 999_999}],
        [{"role": "house", "basis_points": 10_000, "agent": 1}],
        [{"role": "referrer", "basis_points": 10_000, "contact": 999_999}],
        [{"role": "agent", "basis_points": 10_000, "contact": 1}],
        [{"role": "house", "basis_points": 9_999}],
        [],
    ],
)
def test_splits_that_name_nobody_or_do_not_sum_are_refused(manager: Actor, agent: Actor, splits) -> None:
    deal = closed_deal(sales_profile(agent))

    status, refused = Api(manager).post("commissions/", deal=deal.pk, splits=splits)

    assert (status, refused["code"]) == (422, "commission_split_invalid")
    assert not Commission.objects.exists()


def test_a_plan_and_its_next_version(manager: Actor, agent: Actor) -> None:
    api = Api(manager)
    terms = {
        "rate_kind": "slabs",
        "slabs": [{"start": "0", "basis_points": 200}, {"start": "1000000.00", "basis_points": 300}],
        "currency": "AED",
        "cap": "50000.00",
        "vat_mode": "on_top",
        "vat_basis_points": 500,
        "splits": [{"role": "agent", "basis_points": 6000}, {"role": "house", "basis_points": 4000}],
    }

    status, made = api.post("commission-plans/", name="Slabs", is_default=True, **terms)
    assert (status, made["is_default"], made["versions"][0]["cap"]) == (201, True, "50000.00")
    status, version = api.post(f"commission-plans/{made['id']}/versions/", **terms | {"cap": "60000.00"})
    assert (status, version["number"], version["cap"]) == (201, 2, "60000.00")
    assert [one["number"] for one in api.get(f"commission-plans/{made['id']}/")[1]["versions"]] == [2, 1]
    assert api.post("commission-plans/", name="Slabs", **terms)[1]["code"] == "commission_plan_name_taken"
    assert api.post("commission-plans/", name="Wrong", **terms | {"splits": []})[0] == 422
    _, simple = api.post("commission-plans/", name="Simple", rate_basis_points=200, splits=terms["splits"])
    assert simple["versions"][0]["fixed"] is None
    assert api.post(f"commission-plans/{simple['id']}/default/")[1]["is_default"] is True
    assert [one["name"] for one in api.get("commission-plans/", is_default="true")[1]["results"]] == ["Simple"]
    assert Api(agent).get("commission-plans/")[1]["results"] == []


def test_a_dispute_holds_payment_until_it_is_resolved(manager: Actor, second_manager: Actor, agent: Actor) -> None:
    made = approved(manager, second_manager, closed_deal(sales_profile(agent)))
    api = Api(manager)

    assert Api(agent).post(f"commissions/{made.pk}/dispute/", reason="It was 3 %.")[0] == 201
    split = parts(made)[0].pk
    body = {
        "split": split,
        "currency": "AED",
        "method": "cash",
        "paid_on": "2026-03-09",
        "amount": "1",
        "reference": "x",
    }
    status, refused = api.post("commission-payments/", **body)
    assert (status, refused["code"]) == (409, "commission_not_payable")
    assert api.post(f"commissions/{made.pk}/dispute/resolution/", resolution="It was 2.5 %.")[0] == 201
    assert api.post(f"commissions/{made.pk}/dispute/resolution/", resolution="Again")[1]["code"] == "dispute_closed"
    assert api.get(f"commissions/{made.pk}/")[1]["status"] == "approved"
    assert api.post(f"commissions/{made.pk}/cancellation/", reason="The sale fell through")[0] == 201
    assert api.get(f"commissions/{made.pk}/")[1]["status"] == "cancelled"


def test_agents_see_their_own_and_supervisors_their_reports(
    manager: Actor, agent: Actor, other_agent: Actor, supervisor: Actor
) -> None:
    own = commission(manager, closed_deal(sales_profile(agent)))
    others = commission(manager, closed_deal(sales_profile(other_agent)))

    def seen(actor: Actor) -> list[int]:
        return [row["id"] for row in Api(actor).get("commissions/")[1]["results"]]

    assert (seen(agent), seen(supervisor)) == ([own.pk], [own.pk])
    assert seen(manager) == [others.pk, own.pk]
    assert Api(agent).get(f"commissions/{others.pk}/")[0] == 404
    assert Api(agent).post(f"commissions/{others.pk}/dispute/", reason="mine?")[0] == 404
    assert Api(agent).post(f"commissions/{own.pk}/approval/")[1]["code"] == "capability_missing"
    assert Api(agent).get("ledger/accounts/")[0] == 403
    assert not Approval.objects.exists()


def test_the_books(manager: Actor, second_manager: Actor, agent: Actor) -> None:
    omar = sales_profile(agent)
    made = approved(manager, second_manager, closed_deal(omar))
    pay(manager, parts(made)[0], "5000.00", "T-1")
    api = Api(manager)

    payable = api.get("ledger/accounts/", owner=f"agent:{omar.pk}")[1]["results"][0]
    assert (payable["balance"], payable["normal_side"], payable["lowest"]) == ("7500.00", "Credit", "0.00")
    status, found = api.get(f"ledger/accounts/{payable['id']}/statement/", since="2026-03-09", until="2026-03-09")
    assert (status, found["opening"], found["closing"]) == (200, "0.00", "-5000.00")  # paid_on precedes the approval
    assert [(line["reference"], line["amount"]) for line in found["lines"]] == [("payment:T-1", "-5000.00")]
    status, trial = api.get("ledger/trial-balance/")
    assert trial["totals"] == [{"currency": "AED", "debit": "25000.00", "credit": "25000.00"}]
    assert api.get("ledger/trial-balance/", as_of="2026-03-08")[1]["rows"] == []
    assert api.get("ledger/entries/")[1]["code"] == "entries_need_account_or_transfer"
    entries = api.get("ledger/entries/", account=payable["id"])[1]["results"]
    assert [(one["sequence"], one["amount"], one["balance_after"]) for one in entries] == [
        (2, "5000.00", "-7500.00"),
        (1, "-12500.00", "-12500.00"),
    ]
    transfer = api.get("ledger/transfers/", reference="payment:T-1")[1]["results"][0]
    assert len(api.get("ledger/entries/", transfer=transfer["id"])[1]["results"]) == 2


@pytest.mark.parametrize("verb", ["post", "put", "patch", "delete"])
@pytest.mark.parametrize("path", ["ledger/accounts/1/", "ledger/transfers/1/", "ledger/entries/", "commissions/1/"])
def test_no_verb_edits_or_deletes(admin: Actor, verb: str, path: str) -> None:
    headers = Api(admin).headers

    answer = getattr(Client(), verb)(f"/api/v1/palm/{path}", {}, content_type="application/json", headers=headers)

    assert answer.status_code == 405


def test_lists_cost_the_same_however_long(
    manager: Actor, second_manager: Actor, agent: Actor, django_assert_num_queries
) -> None:
    omar = sales_profile(agent)
    version = plan(manager)
    for number in range(6):
        made = approved(manager, second_manager, closed_deal(omar), plan_version=version)
        pay(manager, parts(made)[0], "1.00", f"T-{number}")
    api = Api(manager)
    api.get("commissions/")  # notes the token's last use

    # scope twice, organisation, token with its member, page, parts with agent and contact
    with django_assert_num_queries(6):
        assert len(api.get("commissions/")[1]["results"]) == 6
    with django_assert_num_queries(6):
        assert len(api.get("commission-payments/")[1]["results"]) == 6
    with django_assert_num_queries(5):
        assert len(api.get("ledger/transfers/")[1]["results"]) == 12
    with django_assert_num_queries(5):
        assert len(api.get("ledger/accounts/")[1]["results"]) == 10
    assert (Account.objects.count(), Transfer.objects.count(), Entry.objects.count()) == (10, 12, 36)
    assert CommissionPayment.objects.count() == 6


def test_a_lease_a_talk_an_adjustment_and_a_claw_back(manager: Actor, second_manager: Actor, agent: Actor) -> None:
    omar = sales_profile(agent)
    deal = closed_deal(omar, 120_000_00, kind="lease")
    maker, approver, own = Api(manager), Api(second_manager), Api(agent)

    status, made = maker.post("commissions/", deal=deal.pk, side="landlord")
    assert (status, made["side"], made["amount"]) == (201, "landlord", "6000.00")
    assert maker.post("commissions/", deal=deal.pk, side="sale")[0] == 422
    path = f"commissions/{made['id']}"
    assert approver.post(f"{path}/approval/")[0] == 201

    assert own.post(f"{path}/dispute/messages/", text="Hello?")[1]["code"] == "dispute_closed"
    own.post(f"{path}/dispute/", reason="It was 6 %.")
    assert own.post(f"{path}/dispute/messages/", text="Hello?")[0] == 201
    assert [message["text"] for message in approver.get(f"{path}/dispute/messages/")[1]] == ["Hello?"]
    approver.post(f"{path}/dispute/resolution/", resolution="No.")

    status, more = maker.post(f"{path}/adjustment/", agent=omar.pk, amount="100.00", reason="As promised")
    assert (status, more["side"], more["status"], more["amount"]) == (201, "adjustment", "pending", "100.00")
    assert own.post(f"{path}/adjustment/", agent=omar.pk, amount="1", reason="x")[1]["code"] == "capability_missing"

    body = {"currency": "AED", "method": "cash", "paid_on": "2026-03-09", "amount": "1", "reference": "x"}
    maker.post("commission-payments/", split=made["splits"][0]["id"], **body)
    refused = approver.post(f"{path}/cancellation/", reason="Moved out")
    assert (refused[0], refused[1]["code"]) == (409, "commission_paid_in_part")
    assert approver.post(f"{path}/cancellation/", reason="Moved out", claw_back=True)[0] == 201
    assert Account.objects.get(code=f"clawback:agent:{omar.pk}:AED").natural_minor == 1_00
