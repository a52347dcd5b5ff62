"""Posting, replaying, refusing and reversing."""

from __future__ import annotations

import hashlib
import json
from datetime import date

import pytest
from django.db import DatabaseError, connection, transaction

from core.actors import Actor, system
from core.tenancy import organization_scope
from ledger import errors, services
from ledger.models import Account, AccountKind, Entry, Transfer
from ledger.postings import NewAccount
from tests.ledger.factories import AT, DAY, fresh, move, open_account, posting


@pytest.fixture
def bank(manager: Actor) -> Account:
    return open_account(manager, "bank")


@pytest.fixture
def revenue(manager: Actor) -> Account:
    return open_account(manager, "revenue", AccountKind.INCOME)


@pytest.fixture
def payable(manager: Actor) -> Account:
    """Never below zero: nobody is paid more than he is owed."""
    return open_account(manager, "payable", AccountKind.LIABILITY, lowest_minor=0)


def books() -> tuple[int, int, list[tuple[str, int, int]]]:
    accounts = Account.objects.order_by("code").values_list("code", "balance_minor", "last_sequence")
    return Transfer.objects.count(), Entry.objects.count(), list(accounts)


def test_a_posting_moves_both_accounts_and_numbers_their_entries(
    manager: Actor, bank: Account, revenue: Account, django_assert_num_queries
) -> None:
    with django_assert_num_queries(1):
        first = move(manager, "A", bank, revenue, 12_500_00)
    move(manager, "B", bank, revenue, 1)

    assert not first.replayed
    assert list(
        Entry.objects.order_by("id").values_list("account", "amount_minor", "sequence", "balance_after_minor")
    ) == [
        (bank.pk, 12_500_00, 1, 12_500_00),
        (revenue.pk, -12_500_00, 1, -12_500_00),
        (bank.pk, 1, 2, 12_500_01),
        (revenue.pk, -1, 2, -12_500_01),
    ]
    assert fresh(bank).natural_minor == fresh(revenue).natural_minor == 12_500_01
    transfer = Transfer.objects.get(reference="A")
    assert (transfer.posted_by, transfer.posted_at, transfer.effective_on) == (manager.membership, AT, DAY)


def test_the_hash_of_an_entry_is_the_one_that_the_decision_describes(
    manager: Actor, bank: Account, revenue: Account
) -> None:
    """docs/adr/0010: anyone can recompute it with nothing but SHA-256."""
    move(manager, "A", bank, revenue, 7)
    entry = Entry.objects.get(account=bank)
    genesis = hashlib.sha256(
        json.dumps([manager.organization.pk, bank.pk, "bank", "asset", "AED"], separators=(", ", ": ")).encode()
    ).digest()
    content = ["A", "test", "AED", "2026-03-02", None, [[bank.pk, 7], [revenue.pk, -7]]]
    fingerprint = hashlib.sha256(json.dumps(content, separators=(", ", ": ")).encode()).hexdigest()
    assert manager.membership is not None
    micros = int(AT.timestamp()) * 1_000_000
    material = f"1|7|7|{entry.transfer_id}|{fingerprint}|{manager.membership.pk}|{micros}"

    assert bytes(entry.hash) == hashlib.sha256(genesis + material.encode()).digest()
    assert bytes(fresh(bank).last_hash) == bytes(entry.hash)


def test_the_same_posting_again_changes_nothing(manager: Actor, bank: Account, revenue: Account) -> None:
    first = move(manager, "A", bank, revenue, 100)
    before = books()

    again = move(manager, "A", bank, revenue, 100)

    assert (again.transfer_id, again.replayed) == (first.transfer_id, True)
    assert books() == before


@pytest.mark.parametrize("change", ["amount", "day", "description"])
def test_the_same_reference_with_other_content_is_refused(
    manager: Actor, bank: Account, revenue: Account, change: str
) -> None:
    move(manager, "A", bank, revenue, 100)
    before = books()
    amount = 101 if change == "amount" else 100
    other = posting(
        "A",
        (bank, amount),
        (revenue, -amount),
        on=date(2026, 3, 3) if change == "day" else DAY,
        description="other" if change == "description" else "test",
    )

    with pytest.raises(errors.ReferenceTaken):
        services.post(actor=manager, posting=other, at=AT)

    assert books() == before


@pytest.mark.parametrize(
    ("lines", "refusal"),
    [
        ([("bank", 100), ("revenue", -99)], errors.TransferUnbalanced),
        ([("bank", 0), ("revenue", 0)], errors.TransferUnbalanced),
        ([("bank", 100), ("revenue", -100), ("payable", 0)], errors.TransferUnbalanced),
        ([("bank", 100)], errors.TransferUnbalanced),
        ([], errors.TransferUnbalanced),
        ([("bank", 100), ("dollars", -100)], errors.TransferCurrencyMixed),
        ([("bank", 100), ("missing", -100)], errors.AccountUnknown),
        ([("bank", 100), ("theirs", -100)], errors.AccountUnknown),
        ([("payable", 1), ("bank", -1)], errors.OverdraftRefused),
        ([("bank", 2**63), ("revenue", -(2**63))], errors.AmountTooLarge),
        ([("bank", 2**63 - 1), ("bank", 1), ("revenue", -(2**63 - 1)), ("revenue", -1)], errors.AmountTooLarge),
    ],
)
def test_what_is_not_a_transfer_is_refused_whole(
    manager: Actor, outsider: Actor, bank: Account, revenue: Account, payable: Account, lines, refusal
) -> None:
    with organization_scope(outsider.organization.pk):
        theirs = open_account(outsider, "theirs")
    accounts = {
        "bank": bank, "revenue": revenue, "payable": payable, "theirs": theirs, "missing": 999_999,
        "dollars": open_account(manager, "dollars", currency="USD"),
    }  # fmt: skip
    before = books()

    with pytest.raises(refusal) as refused, transaction.atomic():
        services.post(actor=manager, posting=posting("A", *[(accounts[name], amount) for name, amount in lines]), at=AT)

    assert refused.value.message
    assert books() == before


def test_a_refusal_leaves_the_transaction_whole(manager: Actor, bank: Account, payable: Account) -> None:
    with pytest.raises(errors.OverdraftRefused, match=r"payable stands at AED 0\.00 and may not fall below AED 0\.00"):
        move(manager, "A", payable, bank, 1)

    move(manager, "B", bank, payable, 1)  # no savepoint in between
    assert fresh(payable).natural_minor == 1


def test_an_actor_of_another_house_cannot_post_here(manager: Actor, outsider: Actor, bank: Account, revenue) -> None:
    with pytest.raises(DatabaseError, match="another organisation"), transaction.atomic():
        move(outsider, "A", bank, revenue, 100)

    assert books()[:2] == (0, 0)


def test_a_batch_is_all_or_nothing_and_one_statement(
    manager: Actor, bank: Account, revenue: Account, payable: Account, django_assert_num_queries
) -> None:
    good = [posting(f"A{n}", (bank, n), (revenue, -n)) for n in range(1, 51)]
    with django_assert_num_queries(1):
        posted = services.post_many(actor=manager, postings=good, at=AT)
    assert [one.reference for one in posted] == [f"A{n}" for n in range(1, 51)]
    assert fresh(bank).natural_minor == 1275
    assert list(Entry.objects.filter(account=bank).order_by("sequence").values_list("sequence", flat=True)) == list(
        range(1, 51)
    )
    before = books()

    bad = [
        posting("B1", (bank, 1), (payable, -1)),
        posting("B2", (payable, 2), (bank, -2)),
        posting("B3", (bank, 9), (payable, -9)),
    ]
    with pytest.raises(errors.OverdraftRefused) as refused:  # in the end it would be 8, but not on the way
        services.post_many(actor=manager, postings=bad, at=AT)

    assert refused.value.details["reference"] == "B2"
    assert books() == before


def test_a_batch_with_some_that_were_posted_posts_the_others(manager: Actor, bank: Account, revenue: Account) -> None:
    move(manager, "A", bank, revenue, 100)

    posted = services.post_many(
        actor=manager,
        postings=[posting("A", (bank, 100), (revenue, -100)), posting("B", (bank, 5), (revenue, -5))],
        at=AT,
    )

    assert [one.replayed for one in posted] == [True, False]
    assert fresh(bank).natural_minor == 105
    with pytest.raises(errors.PostingInvalid, match="same reference"):
        services.post_many(actor=manager, postings=[posting("C", (bank, 1), (revenue, -1))] * 2, at=AT)


@pytest.mark.parametrize("sign", [1, -1])
def test_a_reversal_mirrors_either_sign_once_and_is_final(
    manager: Actor, bank: Account, revenue: Account, sign: int
) -> None:
    move(manager, "Z", bank, revenue, 1000)
    original = services.post(
        actor=manager, posting=posting("A", (bank, sign * 100), (revenue, sign * -60), (revenue, sign * -40)), at=AT
    )

    undone = services.reverse(
        actor=manager, transfer_id=original.transfer_id, reference="A-r", description="mistake", effective_on=DAY, at=AT
    )

    assert (fresh(bank).natural_minor, fresh(revenue).natural_minor) == (1000, 1000)
    assert Transfer.objects.get(pk=undone.transfer_id).reverses_id == original.transfer_id
    before = books()
    with pytest.raises(errors.AlreadyReversed):
        services.reverse(
            actor=manager, transfer_id=original.transfer_id, reference="A-r2", description="", effective_on=DAY, at=AT
        )
    with pytest.raises(errors.ReversalNotReversible):
        services.reverse(
            actor=manager, transfer_id=undone.transfer_id, reference="A-rr", description="", effective_on=DAY, at=AT
        )
    with pytest.raises(errors.TransferUnknown):
        services.reverse(actor=manager, transfer_id=0, reference="x", description="", effective_on=DAY, at=AT)
    assert books() == before


def test_a_reversal_that_is_not_the_mirror_is_refused(manager: Actor, bank: Account, revenue: Account) -> None:
    original = move(manager, "A", bank, revenue, 100)
    before = books()

    half = posting("B", (bank, -50), (revenue, 50), reverses_id=original.transfer_id)
    with pytest.raises(errors.ReversalNotMirror):
        services.post(actor=manager, posting=half, at=AT)

    assert books() == before


def test_an_account_is_opened_once_and_keeps_its_kind(manager: Actor, bank: Account) -> None:
    assert open_account(manager, "bank") == bank
    with pytest.raises(errors.AccountDiffers):
        open_account(manager, "bank", AccountKind.LIABILITY)
    assert [account.kind for account in Account.objects.all()] == ["asset"]
    assert services.open_accounts(actor=manager, accounts=[], at=AT) == {}


def test_majlis_itself_may_post(manager: Actor, bank: Account, revenue: Account) -> None:
    posted = move(system(manager.organization), "A", bank, revenue, 100)

    assert Transfer.objects.get(pk=posted.transfer_id).posted_by is None


def test_no_entry_can_be_added_outside_the_function_even_by_the_owner_unbalanced(
    manager: Actor, bank: Account, revenue: Account
) -> None:
    new = NewAccount("x", "X", AccountKind.ASSET, "AED")
    assert services.open_accounts(actor=manager, accounts=[new], at=AT)["x"].balance_minor == 0
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT grantee FROM information_schema.routine_privileges WHERE routine_name = 'ledger_post' ORDER BY 1"
        )
        assert "PUBLIC" not in {grantee for (grantee,) in cursor.fetchall()}
