"""Nobody edits the books: not the application, not the owner of the tables; and what a superuser does is found."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from io import StringIO
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, connections, transaction
from django.utils import timezone

from core.actors import Actor
from core.models import Membership, Organization
from core.roles import Role
from core.tenancy import organization_scope
from ledger import services, tasks
from ledger.models import Account, AccountKind, BooksCheck, Entry, Transfer
from tests.ledger.factories import AT, DAY, move, open_account
from tests.live import house

TABLES = ["ledger_account", "ledger_transfer", "ledger_entry"]


def sentences(table: str) -> list[str]:
    column = {"ledger_account": "balance_minor", "ledger_transfer": "description", "ledger_entry": "amount_minor"}[
        table
    ]
    return [f"UPDATE {table} SET {column} = {column}", f"DELETE FROM {table}", f"TRUNCATE {table} CASCADE"]


@pytest.fixture
def books(manager: Actor) -> tuple[Account, Account]:
    bank, revenue = open_account(manager, "bank"), open_account(manager, "revenue", AccountKind.INCOME)
    for number in range(3):
        move(manager, f"T{number}", bank, revenue, 100 + number)
    return bank, revenue


@pytest.mark.parametrize("statement", [one for table in TABLES for one in sentences(table)])
def test_the_application_may_only_read(books: Any, statement: str) -> None:
    before = list(Entry.objects.values())

    with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
        connection.cursor().execute(statement)

    assert list(Entry.objects.values()) == before


def test_the_orm_may_only_read(manager: Actor, books: tuple[Account, Account]) -> None:
    bank = books[0]
    tries: list[Any] = [
        lambda: Account.objects.filter(pk=bank.pk).update(balance_minor=0),
        lambda: Account.objects.create(
            organization=manager.organization, code="x", kind="asset", normal_side=1, currency="AED", last_hash=b""
        ),
        lambda: Entry.objects.update(amount_minor=1),
        lambda: Entry.objects.first().delete(),
        lambda: Transfer.objects.all()._raw_delete("default"),
        lambda: Transfer.objects.first().save(),
    ]
    for attempt in tries:
        with pytest.raises(DatabaseError, match="permission denied"), transaction.atomic():
            attempt()


@pytest.mark.parametrize("role", ["majlis_owner", "postgres"])
def test_the_application_cannot_become_somebody_else_nor_switch_triggers_off(books: Any, role: str) -> None:
    for statement in (
        f"SET ROLE {role}",
        "SET session_replication_role = 'replica'",
        "ALTER TABLE ledger_entry DISABLE TRIGGER ALL",
        "DROP TABLE ledger_entry",
        "CREATE OR REPLACE FUNCTION ledger_chain_step(bytea, bytea, text) RETURNS bytea LANGUAGE sql AS 'SELECT NULL'",
    ):
        with pytest.raises(DatabaseError), transaction.atomic():
            connection.cursor().execute(statement)


@pytest.fixture
def palm(committed: str) -> Iterator[Organization]:
    """A house whose books are committed: ten transfers over three accounts."""
    organization, members = house()
    with organization_scope(organization.pk):
        actor = Actor(organization, members[Role.MANAGER])
        bank, cash = open_account(actor, "bank"), open_account(actor, "cash")
        revenue = open_account(actor, "revenue", AccountKind.INCOME)
        for number in range(10):
            move(actor, f"T{number}", bank if number % 2 else cash, revenue, 100 + number)
        yield organization


@pytest.mark.parametrize("table", ["ledger_transfer", "ledger_entry"])
def test_the_owner_of_the_tables_is_stopped_by_triggers(palm: Organization, table: str) -> None:
    for statement in sentences(table):
        with connections["owner"].cursor() as cursor:
            cursor.execute("SELECT set_config('majlis.organization', %s, false)", [str(palm.pk)])
            with pytest.raises(DatabaseError, match=r"Cannot (update|delete|truncate)"):
                cursor.execute(statement)
    assert Entry.objects.count() == 20


def test_the_owner_cannot_add_an_entry_that_unbalances(palm: Organization) -> None:
    entry = Entry.objects.order_by("-sequence").first()
    assert entry
    add = (
        "INSERT INTO ledger_entry (organization_id, transfer_id, account_id, amount_minor, sequence,"
        " balance_after_minor, effective_on, at, hash) VALUES (%s, %s, %s, 5, 99, 5, %s, %s, '')"
    )
    with connections["owner"].cursor() as cursor:
        cursor.execute("SELECT set_config('majlis.organization', %s, false)", [str(palm.pk)])
        with pytest.raises(DatabaseError, match="does not balance"):
            cursor.execute(add, [palm.pk, entry.transfer_id, entry.account_id, DAY, AT])
        with pytest.raises(DatabaseError, match="has 0 entries"):
            cursor.execute(
                "INSERT INTO ledger_transfer (organization_id, reference, description, currency, effective_on,"
                " posted_at, fingerprint) VALUES (%s, 'empty', '', 'AED', %s, %s, '')",
                [palm.pk, DAY, AT],
            )
    assert (Entry.objects.count(), Transfer.objects.count()) == (20, 10)


def test_the_owner_cannot_date_a_transfer_into_a_closed_period(palm: Organization) -> None:
    """ledger_post refuses it in words; who writes without it meets a trigger."""
    services.close_period(actor=members_manager(palm), through_on=DAY - timedelta(days=1), at=AT)
    with connections["owner"].cursor() as cursor:
        cursor.execute("SELECT set_config('majlis.organization', %s, false)", [str(palm.pk)])
        with pytest.raises(DatabaseError, match="closed on that day"):
            cursor.execute(
                "INSERT INTO ledger_transfer (organization_id, reference, description, currency, effective_on,"
                " posted_at, fingerprint) VALUES (%s, 'late', '', 'AED', %s, %s, '')",
                [palm.pk, DAY - timedelta(days=1), AT],
            )
        for table in ("ledger_periodclosing", "ledger_reopeningrequest", "ledger_periodreopening", "ledger_bookscheck"):
            with pytest.raises(DatabaseError, match="Cannot truncate"):
                cursor.execute(f"TRUNCATE {table} CASCADE")
        with pytest.raises(DatabaseError, match="Cannot update or delete"):
            cursor.execute("UPDATE ledger_periodclosing SET through_on = through_on - 30")
    assert Transfer.objects.count() == 10


def members_manager(palm: Organization) -> Actor:
    return Actor(palm, Membership.objects.get(organization=palm, role=Role.MANAGER))


def test_every_night_the_books_are_checked_and_what_was_altered_is_kept(palm: Organization, committed: str) -> None:
    tasks.check_due()
    tasks.check_due()  # not due again before tomorrow
    assert list(BooksCheck.objects.values_list("entry_count", "findings")) == [(20, [])]
    with superuser(committed) as tampering:
        tampering.execute("UPDATE ledger_entry SET amount_minor = amount_minor + 1 WHERE sequence = 2")

    assert services.check_if_due(organization=palm, at=timezone.now() + timedelta(hours=23)) is None
    second = services.check_if_due(organization=palm, at=timezone.now() + timedelta(hours=25))

    assert second
    assert {finding["kind"] for finding in second.findings} >= {"running_balance_wrong", "transfer_unbalanced"}


def superuser(database: str) -> psycopg.Connection:
    """A connection that no rule binds, with every trigger and foreign key switched off."""
    import os

    parts = urlsplit(os.environ["MAJLIS_SUPERUSER_URL"])
    opened = psycopg.connect(urlunsplit(parts._replace(path=f"/{database}")), autocommit=True)
    opened.execute("SET session_replication_role = 'replica'")
    return opened


def verdict(*options: str) -> tuple[bool, str]:
    out = StringIO()
    try:
        call_command("verify_ledger", "--organization", "palm", *options, stdout=out)
    except CommandError:
        return False, out.getvalue()
    return True, out.getvalue()


def test_untouched_books_are_as_written(palm: Organization) -> None:
    for workers in ("1", "2", "3"):
        assert verdict("--workers", workers) == (True, "palm: 3 accounts, 10 transfers, 20 entries: as written\n")


@pytest.mark.parametrize(
    ("what", "finding"),
    [
        # changed
        ("UPDATE ledger_entry SET amount_minor = amount_minor + 1 WHERE sequence = 2", "running_balance_wrong"),
        ("UPDATE ledger_entry SET hash = sha256('x') WHERE sequence = 3", "hash_wrong"),
        ("UPDATE ledger_entry SET at = at + interval '1 second' WHERE sequence = 2", "entry_differs_from_transfer"),
        ("UPDATE ledger_entry SET effective_on = effective_on - 1 WHERE sequence = 2", "entry_differs_from_transfer"),
        ("UPDATE ledger_transfer SET description = 'a gift' WHERE reference = 'T4'", "fingerprint_wrong"),
        ("UPDATE ledger_transfer SET effective_on = effective_on - 1 WHERE reference = 'T4'", "fingerprint_wrong"),
        ("UPDATE ledger_transfer SET posted_by_id = NULL WHERE reference = 'T4'", "hash_wrong"),
        ("UPDATE ledger_transfer SET posted_at = posted_at - interval '1 day' WHERE reference = 'T4'", "entry_differs"),
        ("UPDATE ledger_account SET balance_minor = balance_minor + 1 WHERE code = 'bank'", "balance_wrong"),
        ("UPDATE ledger_account SET last_sequence = 9 WHERE code = 'bank'", "entries_missing"),
        ("UPDATE ledger_account SET last_hash = sha256('x') WHERE code = 'bank'", "head_wrong"),
        ("UPDATE ledger_account SET code = 'mine' WHERE code = 'bank'", "hash_wrong"),
        ("UPDATE ledger_account SET currency = 'USD' WHERE code = 'bank'", "currency_mixed"),
        # missing
        ("DELETE FROM ledger_entry WHERE sequence = 2", "sequence_broken"),
        ("DELETE FROM ledger_entry WHERE transfer_id = (SELECT max(id) FROM ledger_transfer)", "transfer_without_entries"),
        ("DELETE FROM ledger_transfer WHERE reference = 'T4'", "entry_without_transfer"),
        ("DELETE FROM ledger_account WHERE code = 'cash'", "entry_without_account"),
        # added
        ("INSERT INTO ledger_transfer (organization_id, reference, description, currency, effective_on, posted_at,"
         " fingerprint) SELECT organization_id, 'new', '', 'AED', effective_on, posted_at, fingerprint"
         " FROM ledger_transfer LIMIT 1", "transfer_without_entries"),
        ("INSERT INTO ledger_entry (organization_id, transfer_id, account_id, amount_minor, sequence,"
         " balance_after_minor, effective_on, at, hash) SELECT organization_id, transfer_id, account_id, amount_minor,"
         " 99, balance_after_minor, effective_on, at, hash FROM ledger_entry LIMIT 1", "sequence_broken"),
        # under the number of an account that no share of the work would be asked for
        ("INSERT INTO ledger_entry (organization_id, transfer_id, account_id, amount_minor, sequence,"
         " balance_after_minor, effective_on, at, hash) SELECT organization_id, transfer_id, -3, amount_minor,"
         " 1, balance_after_minor, effective_on, at, hash FROM ledger_entry LIMIT 1", "entry_without_account"),
        ("INSERT INTO ledger_transfer (id, organization_id, reference, description, currency, effective_on, posted_at,"
         " fingerprint) SELECT -3, organization_id, 'new', '', 'AED', effective_on, posted_at, fingerprint"
         " FROM ledger_transfer LIMIT 1", "transfer_without_entries"),
        # re-ordered
        ("UPDATE ledger_entry SET sequence = CASE sequence WHEN 2 THEN -3 ELSE -2 END WHERE sequence IN (2, 3)"
         " AND account_id = (SELECT id FROM ledger_account WHERE code = 'cash');"
         " UPDATE ledger_entry SET sequence = -sequence WHERE sequence < 0", "running_balance_wrong"),
        # moved to another house
        ("UPDATE ledger_transfer SET organization_id = organization_id + 1 WHERE reference = 'T4'", "entry_without_transfer"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("workers", ["1", "2"])
def test_what_a_superuser_changed_is_found(
    palm: Organization, committed: str, what: str, finding: str, workers: str
) -> None:
    with superuser(committed) as tampering:
        tampering.execute("ALTER TABLE ledger_entry DROP CONSTRAINT ledger_entry_sequence_positive")
        tampering.execute(what)

    intact, report = verdict("--workers", workers)

    assert not intact
    assert finding in report


def test_a_cut_off_end_is_found_by_heads_that_were_kept_elsewhere(
    palm: Organization, committed: str, tmp_path: Path
) -> None:
    """Who removes the newest transfer and sets the accounts back leaves books that are whole in themselves."""
    kept = tmp_path / "heads.json"
    assert verdict("--write-heads", str(kept))[0]
    assert json.loads(kept.read_text())["palm"]["revenue"][0] == 10
    with superuser(committed) as tampering:
        tampering.execute("DELETE FROM ledger_entry WHERE transfer_id = (SELECT max(id) FROM ledger_transfer)")
        tampering.execute("DELETE FROM ledger_transfer WHERE id = (SELECT max(id) FROM ledger_transfer)")
        tampering.execute(
            "UPDATE ledger_account a SET last_sequence = e.sequence, balance_minor = e.balance_after_minor,"
            " last_hash = e.hash FROM ledger_entry e WHERE e.account_id = a.id AND e.sequence ="
            " (SELECT max(sequence) FROM ledger_entry m WHERE m.account_id = a.id)"
        )

    assert verdict()[0]
    intact, report = verdict("--heads", str(kept))
    assert not intact
    assert "head_lost: account revenue, number 10" in report


def test_all_organisations_are_verified_each_in_its_own_scope(palm: Organization, committed: str) -> None:
    house("cedar", "Cedar Homes")
    out = StringIO()

    call_command("verify_ledger", "--all", stdout=out)

    assert out.getvalue().splitlines() == [
        "cedar: 0 accounts, 0 transfers, 0 entries: as written",
        "palm: 3 accounts, 10 transfers, 20 entries: as written",
    ]
    with pytest.raises(CommandError, match="no organisation"):
        call_command("verify_ledger", "--organization", "oak")
