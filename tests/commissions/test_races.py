"""The same payment and the same approval at the same instant, from threads and processes: exactly one wins."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connections

from commissions import services
from commissions.models import Approval, Commission, CommissionPayment, CommissionSplit
from core.actors import Actor
from core.errors import DomainError
from core.models import Membership, Organization
from core.roles import Role
from core.tenancy import organization_scope
from ledger import verification
from ledger.models import Account
from tests.commissions.factories import AT, approved, closed_deal, commission, parts, pay, plan, sales_profile
from tests.databases import url_of
from tests.live import house

pytestmark = pytest.mark.timeout(300)  # seconds, on a machine that others use too

THREADS, PROCESSES, ROUNDS = 8, 4, 50

WORKER = """
import sys
import django; django.setup()
from tests.commissions.test_races import race_in_process
race_in_process(sys.argv[1], int(sys.argv[2]))
"""


def outcome(work) -> str:
    """ "won", or the code of the refusal."""
    try:
        work()
    except DomainError as refusal:
        return refusal.code
    return "won"


def at_once(organization: Organization, work) -> Counter[str]:
    """What eight threads get that do `work(number)` at the same instant."""
    start = Barrier(THREADS)

    def one(number: int) -> str:
        try:
            with organization_scope(organization.pk):
                start.wait()
                return outcome(lambda: work(number))
        finally:
            connections.close_all()

    with ThreadPoolExecutor(THREADS) as pool:
        return Counter(pool.map(one, range(THREADS)))


@pytest.fixture
def people(committed: str):
    organization, members = house()
    with organization_scope(organization.pk):
        maker, approver = Actor(organization, members[Role.MANAGER]), Actor(organization, members[Role.ADMIN])
        yield maker, approver, sales_profile(Actor(organization, members[Role.AGENT]))


def test_one_approval_wins(people) -> None:
    maker, approver, omar = people
    version = plan(maker)
    for number in range(ROUNDS):
        made = commission(maker, closed_deal(omar), plan_version=version)

        found = at_once(
            maker.organization,
            lambda _: services.approve_commission(actor=approver, commission=made, at=AT),  # noqa: B023
        )

        assert found == {"won": 1, "commission_already_approved": THREADS - 1}
        assert Approval.objects.count() == number + 1
    assert Account.objects.get(owner=f"agent:{omar.pk}").natural_minor == ROUNDS * 12_500_00
    assert verification.verify(maker.organization).findings == ()


def test_what_is_due_is_paid_once(people) -> None:
    """Eight pay the whole with references of their own; then eight pay the same reference."""
    maker, approver, omar = people
    version = plan(maker)
    for number in range(ROUNDS):
        whole = parts(approved(maker, approver, closed_deal(omar), plan_version=version))[0]
        by_reference = parts(approved(maker, approver, closed_deal(omar), plan_version=version))[0]

        found = at_once(maker.organization, lambda n: pay(maker, whole, "12500.00", f"W-{number}-{n}"))  # noqa: B023
        again = at_once(maker.organization, lambda _: pay(maker, by_reference, "1.00", f"R-{number}"))  # noqa: B023

        assert found == {"won": 1, "commission_not_payable": THREADS - 1}
        assert again == {"won": 1, "payment_reference_taken": THREADS - 1}
    assert sum(CommissionPayment.objects.values_list("amount_minor", flat=True)) == ROUNDS * (12_500_00 + 1_00)
    assert sum(CommissionSplit.objects.values_list("paid_minor", flat=True)) == ROUNDS * (12_500_00 + 1_00)
    assert verification.verify(maker.organization).findings == ()


def test_one_reference_pays_one_of_many_commissions(people) -> None:
    maker, approver, omar = people
    version = plan(maker)
    for number in range(ROUNDS // 5):
        splits = [parts(approved(maker, approver, closed_deal(omar), plan_version=version))[0] for _ in range(THREADS)]

        found = at_once(maker.organization, lambda n: pay(maker, splits[n], "1.00", f"S-{number}"))  # noqa: B023

        assert found == {"won": 1, "payment_reference_taken": THREADS - 1}


def test_a_cheque_bounces_once(people) -> None:
    maker, approver, omar = people
    split = parts(approved(maker, approver, closed_deal(omar)))[0]
    for number in range(ROUNDS // 5):
        payment = pay(maker, split, "12500.00", f"CHQ-{number}")

        found = at_once(
            maker.organization,
            lambda _: services.reverse_payment(actor=maker, payment=payment, reason="bounced", at=AT),  # noqa: B023
        )

        assert found == {"won": 1, "payment_already_reversed": THREADS - 1}
        assert parts(split.commission)[0].paid_minor == 0


def race_in_process(name: str, rounds: int) -> None:
    """Pay 100.00 of the one commission again and again, and say how often that was accepted."""
    organization = Organization.objects.get(slug="palm")
    with organization_scope(organization.pk):
        maker = Actor(organization, Membership.objects.get(organization=organization, role="manager"))
        split = CommissionSplit.objects.get()
        won = Counter(outcome(lambda: pay(maker, split, "100.00", f"{name}-{n}")) for n in range(rounds))  # noqa: B023
    print(won["won"])  # noqa: T201


def test_processes_never_pay_more_than_is_due(people, committed: str) -> None:
    """Four processes pay 50 instalments of 100.00 each; 125 make the 12,500.00 that is due."""
    maker, approver, omar = people
    made = approved(maker, approver, closed_deal(omar))
    env = {
        **os.environ,
        "DATABASE_URL": url_of(committed),
        "DATABASE_OWNER_URL": url_of(committed, "owner"),
        "DJANGO_SETTINGS_MODULE": "config.settings",
    }
    running = [
        subprocess.Popen(
            [sys.executable, "-c", WORKER, f"p{n}", str(ROUNDS)], env=env, stdout=subprocess.PIPE, text=True
        )
        for n in range(PROCESSES)
    ]
    accepted = [int(process.communicate(timeout=110)[0].split()[-1]) for process in running]

    assert sum(accepted) == 125
    assert Commission.objects.get(pk=made.pk).status == "paid"
    assert parts(made)[0].paid_minor == 12_500_00
    assert Account.objects.get(owner=f"agent:{omar.pk}").natural_minor == 0
    assert verification.verify(maker.organization).findings == ()


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_two_hundred_rounds(people, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.commissions.test_races.ROUNDS", 200)
    test_one_approval_wins(people)
