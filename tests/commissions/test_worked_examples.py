"""Pages that an accountant would write: her numbers, her titles."""

from __future__ import annotations

from datetime import date

import pytest

from commissions import rating, services, splitting
from commissions.errors import PlanInvalid, SplitInvalid
from commissions.models import Method, RateKind, SplitRole, Status, VatMode
from commissions.splitting import Share, ShareKind
from core.actors import Actor
from ledger.selectors import trial_balance
from tests.commissions.factories import (
    AT,
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


def books(actor: Actor) -> dict[str, tuple[int, int]]:
    """code -> (debit, credit), as the trial balance shows it; its totals are equal."""
    found = trial_balance(actor=actor)
    for total in found.totals:
        assert total.debit_minor == total.credit_minor
    return {row.account.code: (row.debit_minor, row.credit_minor) for row in found.rows}


def test_the_default_plan_pays_two_and_a_half_percent(manager: Actor, second_manager: Actor, agent: Actor) -> None:
    """500,000.00 at 2.5 % = 12,500.00, all of it the agent's."""
    omar = sales_profile(agent)
    deal = closed_deal(omar, 500_000_00)

    made = approved(manager, second_manager, deal)

    assert (made.amount_minor, made.vat_minor, made.status) == (12_500_00, 0, Status.APPROVED)
    assert made.explanation == "2.5 % of AED 500,000.00"
    assert [(part.role, part.agent_id, part.amount_minor) for part in parts(made)] == [("agent", omar.pk, 12_500_00)]
    assert books(manager) == {
        f"receivable:deal:{deal.pk}:AED": (12_500_00, 0),
        "commission_revenue:AED": (0, 12_500_00),
        "commission_expense:AED": (12_500_00, 0),
        f"payable:agent:{omar.pk}:AED": (0, 12_500_00),
    }


def test_two_agents_a_referral_and_three_instalments_of_which_one_bounces(
    manager: Actor, second_manager: Actor, agent: Actor, other_agent: Actor
) -> None:
    """2 % of 1,234,567.89 = 24,691.36. Referral 10 % = 2,469.14; the remaining 22,222.22 is split 60/40 =
    13,333.33 and 8,888.89. The first agent is paid 5,000 + 5,000 + 3,333.33; the second cheque bounces."""
    omar, huda, layla = sales_profile(agent), sales_profile(other_agent), referrer(manager)
    deal = closed_deal(omar, 1_234_567_89)
    made = approved(
        manager,
        second_manager,
        deal,
        plan_version=plan(manager, rate_basis_points=200),
        shares=[
            share(ShareKind.PERCENT, 1000, SplitRole.REFERRER, contact_id=layla.pk),
            share(ShareKind.REST, 6000, agent_id=omar.pk),
            share(ShareKind.REST, 4000, agent_id=huda.pk),
        ],
    )
    assert made.amount_minor == 24_691_36
    assert [(part.amount_minor, part.explanation) for part in parts(made)] == [
        (2_469_14, "10 % of AED 24,691.36"),
        (13_333_33, "60 % of the remaining AED 22,222.22"),
        (8_888_89, "40 % of the remaining AED 22,222.22"),
    ]
    of_omar = parts(made)[1]

    pay(manager, of_omar, "5000.00", "CHQ-1", method=Method.CHEQUE)
    second = pay(manager, of_omar, "5000.00", "CHQ-2", method=Method.CHEQUE)
    pay(manager, of_omar, "3333.33", "CHQ-3", method=Method.CHEQUE)
    made.refresh_from_db()
    assert (parts(made)[1].due_minor, made.status) == (0, Status.PART_PAID)  # the others are still due

    services.reverse_payment(actor=manager, payment=second, reason="Cheque bounced", at=AT)
    made.refresh_from_db()
    assert (parts(made)[1].due_minor, made.status) == (5_000_00, Status.PART_PAID)
    assert books(manager) == {
        f"receivable:deal:{deal.pk}:AED": (24_691_36, 0),
        "commission_revenue:AED": (0, 24_691_36),
        "commission_expense:AED": (24_691_36, 0),
        f"payable:contact:{layla.pk}:AED": (0, 2_469_14),
        f"payable:agent:{omar.pk}:AED": (0, 5_000_00),
        f"payable:agent:{huda.pk}:AED": (0, 8_888_89),
        "cheques_outstanding:AED": (0, 8_333_33),
    }

    pay(manager, of_omar, "5000.00", "TRF-4")
    pay(manager, parts(made)[0], "2469.14", "TRF-5")
    pay(manager, parts(made)[2], "8888.89", "CASH-6", method=Method.CASH)
    made.refresh_from_db()
    assert made.status == Status.PAID
    assert books(manager) == {
        f"receivable:deal:{deal.pk}:AED": (24_691_36, 0),
        "commission_revenue:AED": (0, 24_691_36),
        "commission_expense:AED": (24_691_36, 0),
        "cheques_outstanding:AED": (0, 8_333_33),
        "bank:AED": (0, 7_469_14),
        "cash:AED": (0, 8_888_89),
    }


@pytest.mark.parametrize(
    ("mode", "net", "vat"),
    [(VatMode.ON_TOP, 12_500_00, 625_00), (VatMode.INCLUSIVE, 11_904_76, 595_24), (VatMode.NONE, 12_500_00, 0)],
)
def test_vat_of_five_percent_on_top_and_included(
    manager: Actor, second_manager: Actor, agent: Actor, mode: VatMode, net: int, vat: int
) -> None:
    """12,500.00 + 5 % = 13,125.00; or 12,500.00 of which 12,500 x 5/105 = 595.24. Agents share the net amount."""
    omar = sales_profile(agent)
    deal = closed_deal(omar, 500_000_00)
    version = plan(manager, vat_mode=mode, vat_basis_points=0 if mode is VatMode.NONE else 500)

    made = approved(manager, second_manager, deal, plan_version=version)

    assert (made.amount_minor, made.vat_minor) == (net, vat)
    found = books(manager)
    assert found[f"receivable:deal:{deal.pk}:AED"] == (net + vat, 0)
    assert found.get("vat_payable:AED", (0, 0)) == (0, vat)
    assert found[f"payable:agent:{omar.pk}:AED"] == (0, net)


def test_a_part_of_the_house_stays_in_the_house(manager: Actor, second_manager: Actor, agent: Actor) -> None:
    """60 % to the agent, 40 % to the house: 7,500.00 is owed, 5,000.00 is what revenue exceeds expense by."""
    omar = sales_profile(agent)
    shares = [share(ShareKind.PERCENT, 6000), share(ShareKind.PERCENT, 4000, SplitRole.HOUSE)]
    deal = closed_deal(omar)

    made = approved(manager, second_manager, deal, plan_version=plan(manager, shares=shares))

    assert [(part.role, part.amount_minor) for part in parts(made)] == [("agent", 7_500_00), ("house", 5_000_00)]
    assert books(manager) == {
        f"receivable:deal:{deal.pk}:AED": (12_500_00, 0),
        "commission_revenue:AED": (0, 12_500_00),
        "commission_expense:AED": (7_500_00, 0),
        f"payable:agent:{omar.pk}:AED": (0, 7_500_00),
    }
    pay(manager, parts(made)[0], "7,500.00", "T-1")
    made.refresh_from_db()
    assert made.status == Status.PAID


def test_a_supervisor_override_goes_to_the_supervisor_and_to_the_house_where_there_is_none(
    manager: Actor, agent: Actor, other_agent: Actor, supervisor: Actor
) -> None:
    omar, huda, salim = sales_profile(agent), sales_profile(other_agent), sales_profile(supervisor)
    shares = [share(ShareKind.PERCENT, 500, SplitRole.SUPERVISOR), share(ShareKind.REST, 10_000)]
    version = plan(manager, shares=shares)

    with_one = parts(commission(manager, closed_deal(omar), plan_version=version))
    without = parts(commission(manager, closed_deal(huda), plan_version=version))

    assert [(part.role, part.agent_id, part.amount_minor) for part in with_one] == [
        ("supervisor", salim.pk, 625_00),
        ("agent", omar.pk, 11_875_00),
    ]
    assert [(part.role, part.agent_id, part.amount_minor) for part in without] == [
        ("house", None, 625_00),
        ("agent", huda.pk, 11_875_00),
    ]


def test_a_third_of_one_fils() -> None:
    """0.01 in thirds: one of them gets the fils, nobody gets a fraction, nothing is lost."""
    thirds = [share(ShareKind.PERCENT, 3333), share(ShareKind.PERCENT, 3333), share(ShareKind.PERCENT, 3334)]

    assert [part.amount_minor for part in splitting.divide(1, "AED", thirds)] == [0, 0, 1]
    assert [part.amount_minor for part in splitting.divide(100, "AED", thirds)] == [33, 33, 34]
    assert [part.amount_minor for part in splitting.divide(10_000_00, "AED", thirds)] == [3333_00, 3333_00, 3334_00]


def test_slabs_rate_each_part_of_the_price_by_its_own() -> None:
    """2 % up to 1,000,000.00 and 3 % above: 1,500,000.00 earns 20,000 + 15,000. A fils over the edge changes no more
    than that fils."""
    terms = rating.Terms(
        rate_kind=RateKind.SLABS, slabs=[rating.Slab(0, 200), rating.Slab(1_000_000_00, 300)], currency="AED"
    )

    assert rating.rate(1_500_000_00, "AED", terms).amount_minor == 35_000_00
    assert rating.rate(1_000_000_00, "AED", terms).amount_minor == 20_000_00
    assert rating.rate(1_000_000_01, "AED", terms).amount_minor == 20_000_00


@pytest.mark.parametrize(
    ("price", "earned", "why"),
    [
        (100_000_00, 5_000_00, "2.5 % of AED 100,000.00, raised to the minimum"),
        (2_000_000_00, 40_000_00, "2.5 % of AED 2,000,000.00, cut to the cap"),
        (500_000_00, 12_500_00, "2.5 % of AED 500,000.00"),
    ],
)
def test_a_minimum_and_a_cap(price: int, earned: int, why: str) -> None:
    terms = rating.Terms(minimum_minor=5_000_00, cap_minor=40_000_00, currency="AED")

    rated = rating.rate(price, "AED", terms)

    assert (rated.amount_minor, rated.explanation) == (earned, why)


def test_an_agent_with_a_rate_of_his_own(manager: Actor, agent: Actor) -> None:
    """The agent's 3 % takes the place of the plan's 2.5 %."""
    omar = sales_profile(agent, commission_basis_points=300)

    made = commission(manager, closed_deal(omar, 500_000_00))

    assert (made.amount_minor, made.explanation) == (15_000_00, "3 % (the agent's rate) of AED 500,000.00")


def test_a_plan_edited_midway_keeps_old_commissions_as_they_were(
    manager: Actor, second_manager: Actor, agent: Actor
) -> None:
    omar = sales_profile(agent)
    first = services.create_plan(
        actor=manager, name="House", terms=rating.Terms(), shares=splitting.ALL_TO_THE_AGENT, at=AT, is_default=True
    )
    old = approved(manager, second_manager, closed_deal(omar))

    second = services.new_plan_version(
        actor=manager,
        plan=first.plan,
        terms=rating.Terms(rate_basis_points=300),
        shares=splitting.ALL_TO_THE_AGENT,
        at=AT,
    )
    new = commission(manager, closed_deal(omar))

    old.refresh_from_db()
    assert (old.plan_version, old.amount_minor) == (first, 12_500_00)
    assert (new.plan_version, new.amount_minor) == (second, 15_000_00)
    assert (first.number, second.number) == (1, 2)


def test_a_currency_of_three_decimals(manager: Actor, second_manager: Actor, agent: Actor) -> None:
    """2.5 % of KWD 100,000.005 = KWD 2,500.000 (2,500.000125 rounded)."""
    omar = sales_profile(agent)

    made = approved(manager, second_manager, closed_deal(omar, 100_000_005, "KWD"))
    pay(manager, parts(made)[0], "2500.000", "K-1", currency="KWD", paid_on=date(2026, 3, 10))

    made.refresh_from_db()
    assert (made.amount_minor, made.status) == (2_500_000, Status.PAID)


@pytest.mark.parametrize(
    "shares",
    [
        [],
        [Share(SplitRole.AGENT, ShareKind.PERCENT, 9999)],
        [Share(SplitRole.AGENT, ShareKind.PERCENT, 6000), Share(SplitRole.HOUSE, ShareKind.PERCENT, 5000)],
        [Share(SplitRole.AGENT, ShareKind.PERCENT, 10_000), Share(SplitRole.HOUSE, ShareKind.REST, 10_000)],
        [Share(SplitRole.AGENT, ShareKind.REST, 5000), Share(SplitRole.HOUSE, ShareKind.REST, 4000)],
        [Share(SplitRole.AGENT, ShareKind.FIXED, fixed_minor=0), Share(SplitRole.HOUSE, ShareKind.REST, 10_000)],
        [Share(SplitRole.AGENT, ShareKind.FIXED, fixed_minor=101), Share(SplitRole.HOUSE, ShareKind.REST, 10_000)],
        [Share(SplitRole.AGENT, ShareKind.PERCENT, 0), Share(SplitRole.HOUSE, ShareKind.REST, 10_000)],
    ],
)
def test_shares_that_do_not_make_a_whole_are_refused(shares: list[Share]) -> None:
    with pytest.raises(SplitInvalid):
        splitting.divide(100, "AED", shares)


@pytest.mark.parametrize(
    "terms",
    [
        rating.Terms(rate_basis_points=0),
        rating.Terms(rate_basis_points=10_001),
        rating.Terms(rate_kind=RateKind.FIXED, currency="AED"),
        rating.Terms(rate_kind=RateKind.SLABS, currency="AED"),
        rating.Terms(rate_kind=RateKind.SLABS, slabs=[rating.Slab(5, 100)], currency="AED"),
        rating.Terms(rate_kind=RateKind.SLABS, slabs=[rating.Slab(0, 100), rating.Slab(0, 200)], currency="AED"),
        rating.Terms(cap_minor=0, currency="AED"),
        rating.Terms(cap_minor=1, minimum_minor=2, currency="AED"),
        rating.Terms(vat_mode=VatMode.ON_TOP),
        rating.Terms(vat_basis_points=500),
    ],
)
def test_terms_that_make_no_sense_are_refused(terms: rating.Terms) -> None:
    with pytest.raises(PlanInvalid):
        rating.check(terms)
