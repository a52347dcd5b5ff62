"""The deal, its commission, and the ledger."""

from __future__ import annotations

import io
from datetime import date

import psycopg
from django.core.management import call_command
from django.db import ProgrammingError, connection, transaction
from django.db.models import Sum

from commissions.models import Commission, CommissionPayment, Status
from config.demo.stage import Stage, holds, same
from core.money import format_money, to_decimal
from crm.models import Deal
from ledger.models import Account, Entry

PRICE = "500000.00"
PLAN = {
    "name": "Sales, 2.5 %",
    "rate_kind": "percentage",
    "rate_basis_points": 250,
    "is_default": True,
    "splits": [
        {"role": "agent", "basis_points": 6000},
        {"role": "supervisor", "basis_points": 1000},
        {"role": "house", "basis_points": 3000},
    ],
}


def close_deal(stage: Stage) -> str:
    """The deal closes, and earns its commission"""
    omar = stage.api("omar")
    stage.api("mona").post("commission-plans/", PLAN)
    unit = stage.made["unit"]
    deal = omar.post("deals/", {"property": unit, "agent": stage.made["agent:omar"], "kind": "sale", "price": PRICE})
    refused = omar.post(
        "deals/",
        {"property": unit, "agent": stage.made["agent:omar"], "kind": "sale", "price": "-500000.00"},
        status=422,
    )
    omar.post(f"deals/{deal['id']}/closure/", {"closed_on": str(date.today())})  # noqa: DTZ011 - the office's own day
    commission = Commission.objects.get(deal=deal["id"])
    stage.made["commission"] = commission.pk
    same(Deal.objects.get(pk=deal["id"]).stage, "closed", "stage of the deal")
    same(Deal.objects.filter(price_minor__lt=0).count(), 0, "deals at a negative price")
    same((commission.amount_minor, commission.status), (1_250_000, Status.PENDING), "commission of 2.5 %")
    return (
        f"{format_money(commission.amount_minor, 'AED')} on {PRICE}; a negative price was refused ({refused['code']})"
    )


def approve(stage: Stage) -> str:
    """The commission is split, and approved by somebody who gets no part of it"""
    path = f"commissions/{stage.made['commission']}/"
    refused = stage.api("omar").post(f"{path}approval/", status=403)
    stage.api("mona").post(f"{path}approval/")
    shown = stage.api("mona").get(path)
    same(shown["status"], Status.APPROVED, "status")
    parts = [(split["role"], split["amount"]) for split in shown["splits"]]
    same(sum(int(amount.replace(".", "")) for _, amount in parts), 1_250_000, "sum of the parts in fils")
    stage.made["split"] = next(split for split in shown["splits"] if split["agent"] == stage.made["agent:omar"])
    return f"{', '.join(f'{role} {amount}' for role, amount in parts)}; the agent's own approval: {refused['code']}"


def pay(stage: Stage) -> str:
    """The agent is paid in two parts, and never more than is due"""
    split, marwan = stage.made["split"], stage.api("marwan")
    due = int(split["amount"].replace(".", ""))
    halves = [due // 2, due - due // 2]
    payment = {"split": split["id"], "currency": "AED", "method": "bank_transfer", "paid_on": str(date.today())}  # noqa: DTZ011
    for number, minor in enumerate(halves, start=1):
        amount = {"amount": to_decimal(minor, "AED"), "reference": f"TRF-{number}"}
        marwan.post("commission-payments/", {**payment, **amount})
        wanted = Status.PART_PAID if number == 1 else None
        if wanted:
            same(Commission.objects.get(pk=stage.made["commission"]).status, wanted, "status after the first part")
    refused = marwan.post(
        "commission-payments/", {**payment, "amount": "0.01", "reference": "TRF-3"}, status=(409, 422)
    )
    paid = CommissionPayment.objects.aggregate(total=Sum("amount_minor"))["total"]
    same(paid, due, "paid in all, in fils")
    return f"{format_money(paid, 'AED')} in two transfers; one fils more was refused ({refused['code']})"


def stand_on_the_ledger(stage: Stage) -> str:
    """It stands on the ledger: balanced, chained, and SQL cannot alter it"""
    same(Entry.objects.aggregate(total=Sum("amount_minor"))["total"], 0, "sum of all entries")
    for account in Account.objects.all():
        total = Entry.objects.filter(account=account).aggregate(total=Sum("amount_minor"))["total"] or 0
        same(account.balance_minor, total, f"balance of {account.code}")
    tampering = [
        "UPDATE ledger_entry SET amount_minor = amount_minor + 1",
        "DELETE FROM ledger_entry",
        "TRUNCATE ledger_entry CASCADE",
        "UPDATE ledger_account SET balance_minor = 0",
        "INSERT INTO ledger_transfer SELECT * FROM ledger_transfer",
    ]
    for statement in tampering:
        try:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(statement)
        except (ProgrammingError, psycopg.Error):
            continue
        holds(False, f"refused: {statement}")
    call_command("verify_ledger", organization=stage.cast.organization.slug, workers=1, stdout=io.StringIO())
    return f"{Entry.objects.count()} entries in {Account.objects.count()} accounts; {len(tampering)} ways to alter them refused"
