"""What WhatsApp says of numbers and accounts is true at once, told once, and in words that say what to do."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from messaging import errors, services
from messaging.checkup import examine, warn_step
from messaging.models import Appeal, Channel, Notice
from messaging.services import tokens
from messaging.verdicts import KNOWN, read
from tests.messaging import factories

NOW = datetime(2026, 6, 1, tzinfo=UTC)


def told(channel: Channel) -> list[tuple[str, str, str]]:
    rows = Notice.objects.of_channel(channel).order_by("pk")
    return [(row.kind, row.code, row.severity) for row in rows]


def second_number(organization, **fields: Any) -> Channel:
    values = {"name": "Palm sales", "phone_number_id": "100200300400501", "display_number": "+971500000002"}
    return factories.channel(organization, **{**values, **fields})


def test_quality_and_limit_follow_without_anybody_pressing_sync(receive, channel: Channel, organization) -> None:
    other = second_number(organization)
    flagged = {"display_phone_number": "971500000001", "event": "FLAGGED", "current_limit": "TIER_10K"}
    for _ in range(3):
        receive(flagged, field="phone_number_quality_update")
    lower = {"event": "DOWNGRADE", "current_limit": "TIER_2K", "old_limit": "TIER_10K"}
    receive({**lower, "display_phone_number": "971500000001"}, field="phone_number_quality_update")

    channel.refresh_from_db()
    other.refresh_from_db()
    assert (channel.quality, channel.messaging_limit) == ("RED", 2000)
    assert (other.quality, other.messaging_limit) == ("UNKNOWN", 2000)  # the limit is the portfolio's, quality is not
    assert told(channel) == [("quality", "FLAGGED", "serious"), ("limit", "DOWNGRADE", "warning")]
    assert told(other) == []
    limit = Notice.objects.get(kind="limit")
    said = read(limit.kind, limit.code, limit.details)
    assert said.meaning == "All numbers together may now begin talk with only 2,000 people a day."
    assert "more days" in said.step


def test_the_limit_of_a_portfolio_is_that_of_all_its_accounts(receive, channel: Channel, organization) -> None:
    Channel.objects.update(portfolio_id="55")
    far = second_number(organization, waba_id="1", portfolio_id="55")
    alone = factories.channel(organization, name="x", phone_number_id="7", waba_id="2", display_number="+1")

    for _ in range(2):
        receive({"max_daily_conversations_per_business": 10000}, field="business_capability_update")
    limits = {each.pk: each.messaging_limit for each in Channel.objects.all()}
    assert (limits[channel.pk], limits[far.pk], limits[alone.pk]) == (10_000, 10_000, 250)
    assert told(channel) == [("limit", "UPGRADE", "good")]

    receive({"max_daily_conversations_per_business": -1}, field="business_capability_update")
    channel.refresh_from_db()
    assert channel.messaging_limit == 2_147_483_647
    notice = Notice.objects.latest("pk")
    assert "any number of people" in read(notice.kind, notice.code, notice.details).meaning


ENDINGS = [
    ({"event": "DISABLED_UPDATE", "ban_info": {"waba_ban_state": "DISABLE"}}, "DISABLE", True),
    (
        {"event": "DISABLED_UPDATE", "ban_info": {"waba_ban_state": "SCHEDULE_FOR_DISABLE", "waba_ban_date": "June 9, 2026"}},
        "SCHEDULE_FOR_DISABLE",
        False,
    ),
    ({"event": "DISABLED_UPDATE", "ban_info": {"waba_ban_state": "REINSTATE"}}, "REINSTATE", False),
    (
        {
            "event": "ACCOUNT_RESTRICTION",
            "restriction_info": [{"restriction_type": "RESTRICTED_BIZ_INITIATED_MESSAGING", "expiration": "1782000000"}],
        },
        "ACCOUNT_RESTRICTION",
        "answers",
    ),
    (
        {
            "event": "ACCOUNT_RESTRICTION",
            "restriction_info": [
                {"restriction_type": "RESTRICTED_BIZ_INITIATED_MESSAGING", "expiration": "1782000000"},
                {"restriction_type": "RESTRICTED_CUSTOMER_INITIATED_MESSAGING", "expiration": "1782000000"},
            ],
        },
        "ACCOUNT_RESTRICTION",
        True,
    ),
    ({"event": "ACCOUNT_VIOLATION", "violation_info": {"violation_type": "ALCOHOL"}}, "ACCOUNT_VIOLATION", False),
    ({"event": "PARTNER_REMOVED"}, "PARTNER_REMOVED", True),
    ({"event": "ACCOUNT_OFFBOARDED", "phone_number": "971500000001"}, "ACCOUNT_OFFBOARDED", True),
    ({"event": "VERIFIED_ACCOUNT"}, "VERIFIED_ACCOUNT", False),
    ({"event": "SOMETHING_NEW_AT_META"}, "SOMETHING_NEW_AT_META", False),
]  # fmt: skip


@pytest.mark.parametrize(("value", "code", "stopped"), ENDINGS, ids=[f"{row[1]} {row[2]}" for row in ENDINGS])
def test_what_happens_to_an_account_is_told_once_and_blocks_only_what_ended(
    receive, channel: Channel, value, code, stopped
) -> None:
    for _ in range(2):
        receive(value, field="account_update")

    channel.refresh_from_db()
    assert bool(channel.blocked_at) is (stopped is True)
    assert bool(channel.answers_only_since) is (stopped == "answers")
    [(kind, told_code, _severity)] = told(channel)
    assert (kind, told_code) == ("account", code)
    notice = Notice.objects.get()
    said = read(notice.kind, notice.code, notice.details)
    assert "%(" not in said.meaning + said.step
    assert said.meaning


def test_an_alert_names_its_number_or_all(receive, channel: Channel, organization) -> None:
    other = second_number(organization)
    info = {"alert_type": "PROFILE_PICTURE_LOST", "alert_severity": "INFORMATIONAL", "alert_status": "NONE"}
    receive(
        {"entity_type": "PHONE_NUMBER", "entity_id": factories.NUMBER_ID, "alert_info": info}, field="account_alerts"
    )
    deferred = {"alert_type": "INCREASED_CAPABILITIES_ELIGIBILITY_DEFERRED", "alert_severity": "INFORMATIONAL"}
    receive({"entity_type": "BUSINESS", "entity_id": "1", "alert_info": deferred}, field="account_alerts")

    assert [code for _, code, _ in told(channel)] == ["PROFILE_PICTURE_LOST", deferred["alert_type"]]
    assert [code for _, code, _ in told(other)] == [deferred["alert_type"]]


def test_errors_of_no_message_stand_in_the_history(receive, channel: Channel) -> None:
    error = {"code": 131031, "title": "Business Account locked", "error_data": {"details": "Locked for a while"}}
    for _ in range(2):
        receive(factories.value(errors=[error]))

    notice = Notice.objects.get()
    assert read(notice.kind, notice.code, notice.details).meaning == (
        "WhatsApp reported an error (131031): Locked for a while"
    )


def test_every_known_verdict_reads_without_gaps() -> None:
    for kind, code in KNOWN:
        said = read(kind, code, {})
        assert said.meaning
        assert "%(" not in said.meaning + said.step, (kind, code)


def test_notices_are_history_for_the_database_too(channel: Channel, receive) -> None:
    receive({"event": "VERIFIED_ACCOUNT"}, field="account_update")

    for statement in ("UPDATE messaging_notice SET code = 'x'", "DELETE FROM messaging_notice"):
        with pytest.raises(Exception, match="permission denied"), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)


# ── the check ────────────────────────────────────────────────────────────────

GOOD: dict[str, Any] = {
    "waba_id": "1",
    "phone_number_id": "2",
    "token": {"is_valid": True, "scopes": ["whatsapp_business_messaging", "whatsapp_business_management"]},
    "number": {"status": "CONNECTED", "quality_rating": "GREEN"},
    "account_numbers": [{"id": "2"}],
    "subscriptions": [{}],
    "at": NOW,
}
TROUBLES: list[tuple[dict[str, Any], list[str]]] = [
    ({}, []),
    ({"token": {"is_valid": False}}, ["token_dead"]),
    ({"token": {"is_valid": True, "scopes": ["whatsapp_business_messaging"]}}, ["token_lacks"]),
    (
        {"token": {**GOOD["token"], "granular_scopes": [{"scope": "whatsapp_business_messaging", "target_ids": ["9"]}]}},
        ["token_elsewhere"],
    ),
    ({"number": {"status": "RESTRICTED"}}, ["number_state"]),
    ({"account_numbers": [{"id": "3"}]}, ["number_elsewhere"]),
    ({"subscriptions": []}, ["webhooks_elsewhere"]),
    ({"token": {**GOOD["token"], "expires_at": int((NOW + timedelta(days=5)).timestamp())}}, ["token_ends"]),
    ({"number": {"name_status": "DECLINED", "quality_rating": "RED"}}, ["name_declined", "quality_low"]),
]  # fmt: skip


@pytest.mark.parametrize(("changes", "codes"), TROUBLES, ids=[str(codes) for _, codes in TROUBLES])
def test_a_check_names_everything_that_is_wrong(changes, codes) -> None:
    found = examine(**{**GOOD, **changes})

    assert [finding.code for finding in found] == codes
    assert all("%(" not in finding.meaning + finding.step for finding in found)


def test_a_check_learns_asks_for_webhooks_and_says_what_does_not_stop_it(sandbox, channel: Channel, admin) -> None:
    soon = int((timezone.now() + timedelta(days=6, hours=1)).timestamp())
    account = {"id": factories.WABA_ID, "portfolio_id": "55", "messaging_limit": "TIER_2K", "token_expires_at": soon}
    number = {"id": factories.NUMBER_ID, "on_phone": True, "name_status": "DECLINED"}
    sandbox.ask("POST", "/configure", {"accounts": [{**account, "numbers": [number]}]})

    assert services.check_channel(actor=admin, channel=channel, at=timezone.now()) == ""

    channel.refresh_from_db()
    assert [each["code"] for each in channel.findings] == ["webhooks_elsewhere", "token_ends", "name_declined"]
    assert (channel.portfolio_id, channel.messaging_limit, channel.app_id) == ("55", 2000, "100000000000001")
    assert (channel.is_coexistence, channel.messages_per_second) == (True, 20)
    assert channel.token_expires_at == datetime.fromtimestamp(soon, UTC)
    services.check_channel(actor=admin, channel=channel, at=timezone.now())
    channel.refresh_from_db()
    assert [each["code"] for each in channel.findings] == ["token_ends", "name_declined"]


def test_the_secrets_of_an_app_change_for_all_its_numbers(channel: Channel, organization, admin) -> None:
    other = second_number(organization, app_id="7")
    stranger = second_number(organization, phone_number_id="9", app_id="8")
    Channel.objects.filter(pk=channel.pk).update(app_id="7")
    channel.refresh_from_db()

    services.change_tokens(
        actor=admin, channel=channel, app_secret="new-secret", access_token="EAAnew", at=timezone.now()
    )

    other.refresh_from_db()
    stranger.refresh_from_db()
    assert (other.app_secret, other.access_token) == ("new-secret", factories.ACCESS_TOKEN)
    assert stranger.app_secret == factories.APP_SECRET


# ── tokens ───────────────────────────────────────────────────────────────────


def test_a_token_is_spoken_of_in_time_and_once_at_each_step(sandbox, channel: Channel, admin, majlis) -> None:
    now = timezone.now()
    ends = now + timedelta(days=20)
    account = {"id": factories.WABA_ID, "token_expires_at": int(ends.timestamp())}
    sandbox.ask("POST", "/configure", {"accounts": [account]})

    def watch(days: float) -> int:
        tokens.watch_tokens(actor=majlis, at=now + timedelta(days=days))
        return Notice.objects.filter(code="EXPIRES").count()

    assert [watch(days) for days in (0, 1, 7, 7.1, 14, 18, 19.5)] == [1, 1, 2, 2, 3, 4, 5]
    notice = Notice.objects.filter(code="EXPIRES").latest("pk")
    said = read(notice.kind, notice.code, notice.details)
    assert admin.user.name in said.step
    assert str(ends.year) in said.meaning


def test_a_dead_token_blocks_before_anybody_presses_send(
    sandbox, channel: Channel, majlis, admin, organization
) -> None:
    twin = second_number(organization)
    sandbox.ask("POST", "/configure", {"accounts": [{"id": factories.WABA_ID, "token": "EAAanother"}]})
    before = len(sandbox.received("object"))
    for _ in range(2):
        tokens.watch_tokens(actor=majlis, at=timezone.now())

    for each in (channel, twin):
        each.refresh_from_db()
        assert each.blocked_at
    assert Notice.objects.filter(code="DEAD").count() == 2
    assert len(sandbox.received("object")) - before <= 2  # one question for both numbers
    assert warn_step(NOW + timedelta(days=40), NOW) is None


def test_with_whatsapp_away_a_token_stays_what_it_was(channel: Channel, majlis, settings) -> None:
    settings.WHATSAPP_API_URL = "http://127.0.0.1:1"

    assert tokens.watch_tokens(actor=majlis, at=timezone.now()) == 0

    channel.refresh_from_db()
    assert channel.blocked_at is None


# ── blocked, submitted, restored, blocked for good ───────────────────────────


def test_a_block_is_appealed_once_and_restored_by_a_check(sandbox, channel: Channel, admin) -> None:
    at = timezone.now()
    with pytest.raises(errors.AppealPointless):
        services.appeal_block(actor=admin, channel=channel, reason="Please", at=at)
    Channel.objects.update(blocked_at=at, status_reason="restricted")
    channel.refresh_from_db()

    services.appeal_block(actor=admin, channel=channel, reason="It was a mistake", at=at)
    with pytest.raises(errors.AppealPointless):
        services.appeal_block(actor=admin, channel=channel, reason="again", at=at)
    services.check_channel(actor=admin, channel=channel, at=timezone.now())

    assert Appeal.objects.get().outcome == "restored"
    with pytest.raises(errors.AppealPointless):
        services.close_appeal(actor=admin, channel=channel, at=at)


def test_whatsapp_may_say_no_for_good(channel: Channel, admin) -> None:
    at = timezone.now()
    Channel.objects.update(blocked_at=at)
    channel.refresh_from_db()
    services.appeal_block(actor=admin, channel=channel, reason="", at=at)

    services.close_appeal(actor=admin, channel=channel, at=at)

    assert Appeal.objects.get().outcome == "refused"
    with pytest.raises(IntegrityError, match="decided_with_its_time"), transaction.atomic():
        Appeal.objects.update(decided_at=None)
