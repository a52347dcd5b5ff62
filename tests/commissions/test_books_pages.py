"""The pages of whoever keeps the books, each figure against the ledger itself."""

from __future__ import annotations

import csv
import io
import re
from datetime import date

import pytest
from pypdf import PdfReader

from commissions import selectors, services
from commissions.models import Status
from core.actors import Actor
from core.models import AuditEntry
from core.roles import Role
from ledger import selectors as ledger
from ledger.models import Account
from tests.commissions import factories
from tests.commissions.doors import Door
from tests.conftest import member

PAGES = ["commission-payables", "commission-period", "commission-trial-balance", "commission-accounts"]


def owed_by_the_books(manager, on=None):
    rows = ledger.trial_balance(actor=manager, as_of=on).rows
    return sum(row.credit_minor - row.debit_minor for row in rows if row.account.code.startswith("payable:"))


def test_aged_payables_are_what_the_books_owe_to_the_fils(house, manager):
    found = selectors.payables(actor=manager, today=date(2026, 4, 20))

    # approved on 10 March: 41 days before
    assert [(row.name, row.bands, row.total_minor) for row in found.rows] == [
        ("Omar", (0, 27_500_00, 0, 0), 27_500_00),
        ("Huda", (0, 5_000_00, 0, 0), 5_000_00),
    ]
    assert found.books == {"AED": 32_500_00}
    assert owed_by_the_books(manager) == found.total("AED")
    page = Door(manager).text("commission-payables")
    assert "The payable accounts of the books stand at the same: AED 32,500.00." in page


@pytest.mark.parametrize(("day", "owed"), [(9, 0), (10, 32_500_00), (31, 32_500_00)])
def test_payables_as_of_a_past_day_leave_out_what_came_later(house, manager, day, owed):
    on = date(2026, 3, day)

    found = selectors.payables(actor=manager, today=date(2026, 4, 20), as_of=on)

    assert found.total("AED") == owed
    # payments on the ninth stand in the books a day before what they pay
    assert owed_by_the_books(manager, on) == (owed or -6_000_00)


def test_what_a_dispute_holds_is_still_owed_and_stands_apart(house, manager, agent):
    services.dispute_commission(actor=agent, commission=house["shared"], reason="70/30", at=factories.AT)

    found = selectors.payables(actor=manager, today=date(2026, 3, 20))

    assert [(row.name, row.bands[0], row.held_minor) for row in found.rows] == [
        ("Omar", 20_000_00, 7_500_00),
        ("Huda", 0, 5_000_00),
    ]
    assert found.total("AED") == owed_by_the_books(manager)


def test_every_band_opens_the_parts_that_it_sums(house, manager):
    door = Door(manager)

    page = door.text("commission-payables")

    links = re.findall(r'<a href="([^"]*parts/[^"]*age=\d+[^"]*)"><bdi class="number">([^<]+)', page)
    assert len(links) == 2  # only what is not nothing has a figure to open
    for address, amount in links:
        assert amount in door.client.get(address.replace("&amp;", "&")).content.decode()


def test_the_trial_balance_of_a_day_balances_and_opens_down_to_the_commission(house, manager):
    door = Door(manager)

    page = door.text("commission-trial-balance", as_of="2026-03-10")
    totals = re.search(r"<tfoot.*</tfoot>", page, re.S)[0]
    amounts = re.findall(r'number">(AED [\d,.]+)', totals)
    assert amounts[0] == amounts[1]
    family = re.search(r'href="([^"]+)"><bdi>Commission payable', page)[1].replace("&amp;", "&")
    listed = door.client.get(family).content.decode()
    account = Account.objects.get(code=f"payable:agent:{house['omar'].pk}:AED")
    assert f"payable:agent:{house['omar'].pk}:AED" in listed
    lines = door.text("commission-account", account.pk, until="2026-03-09")
    assert "AED -6,000.00" in lines
    whole = door.text("commission-account", account.pk)
    assert "AED 27,500.00" in whole
    assert f"/commissions/{house['own'].pk}/" in whole


def test_a_period_is_opening_more_less_and_closing_of_every_family(house, manager):
    found = {
        row.family: row for row in selectors.movements(actor=manager, since=date(2026, 3, 10), until=date(2026, 3, 31))
    }

    payable = found["payable"]
    assert (payable.opening_minor, payable.more_minor, payable.less_minor, payable.closing_minor) == (
        -6_000_00, 38_500_00, 0, 32_500_00,
    )  # fmt: skip
    assert found["commission_revenue"].more_minor == 37_500_00
    page = Door(manager).text("commission-period", since="2026-03-10", until="2026-03-31")
    assert "AED 38,500.00" in page


def test_reports_are_taken_along_in_every_format_and_stand_in_the_trail(house, manager):
    door = Door(manager)

    sheet = door.post("commission-report-file", "payables", asked="", take="csv")
    arabic = door.post("commission-report-file", "trial-balance", asked="as_of=2026-03-31", take="pdf.ar")
    book = door.post("commission-report-file", "period", asked="", take="xlsx")

    lines = list(csv.DictReader(io.StringIO(sheet.content.decode("utf-8-sig"))))
    assert [(line["Beneficiary"], line["Owed"]) for line in lines] == [
        ("Omar", "27500.00"), ("Huda", "5000.00"), ("Total", "32500.00"),
    ]  # fmt: skip
    read = PdfReader(io.BytesIO(arabic.content)).pages[0].extract_text()
    assert "ميزان المراجعة" in read
    assert "AED 37,500.00" in read
    assert book.content.startswith(b"PK")
    trail = AuditEntry.objects.filter(action="commissions.report_taken")
    assert sorted(entry.after["report"] for entry in trail) == ["payables", "period", "trial-balance"]
    assert door.post("commission-report-file", "payables", asked="", take="exe").status_code == 422
    assert door.post("commission-report-file", "nothing", asked="", take="csv").status_code == 404


def test_the_books_are_closed_to_agents_and_open_to_viewers(house, organization, agent, supervisor):
    viewer = Actor(organization, member(organization, Role.VIEWER, "Vera"))

    for name in PAGES:
        assert Door(agent).get(name).status_code == 403
        assert Door(supervisor).get(name).status_code == 403
        assert Door(viewer).get(name).status_code == 200
    for report in ("payables", "period", "trial-balance", "accounts", "account"):
        assert Door(agent).post("commission-report-file", report, asked="account=1", take="csv").status_code == 403


def test_an_empty_house_and_days_that_are_none(organization, manager):
    for name in PAGES:
        page = Door(manager).get(name, as_of="2026-02-31", since="x", until="y", after="z")
        assert page.status_code == 200
        assert 'class="empty"' in page.content.decode()
    assert Door(manager).get("commission-account", 4711).status_code == 404


def test_the_books_cost_the_same_however_many_accounts_there_are(
    house, manager, second_manager, django_assert_num_queries
):
    door = Door(manager)
    for _ in range(5):
        made = factories.approved(manager, second_manager, factories.closed_deal(house["omar"]))
        assert made.status == Status.APPROVED

    for name, count in zip(PAGES, QUERIES, strict=True):
        door.get(name)
        with django_assert_num_queries(count):
            door.get(name)


QUERIES = [8, 7, 7, 7]
