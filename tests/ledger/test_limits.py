"""How far an account may go, and who changed that: overdrafts and credit limits."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from django.db import DatabaseError, connection, connections, transaction
from django.test import Client

from core.actors import Actor, system
from core.errors import DomainError, NotAllowed
from core.models import AuditEntry
from core.money import AmountInvalid
from core.roles import Role
from core.tenancy import organization_scope
from ledger import errors, services, verification
from ledger.models import Account, AccountKind, LimitChange
from ledger.postings import Posting
from tests.ledger.factories import AT, fresh, move, open_account, posting
from tests.live import house


def limit(actor: Actor, account: Account, lowest: str | None, highest: str | None, reason: str = "Agreed") -> Account:
    return services.set_limits(actor=actor, account=account, lowest=lowest, highest=highest, reason=reason, at=AT)


def test_an_overdraft_is_granted_used_and_withdrawn(manager: Actor) -> None:
    """The till may not fall below zero; 50.00 are granted, 30.00 used: then no less than that can be granted."""
    till, costs = open_account(manager, "till", lowest_minor=0), open_account(manager, "costs", AccountKind.EXPENSE)
    with pytest.raises(errors.OverdraftRefused):
        move(manager, "first", costs, till, 30_00)

    limit(manager, till, "-50.00", None)
    move(manager, "second", costs, till, 30_00)
    with pytest.raises(errors.OverdraftRefused, match=r"stands at AED -30\.00 and may not fall below AED -50\.00"):
        move(manager, "third", costs, till, 20_01)
    with pytest.raises(errors.LimitRefused, match=r"stands at AED -30\.00"):
        limit(manager, till, "-29.99", None)
    limit(manager, till, "-30.00", None, "Not a fils more")

    with pytest.raises(errors.OverdraftRefused):
        move(manager, "fourth", costs, till, 1)
    changes = LimitChange.objects.order_by("pk").values_list("lowest_before_minor", "lowest_minor", "reason")
    assert list(changes) == [(0, -50_00, "Agreed"), (-50_00, -30_00, "Not a fils more")]
    entry = AuditEntry.objects.filter(action="ledger.limits_changed").latest("pk")
    assert (entry.before["lowest"], entry.after) == (
        "-50.00", {"lowest": "-30.00", "highest": None, "reason": "Not a fils more"},
    )  # fmt: skip
    assert verification.verify(manager.organization).findings == ()


@pytest.mark.parametrize("kind", [AccountKind.ASSET, AccountKind.LIABILITY])
def test_a_credit_limit_is_kept_on_the_way_too(manager: Actor, kind: AccountKind) -> None:
    """A retailer may owe 1,000.00 at most: not 0.01 more, not in the middle of a batch; paying back is always let in."""
    owes, sales = open_account(manager, "owes", kind), open_account(manager, "sales", AccountKind.INCOME)
    side = 1 if kind is AccountKind.ASSET else -1

    def owe(reference: str, amount: int) -> Posting:
        return posting(reference, (owes, side * amount), (sales, -side * amount))

    limit(manager, owes, None, "1000.00")
    services.post(actor=manager, posting=owe("a", 999_99), at=AT)
    with pytest.raises(errors.CreditLimitReached, match=r"stands at AED 999\.99 and may not rise above AED 1,000\.00"):
        services.post(actor=manager, posting=owe("b", 2), at=AT)
    with pytest.raises(errors.CreditLimitReached) as refused:
        services.post_many(actor=manager, postings=[owe("c", 1), owe("d", 1), owe("e", -500_00)], at=AT)
    assert refused.value.details["reference"] == "d"
    services.post_many(actor=manager, postings=[owe("c", 1), owe("e", -500_00), owe("d", 1)], at=AT)
    assert fresh(owes).natural_minor == 500_01
    assert verification.verify(manager.organization).findings == ()


def test_limits_that_make_no_sense_or_are_not_yours_are_refused(manager: Actor, agent: Actor, outsider: Actor) -> None:
    till = open_account(manager, "till")
    for lowest, highest, reason, refusal in [
        ("1.00", "0.99", "x", errors.LimitInvalid),
        ("-0.001", None, "x", AmountInvalid),
        (None, "9" * 30, "x", DomainError),
        (None, "many", "x", AmountInvalid),
        (None, "-0.01", "x", errors.LimitRefused),
        ("0.01", None, "x", errors.LimitRefused),
        (None, None, " ", errors.ReasonMissing),
        (None, None, "x" * 301, errors.ReasonMissing),
    ]:
        with pytest.raises(refusal):
            limit(manager, till, lowest, highest, reason)
    with pytest.raises(NotAllowed):
        limit(agent, till, None, None)
    with pytest.raises(errors.PeriodNeedsSecondPerson):
        limit(system(manager.organization), till, None, None)
    with organization_scope(outsider.organization.pk), pytest.raises(DomainError):
        limit(outsider, till, None, None)
    for statement in (
        "UPDATE ledger_account SET lowest_minor = NULL",
        "DELETE FROM ledger_limitchange",
        "INSERT INTO ledger_limitchange (organization_id) VALUES (1)",
        "SELECT ledger_set_limits(0, 1, NULL, NULL, 1, 'x', now())",
    ):
        with pytest.raises(DatabaseError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)
    assert not LimitChange.objects.exists()


@pytest.mark.timeout(300)
def test_eight_orders_at_once_stay_within_the_credit(committed: str) -> None:
    """Two orders of 600 against a credit of 1,000 at the same instant, by eight: exactly one is let in."""
    organization, members = house()
    with organization_scope(organization.pk):
        actor = Actor(organization, members[Role.MANAGER])
        owes, sales = open_account(actor, "owes"), open_account(actor, "sales", AccountKind.INCOME)
        limit(actor, owes, None, "1000.00")
    start = Barrier(8)

    def order(number: int) -> str:
        try:
            with organization_scope(organization.pk):
                start.wait()
                move(actor, f"O-{number}", owes, sales, 600_00)
                return "won"
        except errors.CreditLimitReached as refusal:
            return refusal.code
        finally:
            connections.close_all()

    with ThreadPoolExecutor(8) as pool:
        assert Counter(pool.map(order, range(8))) == {"won": 1, "credit_limit_reached": 7}


def test_an_accountant_changes_limits_in_the_back_office(manager: Actor, client: Client) -> None:
    till = open_account(manager, "till", lowest_minor=0)
    client.force_login(manager.user)
    page = f"/o/palm/admin/ledger/account/{till.pk}/limits/"
    assert 'value="0.00"' in client.get(page).content.decode()

    refused = client.post(page, {"lowest": "5.00", "highest": "", "reason": "x"})
    assert (refused.status_code, "beyond that limit" in refused.content.decode()) == (422, True)
    assert client.post(page, {"lowest": "-50", "highest": "1,000", "reason": "A new safe"}).status_code == 302

    shown = client.get(f"/o/palm/admin/ledger/account/{till.pk}/change/").content.decode()
    assert "AED -50.00" in shown
    assert "A new safe" in shown
    with organization_scope(manager.organization.pk):
        assert (fresh(till).lowest_minor, fresh(till).highest_minor) == (-50_00, 1000_00)
