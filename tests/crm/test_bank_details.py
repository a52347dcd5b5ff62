"""Where an agent is paid: one person writes it down, another compares it with the paper."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.test import Client

from core.actors import Actor
from core.models import Organization
from core.roles import Role
from crm.models import BankDetails
from tests.conftest import member
from tests.crm import factories

IBAN = "AE070331234567890123456"
OTHER = "GB29NWBK60161331926819"
LIST = "/o/palm/admin/crm/bankdetails/"


@pytest.fixture
def typed(agent: Actor) -> dict[str, Any]:
    profile = factories.agent(agent)
    return {
        "agent": profile.pk,
        "holder": "Sara Agent",
        "bank_name": "Emirates Bank",
        "iban": "AE07 0331 2345 6789 0123 456",
        "account_number": "",
        "swift": "",
    }


def write(client: Client, actor: Actor, typed: dict[str, Any]) -> BankDetails:
    client.force_login(actor.user)  # type: ignore[arg-type]
    answer = client.post(f"{LIST}add/", typed)
    assert answer.status_code == 302, answer.content.decode()
    return BankDetails.objects.get()


def test_a_manager_writes_down_and_an_admin_verifies(
    client: Client, manager: Actor, admin: Actor, typed: dict[str, Any]
) -> None:
    details = write(client, manager, typed)
    assert (details.iban, details.entered_by, details.verified_at) == (IBAN, manager.membership, None)
    page = client.get(f"{LIST}{details.pk}/change/").content.decode()
    assert IBAN not in page.replace(" ", "")
    assert "•• •••• 3456" in page
    client.post(LIST, {"action": "verify", "_selected_action": [details.pk]})
    assert BankDetails.objects.get().verified_at is None

    client.force_login(admin.user)
    assert "AE07 0331 2345 6789 0123 456" in client.get(f"{LIST}{details.pk}/change/").content.decode()
    client.post(LIST, {"action": "verify", "_selected_action": [details.pk]})

    assert BankDetails.objects.get().verified_by == admin.membership
    assert IBAN not in client.get(LIST).content.decode()


def test_empty_numbers_stay_and_a_change_asks_for_another_verification(
    client: Client, manager: Actor, admin: Actor, organization: Organization, typed: dict[str, Any]
) -> None:
    details = write(client, manager, typed)
    client.force_login(admin.user)
    client.post(LIST, {"action": "verify", "_selected_action": [details.pk]})

    change = {**typed, "iban": "", "holder": "Sara A. Agent"}
    assert client.post(f"{LIST}{details.pk}/change/", change).status_code == 302

    details.refresh_from_db()
    assert (details.iban, details.holder, details.entered_by) == (IBAN, "Sara A. Agent", admin.membership)
    assert details.verified_at is None
    client.post(LIST, {"action": "verify", "_selected_action": [details.pk]})
    assert BankDetails.objects.get().verified_at is None, "who wrote it down does not verify it"
    second = Actor(organization, member(organization, Role.ADMIN, "Second"))
    client.force_login(second.user)  # type: ignore[arg-type]
    client.post(LIST, {"action": "verify", "_selected_action": [details.pk]})
    assert BankDetails.objects.get().verified_by == second.membership


def test_a_wrong_digit_is_said_beside_the_field(client: Client, manager: Actor, typed: dict[str, Any]) -> None:
    client.force_login(manager.user)

    answer = client.post(f"{LIST}add/", {**typed, "iban": "AE070331234567890123457"})

    assert answer.status_code == 200
    assert "This is not a valid IBAN" in answer.content.decode()
    assert not BankDetails.objects.exists()


def test_four_eyes_are_held_by_the_database(client: Client, manager: Actor, typed: dict[str, Any]) -> None:
    write(client, manager, typed)

    def refused(statement: str) -> str:
        with pytest.raises(IntegrityError) as refusal, transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)
        return str(refusal.value.__cause__.diag.constraint_name)  # type: ignore[union-attr]

    same = "UPDATE crm_bankdetails SET verified_by_id = entered_by_id, verified_at = now()"
    assert refused(same) == "crm_bank_details_verified_by_another"
    assert refused("UPDATE crm_bankdetails SET verified_at = now()") == (
        "crm_bank_details_verified_by_someone_at_some_time"
    )


def test_a_viewer_sees_nothing(
    client: Client, organization: Organization, manager: Actor, typed: dict[str, Any]
) -> None:
    details = write(client, manager, typed)
    client.force_login(Actor(organization, member(organization, Role.VIEWER, "Vera")).user)  # type: ignore[arg-type]

    assert client.get(LIST).status_code == 403
    assert client.get(f"{LIST}{details.pk}/change/").status_code in {302, 403}
