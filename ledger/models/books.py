"""Double-entry accounts that only one function of the database writes (ledger/migrations/0002_posting.py).

Sign convention: a positive entry is a debit, a negative one a credit. `balance_minor` is debits less credits;
`natural_minor` is the same on the side where the account is expected to stand (debit for assets and expenses, credit
for liabilities, equity and income). The application's database role may read these tables and nothing else.
"""

from __future__ import annotations

from typing import ClassVar

import pgtrigger
from django.db import models
from django.db.models import F, Q

from core.append_only import append_only
from core.models import Membership, Organization, TenantForeignKey, TenantModel


class AccountKind(models.TextChoices):
    ASSET = "asset", "Asset"
    LIABILITY = "liability", "Liability"
    EQUITY = "equity", "Equity"
    INCOME = "income", "Income"
    EXPENSE = "expense", "Expense"


class Side(models.IntegerChoices):
    DEBIT = 1, "Debit"
    CREDIT = -1, "Credit"


NORMAL_SIDE = {
    AccountKind.ASSET: Side.DEBIT,
    AccountKind.EXPENSE: Side.DEBIT,
    AccountKind.LIABILITY: Side.CREDIT,
    AccountKind.EQUITY: Side.CREDIT,
    AccountKind.INCOME: Side.CREDIT,
}


class Account(TenantModel):
    """One account in one currency. Balance, sequence and hash are those of its last entry: a balance costs one row."""

    database_privileges: ClassVar[str] = "SELECT"

    code = models.CharField(max_length=80)
    name = models.CharField(max_length=200)
    kind = models.CharField(max_length=9, choices=AccountKind)
    normal_side = models.SmallIntegerField(choices=Side)
    currency = models.CharField(max_length=3)
    owner = models.CharField(max_length=60, blank=True, help_text="whose account it is, such as agent:12")
    lowest_minor = models.BigIntegerField(
        null=True, blank=True, help_text="the natural balance never falls below this; empty: no limit"
    )
    highest_minor = models.BigIntegerField(
        null=True, blank=True, help_text="the natural balance never rises above this, such as a credit; empty: no limit"
    )
    balance_minor = models.BigIntegerField(default=0)
    last_sequence = models.BigIntegerField(default=0)
    last_hash = models.BinaryField()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "code"], name="ledger_account_code_once"),
            models.CheckConstraint(
                name="ledger_account_normal_side_follows_kind",
                condition=Q(kind__in=["asset", "expense"], normal_side=1)
                | Q(kind__in=["liability", "equity", "income"], normal_side=-1),
            ),
            models.CheckConstraint(
                name="ledger_account_never_below_lowest",
                condition=Q(lowest_minor__isnull=True)
                | Q(normal_side=1, balance_minor__gte=F("lowest_minor"))
                | Q(normal_side=-1, balance_minor__lte=-F("lowest_minor")),
            ),
            models.CheckConstraint(
                name="ledger_account_never_above_highest",
                condition=Q(highest_minor__isnull=True)
                | Q(normal_side=1, balance_minor__lte=F("highest_minor"))
                | Q(normal_side=-1, balance_minor__gte=-F("highest_minor")),
            ),
            models.CheckConstraint(name="ledger_account_currency_code", condition=Q(currency__regex="^[A-Z]{3}$")),
        ]
        indexes = [
            # the accounts of one owner: what do we owe agent 12
            models.Index(fields=["organization", "owner"], name="ledger_account_of_owner"),
        ]

    def __str__(self) -> str:
        return f"{self.code} ({self.pk})"

    @property
    def natural_minor(self) -> int:
        """The balance on the account's normal side: what we owe on a payable is positive."""
        return self.balance_minor * self.normal_side


class Transfer(TenantModel):
    """One posting: two or more entries of one currency that sum to zero. A reversal names what it undoes, once."""

    database_privileges: ClassVar[str] = "SELECT"

    created_at = None  # type: ignore[assignment]  # posted_at says it
    updated_at = None  # type: ignore[assignment]  # it is never updated

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+", db_index=False)
    reference = models.CharField(max_length=120, help_text="unique: posting it again changes nothing")
    description = models.CharField(max_length=300)
    currency = models.CharField(max_length=3)
    effective_on = models.DateField()
    posted_at = models.DateTimeField()
    posted_by = TenantForeignKey(Membership, null=True, related_name="+", db_index=False)
    reverses = TenantForeignKey("self", null=True, related_name="reversals", db_index=False)
    fingerprint = models.BinaryField(help_text="SHA-256 of reference, description, currency, date, reversal and lines")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "reference"], name="ledger_transfer_reference_once"),
            models.UniqueConstraint(
                fields=["organization", "reverses"],
                condition=Q(reverses__isnull=False),
                name="ledger_transfer_reversed_once",
            ),
            models.CheckConstraint(name="ledger_transfer_has_a_reference", condition=~Q(reference="")),
        ]
        triggers = [
            *append_only(),
            # The wall behind the refusal of ledger_post. Once per statement: a batch costs one look.
            pgtrigger.Trigger(
                name="period_open",
                when=pgtrigger.After,
                operation=pgtrigger.Insert,
                level=pgtrigger.Statement,
                referencing=pgtrigger.Referencing(new="added"),  # type: ignore[no-untyped-call]
                func="""
                    IF EXISTS (SELECT FROM added n WHERE n.effective_on <= ledger_closed_through(n.organization_id)) THEN
                        RAISE EXCEPTION 'ledger: the books are closed on that day';
                    END IF;
                    RETURN NULL;
                """,
            ),
            # At commit, because its entries come after it. The scope may be closed by then, so it is opened here.
            pgtrigger.Trigger(
                name="has_entries",
                when=pgtrigger.After,
                operation=pgtrigger.Insert,
                timing=pgtrigger.Deferred,
                declare=[("scope_before", "text"), ("entry_count", "bigint")],
                func="""
                    scope_before := current_setting('majlis.organization', true);
                    PERFORM set_config('majlis.organization', NEW.organization_id::text, true);
                    SELECT count(*) INTO entry_count FROM ledger_entry
                     WHERE organization_id = NEW.organization_id AND transfer_id = NEW.id;
                    PERFORM set_config('majlis.organization', COALESCE(scope_before, ''), true);
                    IF entry_count < 2 THEN
                        RAISE EXCEPTION 'ledger: transfer % has % entries', NEW.id, entry_count;
                    END IF;
                    RETURN NULL;
                """,
            ),
        ]

    def __str__(self) -> str:
        return f"{self.reference} ({self.pk})"


class Entry(TenantModel):
    """One line of one transfer in one account. `hash` chains to the entry before it in the same account.

    There are tens of millions of these: each index costs as much as a third of the row, so there is none to spare.
    """

    database_privileges: ClassVar[str] = "SELECT"
    is_pointed_at: ClassVar[bool] = False  # nothing has a key to an entry

    created_at = None  # type: ignore[assignment]  # `at` says it
    updated_at = None  # type: ignore[assignment]  # it is never updated

    # The keys to account and transfer carry the organisation, so one of its own would be checked for nothing.
    organization = models.ForeignKey(
        Organization, on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )
    transfer = TenantForeignKey(Transfer, related_name="entries", db_index=False)
    account = TenantForeignKey(Account, related_name="entries", db_index=False)
    amount_minor = models.BigIntegerField(help_text="positive is a debit, negative a credit")
    sequence = models.BigIntegerField(help_text="1, 2, 3, ... in each account, without gaps")
    balance_after_minor = models.BigIntegerField()
    effective_on = models.DateField()
    at = models.DateTimeField()
    hash = models.BinaryField()

    class Meta:
        verbose_name_plural = "entries"
        constraints = [
            models.UniqueConstraint(fields=["organization", "account", "sequence"], name="ledger_entry_sequence_once"),
            models.CheckConstraint(name="ledger_entry_amount_not_zero", condition=~Q(amount_minor=0)),
            models.CheckConstraint(name="ledger_entry_sequence_positive", condition=Q(sequence__gt=0)),
        ]
        indexes = [
            # the lines of a transfer; the organisation is implied, here and below
            models.Index(fields=["transfer"], name="ledger_entry_of_transfer"),
            # statements and balances as of a date; the entries of one day are sorted when they are read. With the
            # sequence in it no two keys were alike, and the index was five times as large.
            models.Index(fields=["account", "effective_on"], name="ledger_entry_by_date"),
        ]
        triggers = [
            *append_only(),
            # One check per statement: the function writes all entries of its transfers in one.
            pgtrigger.Trigger(
                name="balanced",
                when=pgtrigger.After,
                operation=pgtrigger.Insert,
                level=pgtrigger.Statement,
                referencing=pgtrigger.Referencing(new="added"),  # type: ignore[no-untyped-call]
                declare=[("wrong", "bigint")],
                func="""
                    SELECT n.transfer_id INTO wrong
                      FROM (SELECT DISTINCT organization_id, transfer_id FROM added) n
                     CROSS JOIN LATERAL (
                        SELECT sum(e.amount_minor) AS total,
                               count(DISTINCT (SELECT a.currency FROM ledger_account a WHERE a.id = e.account_id)) AS many,
                               min((SELECT a.currency FROM ledger_account a WHERE a.id = e.account_id)) AS currency
                          FROM ledger_entry e
                         WHERE e.organization_id = n.organization_id AND e.transfer_id = n.transfer_id
                     ) whole
                     WHERE whole.total <> 0 OR whole.many <> 1
                        OR whole.currency IS DISTINCT FROM (
                            SELECT t.currency FROM ledger_transfer t WHERE t.id = n.transfer_id)
                     LIMIT 1;
                    IF wrong IS NOT NULL THEN
                        RAISE EXCEPTION 'ledger: transfer % does not balance in one currency', wrong;
                    END IF;
                    RETURN NULL;
                """,
            ),
        ]

    def __str__(self) -> str:
        return f"entry {self.sequence} of account {self.account_id} ({self.pk})"

    @property
    def currency(self) -> str:
        """That of the account; load it with the row."""
        currency: str = self.account.currency
        return currency
