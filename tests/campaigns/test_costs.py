"""What a campaign would cost and how long it would take: dated prices, budgets, and the rows behind each number."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import IntegrityError, connection, transaction
from django.test import Client

from campaigns import services
from campaigns.duration import finish_of
from campaigns.models import Campaign, CampaignMessage, MessagePrice
from campaigns.prices import PriceList, prices_of
from campaigns.quiet import Quiet
from core.actors import Actor
from core.money import Money
from crm.models import Contact, Project
from messaging.models import Channel
from tests.campaigns import factories
from tests.crm.doors import Caller

NOW = datetime(2026, 11, 21, 8, tzinfo=UTC)
FILE = "calling_code,category,currency,price,valid_from\n971,MARKETING,USD,0.05,2026-10-01\n,marketing,USD,0.1,2026-10-01\n"


@pytest.fixture
def number(manager: Actor) -> Channel:
    return factories.channel(manager.organization)


@pytest.fixture
def project(manager: Actor, number: Channel) -> Project:
    factories.template(number)
    return factories.project(manager.organization)


@pytest.fixture
def campaign(manager: Actor, project: Project, number: Channel) -> Campaign:
    factories.owners(project, 10)
    return factories.draft(manager, project, [number])


def test_the_price_of_a_message_is_the_longest_code_and_the_latest_day_that_fit() -> None:
    prices = PriceList(
        [
            ("971", "MARKETING", 40_000, "USD", date(2026, 1, 1)),
            ("971", "MARKETING", 50_000, "USD", date(2026, 10, 1)),
            ("97150", "MARKETING", 45_000, "USD", date(2026, 1, 1)),
            ("", "MARKETING", 90_000, "AED", date(2026, 1, 1)),
        ]
    )

    def asked(recipient: str, category: str = "MARKETING", at: datetime = NOW) -> Any:
        price = prices.price_of(recipient, category, at)
        return price and (price.micros, price.currency, price.is_example)

    assert asked("971521234567") == (50_000, "USD", False)
    assert asked("+971521234567", at=datetime(2026, 9, 30, tzinfo=UTC)) == (40_000, "USD", False)
    assert asked("971501234567") == (45_000, "USD", False)
    assert asked("AE.BSUID123") == (90_000, "AED", False)
    assert asked("971521234567", "UTILITY") == (15_700, "USD", True)
    assert asked("971521234567", at=datetime(2025, 12, 31, tzinfo=UTC)) == (38_400, "USD", True)
    assert asked("971521234567", at=datetime(2024, 1, 1, tzinfo=UTC)) is None


def test_a_file_of_prices_makes_the_estimate_and_a_budget_ends_where_it_says(
    client: Client, manager: Actor, second_manager: Actor, campaign: Campaign
) -> None:
    before = services.preflight(actor=manager, campaign=campaign, at=NOW)
    assert before.costs == [Money(39, "USD")]  # 10 x 0.0384, rounded up
    assert "example prices" in before.warnings[0]

    client.force_login(manager.user)  # type: ignore[arg-type]
    address = "/o/palm/admin/campaigns/messageprice/import/"
    odd = client.post(address, {"file": SimpleUploadedFile("p.csv", FILE.replace("0.05", "cheap").encode())})
    assert "Line 2, price: &#x27;cheap&#x27; will not do" in odd.text
    assert not MessagePrice.objects.exists()
    assert client.post(address, {"file": SimpleUploadedFile("p.csv", FILE.encode())}).status_code == 302
    assert client.post(address, {"file": SimpleUploadedFile("p.csv", FILE.encode())}).status_code == 302
    assert MessagePrice.objects.count() == 2

    after = services.preflight(actor=manager, campaign=campaign, at=NOW)
    assert (after.costs, after.warnings) == ([Money(50, "USD")], [])

    campaign = services.update_campaign(actor=manager, campaign=campaign, budget_minor=34, at=NOW)
    narrow = services.preflight(actor=manager, campaign=campaign, at=NOW)
    assert (narrow.to_send, narrow.skipped, narrow.costs) == (6, {"over_budget": 4}, [Money(30, "USD")])
    assert "4 people would be skipped" in narrow.warnings[0]
    campaign = factories.approved(manager, second_manager, campaign, NOW)
    services.start_campaign(actor=manager, campaign=campaign, at=NOW)
    assert CampaignMessage.objects.filter(skip_reason="over_budget").count() == 4

    other = factories.draft(
        manager, campaign.project, [*campaign.channels.all()], budget_minor=900, budget_currency="AED"
    )
    assert services.preflight(actor=manager, campaign=other, at=NOW).to_send == 0  # no price is known in dirhams


def test_each_number_of_the_preflight_opens_its_rows_and_one_message_is_read_for_anybody(
    client: Client, manager: Actor, project: Project, campaign: Campaign
) -> None:
    lacking = Contact.objects.order_by("pk")[0]
    Contact.objects.filter(pk=lacking.pk).update(first_name="")
    api, here = Caller(client, manager), f"campaigns/{campaign.pk}"
    counts = api.get(f"{here}/preflight/").json()
    assert (counts["to_send"], counts["skipped"], counts["missing"]) == (9, {"variable": 1}, {"1": 1})
    assert counts["costs"][0]["currency"] == "USD"

    behind = api.get(f"{here}/preflight/people/?reason=variable").json()
    assert (behind["count"], behind["results"][0]["name"], behind["results"][0]["missing"]) == (1, "Owner 0", ["1"])
    assert api.get(f"{here}/preflight/people/?offset=5").json()["count"] == 9

    page = client.get(f"/o/palm/admin/campaigns/campaign/{campaign.pk}/change/").text
    address = re.search(r'href="([^"]*would-be/[^"]*)"', page)
    assert address
    shown = client.get(address[1]).text
    assert "Owner 0" in shown
    assert "{{1}}" in shown
    assert "Owner 1" not in shown

    second = Contact.objects.get(display_name="Owner 7")
    assert api.get(f"{here}/preview/?contact={second.pk}").json()["text"].startswith("Dear Owner7, is your unit 7")
    assert api.get(f"{here}/preview/?contact={lacking.pk}").json()["missing"] == ["1"]
    stranger = Contact.objects.create(organization=manager.organization, display_name="X")
    assert api.get(f"{here}/preview/?contact={stranger.pk}").status_code == 404
    assert api.get(f"{here}/preview/?contact=x").status_code == 404


def test_the_end_counts_nights_days_off_and_what_a_day_allows() -> None:
    def end(messages: int, per_second: float, quiet: Quiet, per_day: int | None = None) -> datetime | None:
        return finish_of(
            messages=messages, per_second=per_second, start=NOW, quiet=quiet, time_zone="Asia/Dubai", per_day=per_day
        )

    always, nights = Quiet(), Quiet(time(20), time(9))
    assert end(3600, 1, always) == NOW + timedelta(hours=1)
    assert end(0, 1, always) == NOW
    # 8:00 UTC is 12:00 in Dubai: eight hours that day, the ninth from 9:00 of the next
    assert end(9 * 3600, 1, nights) == datetime(2026, 11, 22, 6, tzinfo=UTC)
    assert end(2_500, 100, always, per_day=1_000) == NOW + timedelta(days=2, seconds=5)
    assert end(10**9, 1, always) is None


@pytest.mark.parametrize(
    ("values", "rule"),
    [
        ("'971', 'MARKETING', 'USD', 40000, '2026-01-01'", "campaigns_price_once_a_day"),
        ("'+971', 'MARKETING', 'USD', 40000, '2026-01-02'", "campaigns_price_calling_code_is_digits"),
        ("'971', 'MARKETING', 'usd', 40000, '2026-01-02'", "campaigns_price_currency_is_known_by_form"),
        ("'971', 'MARKETING', 'USD', 1000000001, '2026-01-02'", "campaigns_price_at_most_a_thousand"),
    ],
)
def test_the_database_holds_what_a_price_must_be(manager: Actor, values: str, rule: str) -> None:
    house = manager.organization
    MessagePrice.objects.create(
        organization=house, calling_code="971", category="MARKETING", micros=1, valid_from=date(2026, 1, 1)
    )
    assert prices_of(house).price_of("971501111111", "MARKETING", NOW)
    with pytest.raises(IntegrityError, match=rule), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO campaigns_messageprice (organization_id, created_at, updated_at, source, calling_code, category,"
            f" currency, micros, valid_from) VALUES (%s, now(), now(), '', {values})",
            [house.pk],
        )
