"""Runs of validation: numbers by phonenumbers, addresses by their form and by a real DNS server."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.urls import reverse

from core.actors import Actor
from core.errors import CapabilityMissing
from core.tenancy import organization_scope
from crm import services
from crm.errors import ValidationRunning, ValueInvalid
from crm.models import ContactPoint, HistoryEntry, ValidationFinding, ValidationRun
from crm.services.validation import AT_A_TIME, Chosen, check_next, go_on, sweep
from tests.crm import factories
from tests.crm.doors import Caller
from tests.dns_server import dns_server

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
EVERYTHING = Chosen(older_than=0)


@pytest.fixture
def dns(settings: Any) -> Iterator[Counter[str]]:
    cache.clear()
    with dns_server() as (address, asked):
        settings.EMAIL_DNS_SERVER, settings.EMAIL_DNS_TIMEOUT = address, 0.5
        yield asked
    cache.clear()


def email(actor: Actor, value: str, **fields: Any) -> ContactPoint:
    fields = {"line_type": "", "status": "unverified", **fields}
    return factories.point(factories.contact(actor.organization), value, "email", **fields)


def phone(actor: Actor, value: str, **fields: Any) -> ContactPoint:
    return factories.point(
        factories.contact(actor.organization), value, **{"status": "unverified", "line_type": "", **fields}
    )


def start(actor: Actor, chosen: Chosen = EVERYTHING, at: datetime = NOON) -> ValidationRun:
    return services.start_validation(actor=actor, chosen=chosen, at=at)


def worked_off(actor: Actor, chosen: Chosen = EVERYTHING, at: datetime = NOON) -> ValidationRun:
    run = start(actor, chosen, at)
    go_on(organization=actor.organization, run_id=run.pk, clock=lambda: at)
    run.refresh_from_db()
    return run


def now(point: ContactPoint) -> ContactPoint:
    return ContactPoint.objects.get(pk=point.pk)


def test_everything_that_can_be_found(manager: Actor, dns: Counter[str]) -> None:
    expected = {
        phone(manager, "+971501234567"): ("fine", "valid"),
        phone(manager, "+97143334444"): ("landline", "valid"),
        phone(manager, "+97150123"): ("no_number", "invalid"),
        email(manager, "noor@mail-house.ae"): ("fine", "valid"),
        email(manager, "omar@old-house.ae"): ("fine", "valid"),
        email(manager, "a@no-such-house.ae", status="valid"): ("no_domain", "invalid"),
        email(manager, "b@null-house.ae"): ("no_mail", "invalid"),
        email(manager, "c@bare-house.ae"): ("no_mail", "invalid"),
        email(manager, "d@broken-house.ae", status="valid"): ("not_asked", "valid"),
        email(manager, "e@silent-house.ae"): ("not_asked", "unverified"),
        email(manager, "no at all"): ("bad_form", "invalid"),
    }

    run = worked_off(manager)

    assert (run.status, run.checked, run.total) == ("done", 11, 11)
    assert run.counts == Counter(finding for finding, _status in expected.values())
    said = dict(ValidationFinding.objects.values_list("point", "finding"))
    for point, (finding, status) in expected.items():
        assert (said.get(point.pk, "fine"), now(point).status) == (finding, status), point.value
        assert (now(point).validated_at is None) == (finding == "not_asked"), point.value
    assert now(next(iter(expected))).country == "AE"


def test_a_domain_is_asked_once_and_kept_what_was_not_answered_is_asked_again(
    manager: Actor, dns: Counter[str]
) -> None:
    for number in range(20):
        email(manager, f"n{number}@mail-house.ae")
    silent = email(manager, "x@broken-house.ae")
    worked_off(manager)
    assert dns["mail-house.ae"] == 1
    before = dns["broken-house.ae"]

    run = worked_off(manager, Chosen(), at=NOON + timedelta(hours=1))

    assert (run.total, run.counts) == (1, {"not_asked": 1})
    assert dns["broken-house.ae"] > before
    assert now(silent).status == "unverified"


def test_a_server_that_is_away_says_nothing_of_anybody(manager: Actor, settings: Any) -> None:
    cache.clear()
    settings.EMAIL_DNS_SERVER, settings.EMAIL_DNS_TIMEOUT = "127.0.0.1:9", 0.2
    point = email(manager, "noor@mail-house.ae", status="valid")

    assert worked_off(manager).counts == {"not_asked": 1}

    assert now(point).status == "valid"


def test_people_and_refusals_are_left_alone_and_nothing_else_is_touched(manager: Actor, dns: Counter[str]) -> None:
    tried = email(manager, "a@no-such-house.ae")
    services.verify_contact_point(actor=manager, point=tried, at=NOON)
    asked = phone(manager, "+97150123", status="do_not_contact")
    bounced = phone(manager, "+971501234569", status="invalid")  # WhatsApp or a person found it so
    fine = phone(manager, "+971501234567", status="valid", line_type="mobile", country="AE")
    stamp, history = now(fine).updated_at, HistoryEntry.objects.count()

    run = worked_off(manager, at=datetime.now(UTC) + timedelta(minutes=1))

    assert (run.total, run.changed) == (2, 0)
    assert [now(point).status for point in (tried, asked, bounced)] == ["valid", "do_not_contact", "invalid"]
    assert now(fine).updated_at == stamp
    assert now(fine).validated_at is not None
    assert HistoryEntry.objects.count() == history


def test_what_a_run_found_invalid_it_may_find_valid_again(
    manager: Actor, dns: Counter[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    point = email(manager, "a@new-house.ae")
    worked_off(manager)
    assert now(point).status == "invalid"
    cache.clear()
    monkeypatch.setitem(__import__("tests.dns_server").dns_server.ZONES, "new-house.ae", ("MX", "10 mx.new-house.ae."))

    worked_off(manager, at=NOON + timedelta(days=1))

    assert now(point).status == "valid"
    assert list(ValidationFinding.objects.order_by("pk").values_list("before", "after")) == [
        ("unverified", "invalid"),
        ("invalid", "valid"),
    ]


def test_what_is_chosen(manager: Actor, dns: Counter[str]) -> None:
    house = manager.organization
    old = phone(manager, "+971501234567", validated_at=NOON - timedelta(days=40))
    never = email(manager, "noor@mail-house.ae")
    project = factories.project(house)
    factories.ownership(factories.unit(project), old.contact)

    def chosen(**wanted: Any) -> set[int]:
        points = services.points_to_validate(actor=manager, chosen=Chosen(**wanted), at=NOON)
        return set(points.values_list("pk", flat=True))

    assert chosen() == {never.pk}
    assert chosen(older_than=0) == {old.pk, never.pk}
    assert chosen(older_than=50) == {never.pk}
    assert chosen(older_than=0, kinds="numbers") == {old.pk}
    assert chosen(older_than=0, project=project.pk) == {old.pk}
    assert chosen(points=[old.pk]) == {old.pk}
    with pytest.raises(ValueInvalid):
        chosen(kinds="everything")
    with pytest.raises(ValueInvalid, match="nothing to look at"):
        start(manager, Chosen(kinds="emails", project=project.pk, older_than=0))


def test_one_at_a_time_stopped_and_found_again(manager: Actor, dns: Counter[str]) -> None:
    for number in range(AT_A_TIME + 5):
        phone(manager, f"+9715012{number:05}")
    run = start(manager)
    with pytest.raises(ValidationRunning):
        start(manager)
    check_next(organization=manager.organization, run_id=run.pk, at=NOON)  # and then the worker dies

    sweep(organization=manager.organization, at=NOON + timedelta(hours=1))
    go_on(organization=manager.organization, run_id=run.pk, clock=lambda: NOON + timedelta(hours=1))

    run.refresh_from_db()
    assert (run.status, run.checked, sum(run.counts.values())) == ("done", AT_A_TIME + 5, AT_A_TIME + 5)
    second = start(manager, at=NOON + timedelta(days=1))
    services.stop_validation(actor=manager, run=second, at=NOON)
    assert not check_next(organization=manager.organization, run_id=second.pk, at=NOON)
    second.refresh_from_db()
    assert (second.status, second.checked, second.stopped_by) == ("stopped", 0, manager.membership)


def test_the_database_holds_one_run_and_its_end(manager: Actor) -> None:
    phone(manager, "+971501234567")
    start(manager)

    def refused(statement: str) -> str:
        with pytest.raises(IntegrityError) as refusal, transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)
        return str(refusal.value.__cause__.diag.constraint_name)

    assert refused("UPDATE crm_validationrun SET status = 'done'") == "crm_validationrun_ends_with_a_time"
    assert refused("UPDATE crm_validationrun SET changed = 1") == "crm_validationrun_changed_are_checked"
    again = (
        "INSERT INTO crm_validationrun (organization_id, created_at, updated_at, wanted, status, cursor, last, total, "
        "checked, changed, counts, requested_by_id, started_at) SELECT organization_id, now(), now(), wanted, 'queued', 0, "
        "1, 1, 0, 0, counts, requested_by_id, now() FROM crm_validationrun"
    )
    assert refused(again) == "crm_validationrun_one_at_a_time"


def test_the_page_counts_starts_stops_and_opens_what_was_found(
    client: Client, manager: Actor, agent: Actor, dns: Counter[str]
) -> None:
    bad = phone(manager, "+97150123")
    page = reverse("validation-runs", args=["palm"])
    client.force_login(agent.user)
    assert client.get(page).status_code == 403
    client.force_login(manager.user)
    assert client.get(page, {"older_than": "0"}).context["how_many"] == 1
    assert client.post(page, {"kinds": "emails", "older_than": "0"}).status_code == 422

    assert client.post(page, {"kinds": "all", "older_than": ""}).status_code == 302

    run = ValidationRun.objects.get()
    shown = reverse("validation-run", args=["palm", run.pk])
    assert "Stop" in client.get(shown).content.decode()
    go_on(organization=manager.organization, run_id=run.pk, clock=lambda: NOON)
    answer = client.get(shown, {"finding": "no_number"}).content.decode()
    assert bad.contact.display_name in answer
    assert bad.value not in answer
    assert client.post(reverse("validation-stop", args=["palm", run.pk])).status_code == 302


def test_the_api(client: Client, manager: Actor, agent: Actor, dns: Counter[str]) -> None:
    point = phone(manager, "+97150123")
    office = Caller(client, manager)
    made = office.post("validation-runs/", {"points": [point.pk]})
    assert (made.status_code, made.json()["total"]) == (201, 1)
    run = made.json()["id"]
    assert office.post("validation-runs/", {"older_than": 0}).status_code == 409
    assert Caller(client, agent).get("validation-runs/").status_code == 403
    go_on(organization=manager.organization, run_id=run, clock=lambda: NOON)

    assert office.get(f"validation-runs/{run}/").json()["counts"] == {"no_number": 1}
    (found,) = office.get(f"validation-findings/?run={run}&finding=no_number").json()["results"]
    assert (found["point"], found["before"], found["after"]) == (point.pk, "unverified", "invalid")
    assert office.delete(f"validation-runs/{run}/").status_code == 204  # over already: nothing to stop


def test_another_house_and_an_agent(manager: Actor, agent: Actor, outsider: Actor) -> None:
    with organization_scope(outsider.organization.pk):
        other = phone(outsider, "+97150123")
    with organization_scope(manager.organization.pk):
        assert not services.points_to_validate(actor=manager, chosen=Chosen(points=[other.pk]), at=NOON).exists()
        with pytest.raises(CapabilityMissing):
            services.points_to_validate(actor=agent, chosen=EVERYTHING, at=NOON)
