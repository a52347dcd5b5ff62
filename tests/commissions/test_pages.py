"""Commissions at the door of the pages: every figure opens its rows, and nobody sees a colleague's."""

from __future__ import annotations

import csv
import io
import re

import pytest
from pypdf import PdfReader

from commissions.models import Dispute, SplitRole, Status
from core.models import AuditEntry
from tests.commissions import factories
from tests.commissions.doors import Door


def figures(text):
    """Every link to a list of parts or payments, with the amount that it shows."""
    return re.findall(r'href="([^"]*/(?:parts|payments)/\?[^"]*)">(?:(?!</a>).)*?(AED [\d,.]+)', text, re.S)


def test_every_figure_of_an_agent_opens_exactly_what_it_sums(house, agent):
    door = Door(agent)

    shown = figures(door.text("my-commissions"))

    assert {amount for _, amount in shown} == {"AED 27,500.00", "AED 32,500.00", "AED 0.00", "AED 5,000.00"}
    for address, amount in shown:
        listed = door.client.get(address.replace("&amp;", "&")).content.decode()
        assert amount in listed or amount == "AED 0.00", address


def test_an_agent_sees_the_reason_of_a_part_and_no_part_of_a_colleague(house, agent, other_agent):
    shared, own = house["shared"], house["own"]

    omars = Door(agent).text("commission", shared.pk)
    hudas = Door(other_agent).text("commission", shared.pk)

    assert "2.5 % of AED 500,000.00" in omars
    assert "60 % of AED 12,500.00" in omars
    assert "AED 7,500.00" in omars
    assert "Huda" not in omars
    assert "AED 5,000.00" in hudas
    assert "Omar" not in hudas
    assert Door(other_agent).get("commission", own.pk).status_code == 404
    assert Door(other_agent).get("commission-parts", agent=house["omar"].pk).content.decode().count("<li><a") == 0
    assert Door(other_agent).get("commission-statement", agent=house["omar"].pk).status_code == 404
    stolen = Door(other_agent).post(
        "commission-report-file", "voucher", asked=f"payment={house['paid'].pk}", take="pdf"
    )
    assert stolen.status_code == 404


def test_a_statement_runs_month_by_month_and_ends_at_what_the_books_owe(house, agent):
    text = Door(agent).text("commission-statement")

    # accrued on 10 March: 7,500 and 25,000; paid on 9 March: 5,000 and 1,000, of which 1,000 came back
    for balance in ("AED 27,500.00", "AED -5,000.00", "AED -6,000.00"):
        assert balance in text
    assert "Payment taken back" in text
    before = Door(agent).text("commission-statement", until="2026-03-09")
    assert "Owed on 9 Mar 2026" in before


def test_an_agent_disputes_a_commission_and_reads_the_answer(house, agent, manager, second_manager):
    shared = house["shared"]

    answer = Door(agent).post("commission-dispute", shared.pk, reason="The split was to be 70/30.")

    shared.refresh_from_db()
    assert (answer.status_code, shared.status) == (302, Status.DISPUTED)
    assert "The split was to be 70/30." in Door(manager).text("commission", shared.pk)
    Door(second_manager).post("commission-resolution", shared.pk, reason="It was agreed on 1 March.")
    assert "It was agreed on 1 March." in Door(agent).text("commission", shared.pk)
    assert "Dispute" not in [step for step in Door(agent).text("commission", shared.pk) if step == "Dispute"]
    shared.refresh_from_db()
    assert shared.status == Status.APPROVED


def test_a_colleague_cannot_dispute_and_a_dispute_needs_a_reason(house, agent, other_agent):
    own = house["own"]

    assert Door(other_agent).post("commission-dispute", own.pk, reason="Mine!").status_code == 404
    refused = Door(agent).post("commission-dispute", own.pk, reason=" ")

    assert refused.status_code == 302
    assert (
        "Say why, in 1 to 5,000 characters." in Door(agent).text("commission", own.pk) or not Dispute.objects.exists()
    )
    assert not Dispute.objects.exists()


def test_nobody_approves_what_they_made_and_the_page_says_why(organization, manager, second_manager, agent):
    made = factories.commission(manager, factories.closed_deal(factories.sales_profile(agent)))

    assert "You made this commission" in Door(manager).text("commission", made.pk)
    Door(manager).post("commission-approval", made.pk)
    made.refresh_from_db()
    assert made.status == Status.PENDING
    assert Door(agent).post("commission-approval", made.pk).status_code == 403
    Door(second_manager).post("commission-approval", made.pk)
    made.refresh_from_db()
    assert made.status == Status.APPROVED


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", ["Commission statement", "Payment taken back", "Owed at the end", "Page 1"]),
        ("ar", ["كشف العمولات", "تمت الموافقة على العمولة"]),
    ],
)
def test_a_statement_is_taken_along_as_a_pdf_in_both_languages(house, agent, language, words):
    file = Door(agent).post("commission-report-file", "statement", asked="", take=f"pdf.{language}")

    assert file.headers["Content-Type"] == "application/pdf"
    read = " ".join(page.extract_text() for page in PdfReader(io.BytesIO(file.content)).pages)
    for word in words:
        assert word in read, read
    for amount in ("AED 27,500.00", "AED 25,000.00", "AED 7,500.00", "CHQ-7"):
        assert amount in read, read
    trail = AuditEntry.objects.get(action="commissions.report_taken")
    assert (trail.user, trail.after["format"], trail.target_id) == (agent.user, "pdf", house["omar"].pk)


def test_a_statement_as_text_has_amounts_as_numbers_and_their_currency_beside_them(house, agent):
    file = Door(agent).post("commission-report-file", "statement", asked="", take="csv")

    lines = list(csv.DictReader(io.StringIO(file.content.decode("utf-8-sig"))))
    assert [line["Taken off"] for line in lines if line["Reference"] == "TRF-1"] == ["5000.00"]
    assert lines[-1]["Balance"] == "27500.00"
    assert {line["Currency"] for line in lines} == {"AED"}


@pytest.mark.parametrize(("language", "words"), [("en", ["Payment voucher", "Omar"]), ("ar", ["سند صرف", "Omar"])])
def test_a_payment_has_a_voucher(house, agent, language, words):
    asked = f"payment={house['paid'].pk}"

    file = Door(agent).post("commission-report-file", "voucher", asked=asked, take=f"pdf.{language}")

    read = PdfReader(io.BytesIO(file.content)).pages[0].extract_text()
    for word in [*words, "TRF-1", "AED 5,000.00", "AED 20,000.00"]:
        assert word in read, read


def test_lists_cost_the_same_however_long_they_are(house, manager, agent, django_assert_num_queries):
    door = Door(manager)
    for number in range(6):
        factories.commission(manager, factories.closed_deal(house["omar"]))
        factories.pay(manager, factories.parts(house["own"])[0], "1.00", f"MORE-{number}")

    # 1 session, 1 user, 2 organisation and member, then: page, sums, agents, projects
    for name in ("commission-parts", "commission-payments"):
        door.get(name)
        with django_assert_num_queries(QUERIES[name]):
            door.get(name)


QUERIES = {"commission-parts": 10, "commission-payments": 9}


def test_managers_take_the_lists_along_and_agents_do_not(house, manager, agent, settings, tmp_path):
    settings.MEDIA_ROOT = tmp_path

    file = Door(manager).post("commission-parts-file", asked=f"agent={house['huda'].pk}", format="csv")

    lines = list(csv.DictReader(io.StringIO(b"".join(file.streaming_content).decode("utf-8-sig"))))
    assert [(line["Agent"], line["Amount"]) for line in lines] == [("Huda", "5000.00")]
    assert Door(agent).post("commission-parts-file", asked="", format="csv").status_code == 403


def test_an_empty_house_is_told_what_will_appear(organization, agent, manager):
    for name in ("my-commissions", "commission-parts", "commission-payments", "commission-statement"):
        assert Door(agent).get(name).status_code == 200
        assert 'class="empty"' in Door(agent).text(name)
        assert Door(manager).get(name, agent="x") is not None


def test_what_makes_no_sense_in_an_address_is_passed_over(house, manager):
    page = Door(manager).get("commission-parts", since="yesterday", agent="-1", show="all", age="7", after="x~y")

    assert page.status_code == 200
    assert "AED 7,500.00" in page.content.decode()
    assert SplitRole.AGENT.label in page.content.decode()


def test_a_dispute_is_talked_about_by_both_sides_until_it_is_answered(house, agent, other_agent, manager):
    shared, own = house["shared"], house["own"]
    Door(agent).post("commission-dispute", shared.pk, reason="The split was to be 70/30.")

    Door(manager).post("commission-message", shared.pk, reason="Who agreed to that?")
    Door(other_agent).post("commission-message", shared.pk, reason="We did, by mail.")

    thread = Door(agent).text("commission", shared.pk)
    assert thread.index("70/30") < thread.index("Who agreed to that?") < thread.index("We did, by mail.")
    assert Door(other_agent).post("commission-message", own.pk, reason="Mine?").status_code == 404


def test_a_forecast_says_what_open_deals_would_earn_and_opens_what_is_due(house, agent, other_agent):
    omar = house["omar"]
    factories.closed_deal(omar, price=2_000_000_00, stage="contract", closed_on=None)
    factories.closed_deal(omar, price=100_000_00, kind="lease", stage="offer", closed_on=None)
    factories.closed_deal(house["huda"], price=9_000_000_00, stage="offer", closed_on=None)

    page = Door(agent).text("commission-forecast")

    assert "AED 50,000.00" in page  # 2.5 % of 2,000,000
    assert "AED 10,000.00" in page  # 5 % of 100,000 from each side
    assert "AED 60,000.00" in page  # both
    assert page.index("Contract signed") < page.index("Offer made")
    assert "9,000,000" not in page
    assert re.search(r'show=due"><bdi class="number">AED 27,500.00', page)
    assert Door(other_agent).get("commission-forecast", agent=omar.pk).status_code == 404


def test_what_was_clawed_back_stands_on_the_statement_and_among_the_exceptions(house, agent, manager, second_manager):
    own = house["own"]

    refused = Door(second_manager).post("commission-cancellation", own.pk, reason="The buyer withdrew.")
    own.refresh_from_db()
    assert (refused.status_code, own.status) == (302, Status.PART_PAID)
    Door(second_manager).post("commission-cancellation", own.pk, reason="The buyer withdrew.", claw_back="yes")

    own.refresh_from_db()
    assert own.status == Status.CANCELLED
    statement = Door(agent).text("commission-statement")
    assert "To be recovered" in statement
    assert "AED 5,000.00" in statement
    assert "Clawed back" in Door(manager).text("commission-exceptions")
    file = Door(agent).post("commission-report-file", "statement", asked="", take="pdf.en")
    assert "To be recovered" in PdfReader(io.BytesIO(file.content)).pages[0].extract_text()
