"""Two who wait for each other: the one whom the database gives up begins anew, and nobody reads of a deadlock."""

from __future__ import annotations

from functools import partial
from threading import Barrier

import pytest
from django.db import OperationalError, connection, transaction

from core.deadlocks import TryAgain, tried_twice
from core.models import Organization
from core.tenancy import organization_scope
from crm.models import Contact
from tests.crm import factories
from tests.crm.test_races import at_once
from tests.live import house


def crossing(barrier: Barrier, first: Contact, second: Contact, times: list[str], meets: int) -> None:
    """Hold one row, wait until the other one does too, and ask for what the other holds: `meets` times."""
    times.append(first.display_name)
    Contact.objects.filter(pk=first.pk).update(address=f"{len(times)}")
    if times.count(first.display_name) <= meets:
        barrier.wait(20)
    Contact.objects.filter(pk=second.pk).update(address=f"{len(times)}")


def pair(organization: Organization) -> tuple[Contact, Contact]:
    return factories.contact(organization, "First"), factories.contact(organization, "Second")


def test_whoever_is_given_up_begins_anew_and_both_are_done(committed: str) -> None:
    organization, _members = house()
    with organization_scope(organization.pk):
        first, second = pair(organization)
        barrier, times = Barrier(2), list[str]()
        act = tried_twice(crossing)

        answers = at_once(
            organization,
            partial(act, barrier, first, second, times, 1),
            partial(act, barrier, second, first, times, 1),
        )

        assert answers == ["done", "done"]
        assert len(times) in {
            3,
            4,
        }  # one of the two twice; on a slow machine they meet once more, and then the other is


def given_up() -> None:
    with connection.cursor() as cursor:
        cursor.execute("DO $$ BEGIN RAISE EXCEPTION 'given up' USING ERRCODE = 'deadlock_detected'; END $$")


def test_a_part_of_another_transaction_leaves_it_to_the_whole(organization: Organization) -> None:
    with pytest.raises(OperationalError), transaction.atomic():
        tried_twice(given_up)()


def test_the_second_time_is_a_refusal_in_words(committed: str) -> None:
    with pytest.raises(TryAgain) as refusal:
        tried_twice(given_up)()

    assert "try again" in refusal.value.message
    assert not connection.in_atomic_block
