"""The same write sent twice is done once, and a write over what somebody else changed is refused."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier
from typing import Any

import httpx
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import IntegrityError, connection, connections, transaction
from django.test import Client
from django.utils import timezone

from core.actors import Actor
from core.models import AuditEntry, IdempotencyKey, Membership
from core.roles import Role
from core.services import issue_token
from core.tasks import sweep_idempotency_keys
from core.tenancy import organization_scope
from crm.models import Contact, Project
from sheets.models import ImportRun
from tests.commissions import factories as earning
from tests.crm import factories
from tests.live import Live, house, wait_for

API = "/api/v1/palm/"


class Till:
    """An integration that sends its writes under keys."""

    def __init__(self, actor: Actor, scopes: list[str] | None = None) -> None:
        _, self.secret = issue_token(actor=actor, name="till", at=timezone.now(), scopes=scopes or [])
        self.client = Client(headers={"Authorization": f"Bearer {self.secret}"})

    def send(self, verb: str, address: str, body: Any = None, **headers: str) -> Any:
        given = {} if body is None else {"data": body, "content_type": "application/json"}
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        return getattr(self.client, verb)(API + address, headers=names, **given)

    def post(self, address: str, body: Any, key: str) -> Any:
        return self.send("post", address, body, Idempotency_Key=key)


@pytest.fixture
def till(manager: Actor) -> Till:
    return Till(manager)


def test_the_same_request_again_is_answered_the_same_and_done_once(till: Till) -> None:
    first = till.post("projects/", {"name": "Vardon"}, "k-1")
    again = till.post("projects/", {"name": "Vardon"}, "k-1")

    assert (first.status_code, again.status_code) == (201, 201)
    assert again.content == first.content
    assert "Idempotency-Replayed" not in first
    assert (again["Idempotency-Replayed"], again["Content-Type"]) == ("true", "application/json")
    assert Project.objects.count() == 1
    assert AuditEntry.objects.filter(action="crm.project_added").count() == 1

    other = till.post("projects/", {"name": "Pacifica"}, "k-1")
    assert (other.status_code, other.json()["code"]) == (422, "idempotency_key_used")
    assert (
        till.send("patch", f"projects/{first.json()['id']}/", {"name": "Vardon"}, Idempotency_Key="k-1").status_code
        == 422
    )
    assert Project.objects.get().name == "Vardon"


def test_patch_put_and_delete_are_replayed_too(till: Till, manager: Actor) -> None:
    unit = factories.unit(factories.project(manager.organization))
    owner = factories.contact(manager.organization)

    for verb, address, body in [
        ("patch", f"properties/{unit.pk}/", {"price": "100.00", "currency": "AED"}),
        ("put", f"properties/{unit.pk}/owners/", {"owners": [{"contact": owner.pk}]}),
        ("delete", f"properties/{unit.pk}/", None),
    ]:
        first = till.send(verb, address, body, Idempotency_Key=f"key-{verb}")
        again = till.send(verb, address, body, Idempotency_Key=f"key-{verb}")
        assert first.status_code in {200, 204}, first.content
        assert (again.status_code, again.content) == (first.status_code, first.content)
        assert again["Idempotency-Replayed"] == "true"


def test_a_refusal_uses_no_key_up(till: Till) -> None:
    assert till.post("projects/", {"name": ""}, "k").status_code == 400
    assert not IdempotencyKey.objects.exists()

    assert till.post("projects/", {"name": "Vardon"}, "k").status_code == 201
    assert till.post("projects/", {"name": "Vardon"}, "other").status_code == 409


@pytest.mark.parametrize("key", ["", "with blank", "x" * 256, "é"])
def test_a_key_that_is_none(till: Till, key: str) -> None:
    answer = till.client.post(API + "projects/", {"name": "Vardon"}, "application/json", HTTP_IDEMPOTENCY_KEY=key)

    assert (answer.status_code, answer.json()["code"]) == (400, "idempotency_key_unusable")
    assert not Project.objects.exists()


def test_keys_belong_to_their_caller(till: Till, manager: Actor, second_manager: Actor) -> None:
    other, in_browser = Till(second_manager), Client()
    in_browser.force_login(manager.user)  # type: ignore[arg-type]

    assert till.post("projects/", {"name": "A"}, "k").status_code == 201
    assert other.post("projects/", {"name": "B"}, "k").status_code == 201
    browser = in_browser.post(API + "projects/", {"name": "C"}, "application/json", headers={"Idempotency-Key": "k"})
    assert browser.status_code == 201
    stranger = Client().post(API + "projects/", {"name": "D"}, "application/json", headers={"Idempotency-Key": "k"})
    assert stranger.status_code == 401
    assert IdempotencyKey.objects.count() == Project.objects.count() == 3

    # what the role no longer allows is not replayed either
    Membership.objects.filter(pk=manager.membership.pk).update(role=Role.AGENT)  # type: ignore[union-attr]
    assert till.post("projects/", {"name": "A"}, "k").status_code == 403


def test_a_file_that_is_sent_again_is_one_import(till: Till) -> None:
    def upload(text: bytes) -> Any:
        return till.client.post(
            API + "imports/",
            {"file": SimpleUploadedFile("units.csv", text), "kind": "crm.units"},
            headers={"Idempotency-Key": "file"},
        )

    first, again = upload(b"P-Number\n1"), upload(b"P-Number\n1")

    assert (first.status_code, again.status_code) == (201, 201), first.content
    assert again.content == first.content
    assert ImportRun.objects.count() == 1
    assert upload(b"P-Number\n2").status_code == 422


def test_an_answer_is_kept_for_a_day_and_cannot_be_read_in_the_table(till: Till) -> None:
    till.post("contacts/", {"display_name": "Noura Example"}, "k")
    with connection.cursor() as cursor:
        cursor.execute("SELECT body FROM core_idempotencykey")
        assert "Noura" not in cursor.fetchone()[0]

    sweep_idempotency_keys()
    assert IdempotencyKey.objects.count() == 1
    IdempotencyKey.objects.update(created_at=timezone.now() - timedelta(hours=24))
    till.post("contacts/", {"display_name": "Noura Example"}, "k")  # a new change, though nobody swept yet
    assert Contact.objects.count() == 2

    IdempotencyKey.objects.update(created_at=timezone.now() - timedelta(hours=24))
    sweep_idempotency_keys()
    assert not IdempotencyKey.objects.exists()


def test_the_table_keeps_one_answer_a_key_and_only_of_changes(till: Till, manager: Actor) -> None:
    till.post("projects/", {"name": "Vardon"}, "k")

    for change in [
        "INSERT INTO core_idempotencykey (created_at, updated_at, organization_id, membership_id, token_id, key,"
        " request_hash, status, headers, body) SELECT created_at, updated_at, organization_id, membership_id, token_id,"
        " key, request_hash, status, headers, body FROM core_idempotencykey",
        "UPDATE core_idempotencykey SET key = 'a b'",
        "UPDATE core_idempotencykey SET status = 500",
    ]:
        with pytest.raises(IntegrityError, match="core_idempotencykey"), transaction.atomic(), connection.cursor() as c:
            c.execute(change)


def test_eight_at_once_under_one_key_are_one_project(committed: str) -> None:
    organization, members = house()
    with organization_scope(organization.pk):
        till = Till(Actor(organization, members[Role.MANAGER]))
        for round_ in range(6):
            start = Barrier(8)

            def send(_: int, round_: int = round_, start: Barrier = start) -> tuple[int, str]:
                try:
                    start.wait(10)
                    answer = till.post("projects/", {"name": f"Project {round_}"}, f"key-{round_}")
                    return answer.status_code, answer.headers.get("Retry-After", "")
                finally:
                    connections.close_all()

            with ThreadPoolExecutor(8) as threads:
                answers = list(threads.map(send, range(8)))

            assert set(answers) <= {(201, ""), (409, "1")}
            assert (201, "") in answers
            assert Project.objects.filter(name=f"Project {round_}").count() == 1


def at_work() -> bool:
    """Whether a write under a key is under way in this database."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted"
            " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        )
        return bool(cursor.fetchone()[0] == 1)


@pytest.mark.live
def test_a_web_server_killed_in_the_middle_of_a_write_leaves_nothing_and_the_retry_does_it_once(live: Live) -> None:
    organization, members = house()
    with organization_scope(organization.pk):
        project = factories.project(organization)
        till = Till(Actor(organization, members[Role.MANAGER]))
    web = live.start_web()

    def send() -> httpx.Response:
        return httpx.patch(
            f"{live.base_url}{API}projects/{project.pk}/",
            json={"name": "Heights"},
            headers={"Authorization": f"Bearer {till.secret}", "Idempotency-Key": "k"},
            timeout=20,
        )

    with ThreadPoolExecutor(1) as threads:
        with organization_scope(organization.pk), transaction.atomic():
            Project.objects.select_for_update().get(pk=project.pk)  # the write has to wait here
            first = threads.submit(send)
            wait_for(at_work, what="the write")
            assert (send().status_code, send().headers["Retry-After"]) == (409, "1")
            live.kill(web)
        assert isinstance(first.exception(), httpx.TransportError)

    live.start_web()
    retried = wait_for(lambda: (answer := send()).status_code != 409 and answer, what="the lock to go")
    again = send()

    assert (retried.status_code, "Idempotency-Replayed" in retried.headers) == (200, False)
    assert (again.json(), again.headers["Idempotency-Replayed"]) == (retried.json(), "true")
    with organization_scope(organization.pk):
        assert AuditEntry.objects.filter(action="crm.project_changed").count() == 1


def test_an_etag_says_whether_anything_changed(till: Till, manager: Actor) -> None:
    contact = factories.contact(manager.organization, "Noura Example")
    address = f"contacts/{contact.pk}/"
    first = till.send("get", address)

    same = till.send("get", address, If_None_Match=first["ETag"])
    assert (same.status_code, same.content, same["ETag"]) == (304, b"", first["ETag"])
    assert till.send("get", address, If_None_Match=f'"other", W/{first["ETag"]}').status_code == 304

    factories.point(contact, "+971501234567")  # another table, but it stands in the answer
    changed = till.send("get", address, If_None_Match=first["ETag"])
    assert (changed.status_code, changed["ETag"] != first["ETag"]) == (200, True)
    assert till.send("get", "contacts/999999/").status_code == 404


def test_two_clients_change_one_unit_and_the_second_is_told(till: Till, second_manager: Actor) -> None:
    organization = second_manager.organization
    other, unit = Till(second_manager), factories.unit(factories.project(organization))
    address = f"properties/{unit.pk}/"
    mine, theirs = till.send("get", address)["ETag"], other.send("get", address)["ETag"]

    won = other.send("patch", address, {"price_note": "negotiable"}, If_Match=theirs)
    lost = till.send("patch", address, {"price_note": "firm"}, If_Match=mine)

    assert (won.status_code, lost.status_code, lost.json()["code"]) == (200, 412, "stale_version")
    unit.refresh_from_db()
    assert unit.price_note == "negotiable"
    assert till.send("delete", address, If_Match=mine).status_code == 412
    assert won["ETag"] == till.send("get", address)["ETag"] != mine
    assert till.send("patch", address, {"price_note": "firm"}, If_Match=f"W/{won['ETag']}").status_code == 200
    assert till.send("patch", address, {"price_note": "f"}, If_Match="*").status_code == 200
    assert till.send("patch", "properties/999999/", {"price_note": "f"}, If_Match=mine).status_code == 404


def test_a_row_that_is_never_rewritten_can_be_named_by_its_etag(
    till: Till, manager: Actor, second_manager: Actor
) -> None:
    made = earning.approved(
        manager, second_manager, earning.closed_deal(factories.agent_of(manager.organization, "Omar"))
    )
    payment = earning.pay(manager, earning.parts(made)[0], "100.00", "TRF-1")
    address = f"commission-payments/{payment.pk}/reversal/"

    refused = till.send("post", address, {"reason": "bounced"}, If_Match='"1.x"')
    done = till.send("post", address, {"reason": "bounced"}, If_Match=till.send("get", address[:-9])["ETag"])

    assert (refused.status_code, done.status_code) == (412, 201)


def test_a_retry_of_a_change_that_was_made_is_replayed_though_its_etag_is_old_by_now(
    till: Till, manager: Actor
) -> None:
    address = f"properties/{factories.unit(factories.project(manager.organization)).pk}/"
    read = till.send("get", address)["ETag"]

    first = till.send("patch", address, {"price_note": "firm"}, If_Match=read, Idempotency_Key="k")
    again = till.send("patch", address, {"price_note": "firm"}, If_Match=read, Idempotency_Key="k")

    assert (first.status_code, again.status_code, again["ETag"]) == (200, 200, first["ETag"])


def test_eight_who_read_the_same_version_write_once(committed: str) -> None:
    organization, members = house()
    with organization_scope(organization.pk):
        till = Till(Actor(organization, members[Role.MANAGER]))
        address = f"properties/{factories.unit(factories.project(organization)).pk}/"
        for round_ in range(6):
            read, start = till.send("get", address)["ETag"], Barrier(8)

            def write(number: int, read: str = read, start: Barrier = start, round_: int = round_) -> int:
                try:
                    start.wait(10)
                    note = f"{round_}: {number}"  # writing what is there already would be no change
                    return int(till.send("patch", address, {"price_note": note}, If_Match=read).status_code)
                finally:
                    connections.close_all()

            with ThreadPoolExecutor(8) as threads:
                assert sorted(threads.map(write, range(8))) == [200, *[412] * 7]
