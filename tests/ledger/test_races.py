"""Threads and processes that post at the same instant: no deadlock, no lost update, sums hold."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import connections

from core.actors import Actor
from core.roles import Role
from core.tenancy import organization_scope
from ledger import errors, services, verification
from ledger.models import Account, Entry, Transfer
from tests.databases import url_of
from tests.ledger.factories import AT, open_account, posting
from tests.live import house

pytestmark = pytest.mark.timeout(300)  # seconds, on a machine that others use too

THREADS, PROCESSES, ROUNDS = 8, 4, 50

WORKER = """
import random, sys
import django; django.setup()
from core.actors import system
from core.models import Organization
from core.tenancy import organization_scope
from ledger.models import Account
from tests.ledger.test_races import shuffle
organization = Organization.objects.get(slug="palm")
with organization_scope(organization.pk):
    accounts = list(Account.objects.order_by("id"))
    print(shuffle(system(organization), accounts, sys.argv[1], int(sys.argv[2])))
"""


def shuffle(actor: Actor, accounts: list[Account], name: str, rounds: int) -> int:
    """Move money between accounts in random order, singly and in batches; returns how many transfers were posted."""
    chance = random.Random(name)
    posted = 0
    for number in range(rounds):
        batch = []
        for part in range(chance.choice([1, 1, 5])):
            debit, credit = chance.sample(accounts, 2)
            amount = chance.randint(1, 500)
            batch.append(posting(f"{name}-{number}-{part}", (debit, amount), (credit, -amount)))
        try:
            posted += len(services.post_many(actor=actor, postings=batch, at=AT))
        except errors.OverdraftRefused:
            continue
    return posted


def in_thread(organization, work):
    """Work in a thread with a connection of its own, and close it."""
    try:
        with organization_scope(organization.pk):
            return work()
    finally:
        connections.close_all()


def test_many_threads_and_processes_share_accounts_without_deadlock(committed: str) -> None:
    organization, members = house()
    with organization_scope(organization.pk):
        actor = Actor(organization, members[Role.MANAGER])
        accounts = [
            open_account(actor, f"a{number}", lowest_minor=-1000 if number % 2 else None) for number in range(6)
        ]
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
    with ThreadPoolExecutor(THREADS) as pool:
        counts = list(
            pool.map(
                lambda n: in_thread(organization, lambda: shuffle(actor, accounts, f"t{n}", ROUNDS)), range(THREADS)
            )
        )
    for process in running:
        out, _ = process.communicate(timeout=100)
        assert process.returncode == 0
        counts.append(int(out.split()[-1]))

    with organization_scope(organization.pk):
        assert Transfer.objects.count() == sum(counts)
        assert sum(account.balance_minor for account in Account.objects.all()) == 0
        assert all(account.balance_minor >= -1000 for account in Account.objects.filter(lowest_minor=-1000))
        assert verification.verify(organization).findings == ()
    assert min(counts) > 0


def test_one_reference_is_posted_once_however_many_try(committed: str) -> None:
    organization, members = house()
    with organization_scope(organization.pk):
        actor = Actor(organization, members[Role.MANAGER])
        bank, cash, other, fourth = (open_account(actor, code) for code in ("bank", "cash", "other", "fourth"))
    start = Barrier(THREADS)

    def race(number: int, round_number: int) -> str:
        pair = (bank, cash) if number % 2 else (other, fourth)  # the same reference for two different things
        start.wait()
        try:
            one = posting(f"R{round_number}", (pair[0], 100), (pair[1], -100))
            return "replayed" if services.post(actor=actor, posting=one, at=AT).replayed else "posted"
        except errors.ReferenceTaken:
            return "refused"

    with ThreadPoolExecutor(THREADS) as pool:
        for round_number in range(ROUNDS):
            outcomes = list(
                pool.map(lambda n: in_thread(organization, lambda: race(n, round_number)), range(THREADS))  # noqa: B023
            )
            assert outcomes.count("posted") == 1
            assert outcomes.count("refused") == THREADS // 2
    with organization_scope(organization.pk):
        assert (Transfer.objects.count(), Entry.objects.count()) == (ROUNDS, 2 * ROUNDS)


def test_the_last_of_a_balance_is_taken_once(committed: str) -> None:
    """Eight take 100 from an account that has 100 and may not fall below zero: one gets it."""
    organization, members = house()
    with organization_scope(organization.pk):
        actor = Actor(organization, members[Role.MANAGER])
        purse, source = open_account(actor, "purse", lowest_minor=0), open_account(actor, "source")
    start = Barrier(THREADS)

    def race(number: int, round_number: int) -> bool:
        start.wait()
        try:
            one = posting(f"take-{round_number}-{number}", (source, 100), (purse, -100))
            services.post(actor=actor, posting=one, at=AT)
        except errors.OverdraftRefused:
            return False
        return True

    with ThreadPoolExecutor(THREADS) as pool:
        for round_number in range(ROUNDS):
            with organization_scope(organization.pk):
                fill = posting(f"fill-{round_number}", (purse, 100), (source, -100))
                services.post(actor=actor, posting=fill, at=AT)
            taken = list(
                pool.map(lambda n: in_thread(organization, lambda: race(n, round_number)), range(THREADS))  # noqa: B023
            )
            assert taken.count(True) == 1


@pytest.mark.slow
def test_one_reference_two_hundred_rounds(committed: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.ledger.test_races.ROUNDS", 200)
    test_one_reference_is_posted_once_however_many_try(committed)
