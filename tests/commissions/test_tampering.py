"""What the database refuses when somebody goes around the services."""

from __future__ import annotations

import pytest
from django.db import DatabaseError, connection, connections, transaction
from django.db.models import ProtectedError

from commissions.models import Approval, Commission, CommissionPayment, CommissionSplit
from core.actors import Actor
from core.roles import Role
from core.services import soft_delete
from crm.models import Agent, Deal, Property
from ledger.models import Transfer
from tests.commissions.factories import AT, PAID_ON, approved, closed_deal, commission, parts, pay, sales_profile


@pytest.fixture
def made(manager: Actor, second_manager: Actor, agent: Actor) -> Commission:
    found = approved(manager, second_manager, closed_deal(sales_profile(agent)))
    pay(manager, parts(found)[0], "5000.00", "T-1")
    found.refresh_from_db()
    return found


def at_once(statement: str, *parameters: int | str) -> None:
    """One statement, with what is checked at commit checked now."""
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(statement, parameters)


def refused(statement: str, why: str, *parameters: int | str) -> None:
    with pytest.raises(DatabaseError, match=why), transaction.atomic():
        connection.cursor().execute(statement, parameters)


@pytest.mark.parametrize(
    ("statement", "why"),
    [
        ("UPDATE commissions_commission SET amount_minor = 1", "permission denied"),
        ("UPDATE commissions_commission SET created_by_id = NULL", "permission denied"),
        ("DELETE FROM commissions_commission", "permission denied"),
        ("TRUNCATE commissions_commission CASCADE", "permission denied"),
        ("UPDATE commissions_commission SET status = 'paid'", "nothing makes commission"),
        ("UPDATE commissions_commission SET status = 'approved'", "nothing makes commission"),
        ("UPDATE commissions_commission SET status = 'pending'", "transition"),
        ("UPDATE commissions_commission SET status = 'cancelled'", "nothing makes"),
        ("UPDATE commissions_commission SET status = 'disputed'", "nothing makes commission"),
        ("UPDATE commissions_commissionsplit SET amount_minor = 1", "permission denied"),
        ("UPDATE commissions_commissionsplit SET paid_minor = 0", "permission denied"),
        ("DELETE FROM commissions_commissionpayment", "permission denied"),
        ("UPDATE commissions_commissionpayment SET amount_minor = 1", "permission denied"),
        ("UPDATE commissions_approval SET approved_by_id = NULL", "permission denied"),
        ("DELETE FROM commissions_approval", "permission denied"),
        ("UPDATE commissions_planversion SET rate_basis_points = 9000", "permission denied"),
        ("DELETE FROM commissions_commissionplan", "permission denied"),
    ],
)
def test_the_application_cannot_rewrite_what_was_decided(made: Commission, statement: str, why: str) -> None:
    before = list(Commission.objects.values()), list(CommissionSplit.objects.values())

    refused(statement, why)

    assert (list(Commission.objects.values()), list(CommissionSplit.objects.values())) == before


def test_the_database_counts_four_eyes_too(manager: Actor, agent: Actor) -> None:
    pending = commission(manager, closed_deal(sales_profile(agent)))
    assert manager.membership
    assert agent.membership
    for member in (manager.membership, agent.membership):
        with pytest.raises(DatabaseError, match="nobody approves what they made"), transaction.atomic():
            Approval.objects.create(
                organization=manager.organization, commission=pending, approved_by=member, transfer_id=1, at=AT
            )
    refused("UPDATE commissions_commission SET status = 'approved'", "nothing makes commission")


def test_the_database_refuses_a_payment_too_many(made: Commission, manager: Actor, agent: Actor) -> None:
    split, transfer = parts(made)[0], Transfer.objects.latest("id")

    def insert(amount: int, payer: Actor = manager, currency: str = "AED") -> None:
        CommissionPayment.objects.create(
            organization=manager.organization, split=split, amount_minor=amount, currency=currency, method="cash",
            paid_on=PAID_ON, reference=f"raw-{amount}", paid_by=payer.membership, transfer=transfer, at=AT,
        )  # fmt: skip

    with pytest.raises(DatabaseError, match="paid_within_amount"), transaction.atomic():
        insert(7_500_01)
    with pytest.raises(DatabaseError, match="nobody pays themselves"), transaction.atomic():
        insert(1, payer=agent)
    with pytest.raises(DatabaseError, match="is not payable in USD"), transaction.atomic():
        insert(1, currency="USD")
    assert parts(made)[0].paid_minor == 5_000_00


def test_parts_must_make_the_whole(manager: Actor, agent: Actor) -> None:
    omar = sales_profile(agent)
    pending = commission(manager, closed_deal(omar))

    another = (
        "INSERT INTO commissions_commissionsplit (organization_id, commission_id, position, role, agent_id, amount_minor,"
        " paid_minor, currency, explanation, created_at, updated_at)"
        " VALUES (%s, %s, 2, 'agent', %s, 1, 0, 'AED', '', now(), now())"
    )
    with pytest.raises(DatabaseError, match="sum to 1250001, not 1250000"), transaction.atomic():
        at_once(another, manager.organization.pk, pending.pk, omar.pk)
    with pytest.raises(DatabaseError, match="starts unpaid"), transaction.atomic():
        CommissionSplit.objects.create(
            organization=manager.organization, commission=pending, position=2, role="agent", agent=omar,
            amount_minor=0, paid_minor=1, currency="AED", explanation="",
        )  # fmt: skip


def test_money_outlives_what_it_came_from(made: Commission, admin: Actor) -> None:
    """Deleting a deal, a unit or an agent hides them; the commission, its payment and its entries stay."""
    before = (Commission.objects.count(), CommissionPayment.objects.count(), Transfer.objects.count())
    deal = Deal.objects.get(pk=made.deal_id)
    for row in (deal, deal.agent, deal.property):
        with pytest.raises(ProtectedError):
            row.delete()
        table = row._meta.db_table
        with pytest.raises(DatabaseError), transaction.atomic():
            at_once(f"DELETE FROM {table} WHERE id = %s", row.pk)
        soft_delete(actor=admin, target=row, at=AT)

    assert (Deal.objects.live().count(), Property.objects.live().count(), Agent.objects.live().count()) == (0, 0, 0)
    assert (Commission.objects.count(), CommissionPayment.objects.count(), Transfer.objects.count()) == before
    pay(admin, parts(made)[0], "7500.00", "T-2")  # and it is still paid
    made.refresh_from_db()
    assert made.status == "paid"


@pytest.mark.parametrize(
    ("statement", "why"),
    [
        ("UPDATE commissions_commission SET amount_minor = 1", "Cannot update"),
        ("DELETE FROM commissions_commission", "Cannot delete"),
        ("UPDATE commissions_commissionsplit SET amount_minor = 0", "Cannot update"),
        ("DELETE FROM commissions_commissionsplit", "Cannot delete"),
        ("UPDATE commissions_planversion SET rate_basis_points = 1", "Cannot update"),
        ("DELETE FROM commissions_approval", "Cannot update or delete"),
        ("TRUNCATE commissions_commission CASCADE", "Cannot truncate"),
        ("TRUNCATE commissions_commissionsplit CASCADE", "Cannot truncate"),
        ("TRUNCATE commissions_commissionpayment CASCADE", "Cannot truncate"),
    ],
)
def test_the_owner_of_the_tables_is_stopped_too(committed: str, statement: str, why: str) -> None:
    from core.tenancy import organization_scope
    from tests.live import house

    organization, members = house()
    with organization_scope(organization.pk):
        maker, approver = Actor(organization, members[Role.MANAGER]), Actor(organization, members[Role.ADMIN])
        one = approved(maker, approver, closed_deal(sales_profile(Actor(organization, members[Role.AGENT]))))
        pay(maker, parts(one)[0], "1.00", "T-1")
        with connections["owner"].cursor() as cursor:
            cursor.execute("SELECT set_config('majlis.organization', %s, false)", [str(organization.pk)])
            with pytest.raises(DatabaseError, match=why):
                cursor.execute(statement)
        assert parts(one)[0].paid_minor == 100
