"""Closing the books: nothing is dated into a closed period, and opening it again takes two people."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta
from threading import Barrier

import pytest
from django.db import DatabaseError, connections, transaction
from django.test import Client

from core.actors import Actor, system
from core.errors import DomainError, NotAllowed
from core.models import AuditEntry
from core.roles import Role
from core.tenancy import organization_scope
from ledger import errors, services, verification
from ledger.models import AccountKind, Entry, PeriodClosing, PeriodReopening, Transfer
from tests.ledger.factories import AT, DAY, move, open_account
from tests.live import house

FEBRUARY, MARCH_FIRST = date(2026, 2, 28), date(2026, 3, 1)


def test_nothing_is_dated_into_a_closed_month(manager: Actor) -> None:
    """February is closed on the second of March: the 28th is refused, the first of March is not."""
    bank, revenue = open_account(manager, "bank"), open_account(manager, "revenue", AccountKind.INCOME)
    old = move(manager, "rent", bank, revenue, 100, on=FEBRUARY)
    services.close_period(actor=manager, through_on=FEBRUARY, at=AT, note="February")

    with pytest.raises(errors.PeriodClosed, match="closed through 2026-02-28"):
        move(manager, "late", bank, revenue, 5, on=FEBRUARY)
    with pytest.raises(errors.PeriodClosed):
        services.reverse(
            actor=manager, transfer_id=old.transfer_id, reference="r", description="", effective_on=FEBRUARY, at=AT
        )

    assert Transfer.objects.count() == 1  # and the transaction goes on:
    move(manager, "in march", bank, revenue, 5, on=MARCH_FIRST)
    assert move(manager, "rent", bank, revenue, 100, on=FEBRUARY).replayed  # posted before: nothing is dated anew
    services.reverse(
        actor=manager, transfer_id=old.transfer_id, reference="r", description="", effective_on=MARCH_FIRST, at=AT
    )
    assert verification.verify(manager.organization).findings == ()


def test_a_closed_period_is_closed_once_and_only_when_it_is_over(manager: Actor, agent: Actor) -> None:
    services.close_period(actor=manager, through_on=FEBRUARY, at=AT)

    for day in (FEBRUARY, date(2026, 1, 31)):
        with pytest.raises(errors.PeriodAlreadyClosed):
            services.close_period(actor=manager, through_on=day, at=AT)
    with pytest.raises(errors.PeriodNotOver):
        services.close_period(actor=manager, through_on=DAY, at=AT)
    with pytest.raises(NotAllowed):
        services.close_period(actor=agent, through_on=MARCH_FIRST, at=AT)
    with pytest.raises(errors.PeriodNeedsSecondPerson):
        services.close_period(actor=system(manager.organization), through_on=MARCH_FIRST, at=AT)
    assert PeriodClosing.objects.count() == 1


def test_opening_again_takes_a_reason_and_a_second_person(manager: Actor, second_manager: Actor) -> None:
    bank, revenue = open_account(manager, "bank"), open_account(manager, "revenue", AccountKind.INCOME)
    january = services.close_period(actor=manager, through_on=date(2026, 1, 31), at=AT)
    february = services.close_period(actor=manager, through_on=FEBRUARY, at=AT)

    with pytest.raises(errors.ReasonMissing):
        services.ask_to_reopen(actor=manager, closing=february, reason=" ", at=AT)
    with pytest.raises(errors.ReopenLaterFirst):
        services.ask_to_reopen(actor=manager, closing=january, reason="The rent is missing", at=AT)
    asked = services.ask_to_reopen(actor=manager, closing=february, reason="The rent is missing", at=AT)
    with pytest.raises(errors.ReopeningAsked):
        services.ask_to_reopen(actor=second_manager, closing=february, reason="Again", at=AT)
    with pytest.raises(errors.PeriodNeedsSecondPerson):
        services.approve_reopening(actor=manager, request=asked, at=AT)
    with pytest.raises(DatabaseError, match="does not approve it"), transaction.atomic():
        PeriodReopening.objects.create(
            organization=manager.organization, request=asked, approved_by=manager.membership, at=AT
        )
    with pytest.raises(errors.PeriodClosed):  # asking opens nothing
        move(manager, "rent", bank, revenue, 5, on=FEBRUARY)

    services.approve_reopening(actor=second_manager, request=asked, at=AT)

    move(manager, "rent", bank, revenue, 5, on=FEBRUARY)
    with pytest.raises(errors.PeriodClosed, match="closed through 2026-01-31"):
        move(manager, "older", bank, revenue, 5, on=date(2026, 1, 31))
    with pytest.raises(errors.PeriodUnknown):
        services.approve_reopening(actor=second_manager, request=asked, at=AT)
    trail = AuditEntry.objects.filter(target_type="ledger.periodclosing", target_id=february.pk).order_by("id")
    assert list(trail.values_list("action", "user__name")) == [
        ("ledger.period_closed", manager.user.name),
        ("ledger.reopening_asked", manager.user.name),
        ("ledger.period_reopened", second_manager.user.name),
    ]
    services.close_period(actor=manager, through_on=FEBRUARY, at=AT)  # and closed anew


@pytest.mark.timeout(300)
def test_who_posts_while_the_books_close_is_in_them_or_refused(committed: str) -> None:
    """Seven post into a month that the eighth closes at the same instant: when the closing is there, no more come."""
    organization, members = house()
    with organization_scope(organization.pk):
        actor = Actor(organization, members[Role.MANAGER])
        bank, revenue = open_account(actor, "bank"), open_account(actor, "revenue", AccountKind.INCOME)
    seen: list[int] = []

    def one(number: int, day: date, start: Barrier) -> str:
        try:
            with organization_scope(organization.pk):
                start.wait()
                if number == 0:
                    with transaction.atomic():
                        services.close_period(actor=actor, through_on=day, at=AT)
                        seen.append(Transfer.objects.filter(effective_on=day).count())
                    return "closed"
                try:
                    move(actor, f"{day}-{number}", bank, revenue, 1, on=day)
                except DomainError as refusal:
                    return refusal.code
                return "posted"
        finally:
            connections.close_all()

    for turn in range(20):
        day = date(2026, 1, 1) + timedelta(days=turn)
        start = Barrier(8)
        with ThreadPoolExecutor(8) as pool:
            found = Counter(pool.map(one, range(8), [day] * 8, [start] * 8))
        with organization_scope(organization.pk):
            assert Transfer.objects.filter(effective_on=day).count() == found["posted"] == seen[-1]
        assert found["closed"] == 1
        assert found["posted"] + found["period_closed"] == 7
    with organization_scope(organization.pk):
        assert Entry.objects.count() == 2 * sum(seen)
        assert verification.verify(organization).findings == ()


def test_an_accountant_closes_and_opens_the_books_in_the_back_office(
    manager: Actor, second_manager: Actor, client: Client
) -> None:
    pages = "/o/palm/admin/ledger/periodclosing/"
    client.force_login(manager.user)
    refused = client.post(f"{pages}close-books/", {"through_on": "2999-12-31", "note": ""})
    assert (refused.status_code, "is not over yet" in refused.content.decode()) == (422, True)

    assert client.post(f"{pages}close-books/", {"through_on": "2026-02-28", "note": "February"}).status_code == 302
    with organization_scope(manager.organization.pk):
        closing = PeriodClosing.objects.get()
    client.post(f"{pages}{closing.pk}/ask-to-open/", {"reason": "The rent is missing"})
    own = client.post(f"{pages}{closing.pk}/agree/")
    assert "somebody else must agree" in own.content.decode()
    client.force_login(second_manager.user)
    assert "asked for it because: The rent is missing" in client.get(f"{pages}{closing.pk}/agree/").content.decode()
    assert client.post(f"{pages}{closing.pk}/agree/").status_code == 302
    assert "open again" in client.get(pages).content.decode()
    with organization_scope(manager.organization.pk):
        assert PeriodReopening.objects.count() == 1
